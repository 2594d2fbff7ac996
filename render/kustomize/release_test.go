package kustomize

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

func release(t testing.TB, version string) string {
	root := os.Getenv("KFPREFLIGHT_KUBEFLOW")
	if root == "" {
		t.Skip("KFPREFLIGHT_KUBEFLOW does not name a folder with Kubeflow's releases")
	}
	return filepath.Join(root, version)
}

// krustyBuild is kustomize build itself, through its library.
func krustyBuild(dir string) (out []byte, err error) {
	capture(func() {
		options := krusty.MakeDefaultOptions()
		options.Reorder = krusty.ReorderOptionUnspecified
		m, runErr := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
		if runErr != nil {
			err = runErr
			return
		}
		out, err = m.AsYaml()
	})
	return out, err
}

// TestYAMLIsKustomizeBuild renders every kustomization of a release that
// kustomize itself renders, byte for byte.
func TestYAMLIsKustomizeBuild(t *testing.T) {
	platform := map[string]int{"v1.10.2": 611, "v1.9.1": 569}
	for version, want := range platform {
		t.Run(version, func(t *testing.T) {
			root := release(t, version)
			built := 0
			err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
				if err != nil || !entry.IsDir() {
					return err
				}
				file := kustomizationIn(path)
				if file == "" || (version == "v1.9.1" && filepath.Base(path) != "example") {
					return nil
				}
				if remote(t, file) {
					return nil // this test asks no network
				}
				expected, krustyErr := krustyBuild(path)
				got, err := YAML(context.Background(), path, Options{})
				rel, _ := filepath.Rel(root, path)
				if (err == nil) != (krustyErr == nil) {
					t.Errorf("%s: kustomize answers %v, we %v", rel, krustyErr, err)
					return nil
				}
				if err != nil {
					return nil
				}
				built++
				if !bytes.Equal(expected, got) {
					t.Errorf("%s: not the bytes of kustomize build", rel)
				}
				objects, err := Objects(context.Background(), path, Options{})
				if err != nil {
					t.Errorf("%s: %v", rel, err)
				}
				sameAsKubectlReads(t, rel, expected, objects)
				if n := bytes.Count(expected, []byte("\nkind: ")); rel == "example" && (len(objects) != want || n != want) {
					t.Errorf("%s: %d objects in the inventory, %d in the YAML; want %d", rel, len(objects), n, want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d kustomizations", built)
			if version == "v1.10.2" && built < 150 || built == 0 {
				t.Errorf("only %d kustomizations were built", built)
			}
		})
	}
}

// remote reports whether a kustomization or one that it includes names anything
// outside of the tree.
func remote(t *testing.T, file string) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return false
	}
	for _, entry := range slices.Concat(k.Resources, k.Bases, k.Components) {
		if isRemote(entry) {
			return true
		}
		if base := kustomizationIn(filepath.Join(filepath.Dir(file), entry)); base != "" && remote(t, base) {
			return true
		}
	}
	return false
}

// sameAsKubectlReads holds the inventory against what kubectl would read from
// kustomize's output.
func sameAsKubectlReads(t *testing.T, rel string, output []byte, objects []*inventory.Object) {
	t.Helper()
	documents := bytes.Split(output, []byte("\n---\n"))
	if len(documents) != len(objects) {
		t.Errorf("%s: %d documents, %d objects", rel, len(documents), len(objects))
		return
	}
	for i, o := range objects {
		var want any
		if err := yaml.Unmarshal(documents[i], &want); err != nil {
			t.Fatal(err)
		}
		theirs, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := json.Marshal(o.Content())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(theirs, ours) {
			t.Errorf("%s: %s is not read as kubectl reads it\ngot  %.2000s\nwant %.2000s", rel, o.Key, ours, theirs)
		}
	}
}

// TestScalarsAsKubectlReads renders texts that YAML's versions disagree about.
func TestScalarsAsKubectlReads(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "top/kustomization.yaml", "resources: [../base]\npatches:\n- path: patch.yaml\n")
	write(t, "top/patch.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {c: \"yes\", d: off}}\n")
	write(t, "base/kustomization.yaml", "resources: [all.yaml]\n")
	write(t, "base/all.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  labels: {a: yes, b: \"no\"}\ndata: {n: \"0644\", o: 0644, e: 1e3, t: 2020-01-02, y: y, big: 12345678901234567890, f: 1.10}\n")
	output, err := YAML(context.Background(), "top", Options{})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := Objects(context.Background(), "top", Options{})
	if err != nil {
		t.Fatal(err)
	}
	sameAsKubectlReads(t, "top", output, objects)
}

// TestLocateRelease asks for the place of every scalar of a release and holds
// each exact answer against the text of that line.
func TestLocateRelease(t *testing.T) {
	root := release(t, "v1.10.2")
	objects, err := Objects(context.Background(), filepath.Join(root, "example"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	var exact, all, wrong int
	for _, o := range objects {
		if o.Key.Kind == "CustomResourceDefinition" {
			continue
		}
		scalars(o.Content(), nil, func(path inventory.Path, value any) {
			all++
			origin := o.At(path).Origin()
			if origin.File == "" {
				t.Fatalf("%s %s: no file", o.Key, path)
			}
			if !origin.Exact {
				return
			}
			exact++
			if lines[origin.File] == nil {
				data, err := input.ReadFile(origin.File)
				if err != nil {
					t.Fatal(err)
				}
				lines[origin.File] = strings.Split(string(data), "\n")
			}
			text, _, _ := strings.Cut(fmt.Sprint(value), "\n")
			if s, ok := value.(string); ok && strings.Contains(s, "\n") {
				return
			}
			if value == nil || origin.Line < 1 || origin.Line > len(lines[origin.File]) {
				if origin.Line < 1 {
					t.Errorf("%s %s: line %d", o.Key, path, origin.Line)
				}
				return
			}
			// A prefix or hash may have been added to a name since.
			line := lines[origin.File][origin.Line-1]
			if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && o.Key.Kind == "Secret" && path[0] == "data" {
				text = string(decoded)
			}
			if isKustomization(origin.File) && strings.Contains(line, "- spec.") && strings.HasSuffix(line, "."+lastKey(path)) {
				return // the target of a replacement, whose value stands elsewhere
			}
			part := slices.ContainsFunc(strings.Fields(line), func(word string) bool {
				word = strings.Trim(word, `"'`)
				return len(word) > 2 && strings.Contains(text, word)
			})
			if !strings.Contains(line, text) && !part {
				wrong++
				if wrong <= 40 {
					t.Errorf("%s %s: %s:%d holds another value", o.Key, path, origin.File, origin.Line)
				}
			}
		})
	}
	t.Logf("%d of %d scalars have an exact place; %d on a line with another text", exact, all, wrong)
	if wrong > 0 {
		t.Errorf("%d exact places hold another value", wrong)
	}
	if exact*100 < all*98 {
		t.Errorf("only %d of %d places are exact", exact, all)
	}
}

func scalars(value any, path inventory.Path, visit func(inventory.Path, any)) {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			scalars(v, path.Join(key), visit)
		}
	case []any:
		for i, v := range value {
			scalars(v, path.Join(i), visit)
		}
	default:
		visit(path, value)
	}
}
