package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

const object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "

// keys lists the objects of a text with the line of their kind.
func keys(objects []*inventory.Object) string {
	var all []string
	for _, o := range objects {
		all = append(all, fmt.Sprintf("%s %s:%d", o.Key.Kind, o.Key.Name, o.At("kind").Origin().Line))
	}
	return strings.Join(all, ", ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"one", object + "a\n", "ConfigMap a:2"},
		{"no last line end", object + "a", "ConfigMap a:2"},
		{"several", object + "a\n---\n" + object + "b\n", "ConfigMap a:2, ConfigMap b:7"},
		{"separators", "---\n---\n" + object + "a\n--- # comment\n\n" + object + "b\n---\n", "ConfigMap a:4, ConfigMap b:10"},
		{"separator with space", object + "a\n---   \n" + object + "b\n", "ConfigMap a:2, ConfigMap b:7"},
		{"end marks", object + "a\n...\n---\n" + object + "b\n...\n", "ConfigMap a:2, ConfigMap b:8"},
		{"directive", "%YAML 1.1\n---\n" + object + "a\n", "ConfigMap a:4"},
		{"comments only", "# nothing\n---\n# nothing\n", ""},
		{"null", "null\n---\n~\n---\n" + object + "a\n", "ConfigMap a:6"},
		{"empty", "", ""},
		{"spaces", " \n  \n\n", ""},
		{"byte order mark", "\ufeff" + object + "a\n", "ConfigMap a:2"},
		{"windows", strings.ReplaceAll(object+"a\n---\n"+object+"b\n", "\n", "\r\n"), "ConfigMap a:2, ConfigMap b:7"},
		{"dashes in a text", object + "a\ndata:\n  x: |\n    ---\n    y\n", "ConfigMap a:2"},
		{"list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n", "Secret a:5, Secret b:8"},
		{"typed list", "apiVersion: v1\nkind: ConfigMapList\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n", "ConfigMap a:5"},
		{"lists in lists", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {name: a}\n", "Secret a:8"},
		{"empty list", "apiVersion: v1\nkind: List\nitems: []\n---\napiVersion: v1\nkind: List\n", ""},
		{"a kind named like a list", "apiVersion: x.y/v1\nkind: AllowList\nmetadata:\n  name: a\n", "AllowList a:2"},
		{"generated name", "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: train-\n", "Job train-*:2"},
		{"json", "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Secret\", \"metadata\": {\"name\": \"a\\/\\ud83d\\ude00\"}\n}\n", "Secret a/😀:3"},
		{"json values", "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"a\"}}\n{\"apiVersion\": \"v1\",\n\"kind\": \"Secret\", \"metadata\": {\"name\": \"b\"}}", "Secret a:1, Secret b:3"},
		{"yaml in braces", "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\n" + object + "b\n", "Secret a:1, ConfigMap b:4"},
		{"anchors", "x-common: &c {name: a}\napiVersion: v1\nkind: Secret\nmetadata: *c\n", "Secret a:3"},
		{"merge keys", "apiVersion: v1\nkind: Secret\nmetadata:\n  <<: &c {namespace: ns}\n  name: a\n", "Secret a:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			objects, err := Parse("x.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := keys(objects); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func utf16le(text string, bom bool) string {
	var b strings.Builder
	if bom {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	return b.String()
}

func TestBadText(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"syntax", object + "a\nspec:\n  a: [b\n  c: d\n", `x.yaml:[67]: malformed YAML: .*`},
		{"missing colon", object + "a\ndata\n  a: b\n", `x.yaml:[56]: malformed YAML: .*`},
		{"indentation", object + "a\n labels:\n    a: b\n", `x.yaml:5: malformed YAML: .*`},
		{"indentation of a list", object + "a\nspec:\n  - a\n - b\n", `x.yaml:7: malformed YAML: .*`},
		{"second document", object + "a\n---\n" + object + "\"b\n", `x.yaml:\d+: malformed YAML: .*`},
		{"tab", object + "a\ndata:\n\ta: b\n", `x.yaml:6: malformed YAML: .*`},
		{"colon in a value", object + "a: b\n", `x.yaml:4: malformed YAML: .*`},
		{"unknown anchor", object + "a\ndata:\n  a: *none\n", `x.yaml:6: malformed YAML: unknown anchor 'none' referenced`},
		{"anchor in itself", "a: &a [*a]\n", `x.yaml:1: .*`},
		{"control character", object + "a\ndata:\n  a: \x01\n", `x.yaml:6: malformed YAML: control characters are not allowed`},
		{"first line", "}\n", `x.yaml:1: malformed YAML: .*`},
		{"template", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Values.x }}\n", `x.yaml:4: .*`},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00", `x.yaml:1: not a text file: it holds a NUL byte`},
		{"binary without NUL", "a: b\nc: \xff\xf0\n", `x.yaml:2: not UTF-8 text`},
		{"latin 1", "a: b\n# caf\xe9\n", `x.yaml:2: not UTF-8 text`},
		{"utf-16", utf16le(object+"a\n", true), `x.yaml:1: the file is in UTF-16; save it as UTF-8`},
		{"utf-16 without mark", utf16le(object+"a\n", false), `x.yaml:1: not a text file: .*`},
		{"alias bomb", bomb(), `x.yaml:1: the YAML aliases of this document expand to more than 10000000 values`},
		{"alias bomb in an object", object + "a\n---\n" + bomb(), `x.yaml:6: the YAML aliases .*`},
		{"key twice", object + "a\n  labels: {a: b}\nmetadata: {}\n", `x.yaml:6: the key "metadata" is given twice; first at line 3`},
		{"inner key twice", object + "a\ndata:\n  a: b\n  c: d\n  a: e\n", `x.yaml:8: the key "a" is given twice; first at line 6`},
		{"null as key", object + "a\ndata:\n  null: b\n", `x.yaml:6: a key without a name`},
		{"mapping as key", object + "a\ndata:\n  ? {a: b}\n  : c\n", `x.yaml:6: .*`},
		{"no kind", "apiVersion: v1\nmetadata:\n  name: a\n", `x.yaml:1: an object without kind`},
		{"no apiVersion", "\nkind: Secret\nmetadata:\n  name: a\n", `x.yaml:2: Secret without apiVersion`},
		{"neither", object + "a\n---\nreplicas: 1\nimage: b\n", `x.yaml:6: not a Kubernetes object: it has neither kind nor apiVersion`},
		{"no name", "apiVersion: v1\nkind: Secret\nmetadata: {}\n", `x.yaml:1: Secret without metadata.name`},
		{"no metadata", "apiVersion: v1\nkind: Secret\n", `x.yaml:1: Secret without metadata.name`},
		{"metadata is a list", "apiVersion: v1\nkind: Secret\nmetadata: [a]\n", `x.yaml:3: the metadata of Secret must be a mapping`},
		{"name is a number", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: 123\n", `x.yaml:4: metadata.name must be a string`},
		{"namespace is a boolean", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: on\n", `x.yaml:5: metadata.namespace must be a string`},
		{"kind is a list", "apiVersion: v1\nkind: [a]\n", `x.yaml:2: kind must be a string`},
		{"apiVersion is a number", "apiVersion: 1\nkind: a\n", `x.yaml:1: apiVersion must be a string`},
		{"a list", "- a\n- b\n", `x.yaml:1: not a Kubernetes object: a list`},
		{"a text", object + "a\n---\nhello\n", `x.yaml:6: not a Kubernetes object: a single value`},
		{"a number", "1\n", `x.yaml:1: not a Kubernetes object: a single value`},
		{"an item that is none", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n- text\n", `x.yaml:7: not a Kubernetes object: a single value`},
		{"an item without kind", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n", `x.yaml:4: an object without kind`},
		{"items that are none", "apiVersion: v1\nkind: List\nitems: {a: b}\n", `x.yaml:3: the items of a List must be a list`},
		{"content after a separator", object + "a\n--- {apiVersion: v1}\n", `x.yaml:5: a document separator must stand alone on its line; kubectl refuses .*`},
		{"content after an end", object + "a\n...\n# comment\n" + object + "b\n", `x.yaml:7: content after the end of a document, without ---: kubectl passes over it`},
		{"four dashes", object + "a\n----\n" + object + "b\n", `x.yaml:5: a document separator must stand alone .*`},
		{"json", "{\"a\": 1,\n \"b\": [2}\n", `x.yaml:2: malformed YAML: .*`},
		{"second json", "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"a\"}}\n\n{\"kind\": \"Secret\"}\n", `x.yaml:3: Secret without apiVersion`},
		{"deep", strings.Repeat("[", 20000), `x.yaml:\d+: malformed YAML: exceeded max depth .*`},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("x.yaml", []byte(c.text))
			wantError(t, err, c.want)
			if time.Since(start) > 5*time.Second {
				t.Errorf("took %s", time.Since(start))
			}
		})
	}
}

func wantError(t *testing.T, err error, pattern string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	var in *input.Error
	if !errors.As(err, &in) {
		t.Errorf("the error has no place: %T %v", err, err)
	}
	if !regexp.MustCompile("^(?:" + pattern + ")$").MatchString(err.Error()) {
		t.Errorf("got  %.300s\nwant %s", err, pattern)
	}
}

// TestLikeKubectl holds the decoding against that of kubectl and Helm.
func TestLikeKubectl(t *testing.T) {
	for _, text := range []string{
		"a: yes\nb: no\nc: on\nd: Off\ne: y\nf: N\ng: true\nh: 'yes'\ni: \"no\"\n",
		"a: 0644\nb: 0o644\nc: 0x1F\nd: 1_000\ne: 1e3\nf: 1.0\ng: .5\nh: -0\ni: +1\nj: 0b11\nk: 1e400\n",
		"a: 12345678901234567890\nb: 9223372036854775807\nc: 9223372036854775808\nd: 1.5e300\n",
		"a: ~\nb: null\nc: Null\nd:\ne: ''\nf: ! x\n",
		"a: 2020-01-01\nb: 2020-01-01T00:00:00Z\nc: 12:30:45\nd: 1:2\n",
		"a: !!str 1\nb: !!int '1'\nc: !!float 1\nd: !!bool 'true'\n",
		"1: a\ntrue: b\n1.5: c\n'2': d\n",
		"a: |\n  x\n  y\nb: |-\n  x\nc: |+\n  x\n\nd: >\n  x\n  y\ne: \"a\\tb\\u00e9\\\n  c\"\n",
		"a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x\n",
		"a: {b: [1, {c: d}], e: }\n",
		"\"a b\": c\n? d\n: e\n",
		"a: =\nb: <<\nc: '*'\nd: 'a: b'\n",
		"a: 'it''s'\nb: \"\\\"\\\\\"\nc: plain \\n text\n",
	} {
		want := map[string]any{}
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err == nil {
			err = json.Unmarshal(raw, &want)
		}
		documents, gotErr := Documents("x.yaml", []byte(text))
		var got any
		if gotErr == nil {
			got, gotErr = inventory.DecodeManifest(documents[0])
		}
		if err != nil || gotErr != nil {
			if (err == nil) != (gotErr == nil) {
				t.Errorf("%q: error %v, kubectl's %v", text, gotErr, err)
			}
			continue
		}
		data, err := json.Marshal(got)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		again := map[string]any{}
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("%q: -kubectl +got\n%s", text, diff)
		}
	}
}

func unpack(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, file := range txtar.Parse([]byte(text)).Files {
		write(t, file.Name, file.Data)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func cm(name string) string { return object + name + "\n" }

func TestFolder(t *testing.T) {
	unpack(t, "-- m/b.yaml --\n"+cm("b")+"-- m/a/z.yml --\n"+cm("z")+"-- m/a/y.json --\n{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"y\"}}\n"+
		"-- m/README.md --\nx: [\n-- m/.git/x.yaml --\nx: [\n-- m/.kfpreflight.yaml --\nversion: 1\n-- elsewhere/c.yaml --\n"+cm("c")+"-- m/empty.yaml --\n# nothing\n")
	if err := os.Symlink("../elsewhere", "m/c"); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("../elsewhere/none", "m/dangling.txt"); err != nil {
		t.Fatal(err)
	}
	objects, err := Folder(context.Background(), "./m")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		origin := o.At("metadata", "name").Origin()
		got = append(got, fmt.Sprintf("%s %s:%d %v", o.Key.Name, origin.File, origin.Line, origin.Exact))
	}
	want := []string{"y m/a/y.json:1 true", "z m/a/z.yml:4 true", "b m/b.yaml:4 true", "c m/c/c.yaml:4 true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Folder(ctx, "m"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestBadFolders(t *testing.T) {
	for _, c := range []struct {
		name, files string
		more        func(t *testing.T)
		want        string
	}{
		{"empty", "", func(t *testing.T) { write(t, "m/README.md", nil) },
			`m: nothing to render: the folder has no kustomization.yaml, kustomization.yml or Kustomization, no Chart.yaml, and no .yaml, .yml or .json file in it or below it`},
		{"missing", "", nil, `m: no such file or directory`},
		{"kustomization below", "-- m/a.yaml --\n" + cm("a") + "-- m/b/kustomization.yaml --\nresources: []\n", nil,
			`m/b/kustomization.yaml: a kustomization within a folder of plain manifests; give its folder as a source of its own`},
		{"chart below", "-- m/b/Chart.yaml --\nname: a\n", nil, `m/b/Chart.yaml: a Helm chart within a folder of plain manifests; give its folder as a source of its own`},
		{"values", "-- m/a.yaml --\n" + cm("a") + "-- m/values.yaml --\n# mine\nreplicas: 1\n", nil, `m/values.yaml:2: not a Kubernetes object: it has neither kind nor apiVersion`},
		{"other json", "-- m/package.json --\n{\n \"name\": \"x\"}\n", nil, `m/package.json:1: not a Kubernetes object: it has neither kind nor apiVersion`},
		{"malformed", "-- m/x/y.yml --\na: [\n", nil, `m/x/y.yml:\d: malformed YAML: .*`},
		{"loop", "-- m/a.yaml --\n" + cm("a"), func(t *testing.T) { link(t, "..", "m/x/loop") }, `m/x/loop: a symbolic link to a folder that holds it: following it would never end`},
		{"loop of itself", "", func(t *testing.T) { link(t, "loop.yaml", "m/loop.yaml") }, `m/loop.yaml: too many levels of symbolic links`},
		{"dangling", "", func(t *testing.T) { link(t, "none", "m/gone.yaml") }, `m/gone.yaml: no such file or directory`},
		{"named pipe", "-- m/a.yaml --\n" + cm("a"), func(t *testing.T) {
			if err := syscall.Mkfifo("m/pipe.yaml", 0o600); err != nil {
				t.Skip(err)
			}
		}, `m/pipe.yaml: not a regular file`},
		{"device", "", func(t *testing.T) { link(t, "/dev/zero", "m/zero.yaml") }, `m/zero.yaml: not a regular file`},
		{"huge", "", func(t *testing.T) {
			write(t, "m/huge.yaml", nil)
			if err := os.Truncate("m/huge.yaml", 1<<30); err != nil {
				t.Fatal(err)
			}
		}, `m/huge.yaml: the file has 1024 MiB; at most 64 MiB are read`},
		{"unreadable", "", func(t *testing.T) {
			write(t, "m/secret.yaml", nil)
			if err := os.Chmod("m/secret.yaml", 0); err != nil || os.Geteuid() == 0 {
				t.Skip("root reads everything")
			}
		}, `m/secret.yaml: permission denied`},
		{"deep", "", func(t *testing.T) { write(t, "m/"+strings.Repeat("d/", 70)+"x.yaml", nil) }, `m/d/.*: folders are nested deeper than 64`},
	} {
		t.Run(c.name, func(t *testing.T) {
			unpack(t, c.files)
			if c.more != nil {
				c.more(t)
			}
			_, err := Folder(context.Background(), "m")
			wantError(t, err, c.want)
		})
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Skip(err)
	}
}

func TestDistinguish(t *testing.T) {
	job := "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: train-\n"
	objects, err := Parse("x.yaml", []byte(job+"---\n"+job+"---\n"+job))
	if err != nil {
		t.Fatal(err)
	}
	Distinguish(objects)
	if _, err := inventory.New(objects); err != nil {
		t.Error(err)
	}
	if got := keys(objects); got != "Job train-*:2, Job train-*2:7, Job train-*3:12" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(object + "a\n---\n" + object + "b")
	f.Add(bomb())
	f.Add("{\"a\": \"\\ud83d\\ude00\"}{}")
	f.Add("a: &a [*a]\nb: {<<: [*a]}")
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := Parse("x.yaml", []byte(text))
		var in *input.Error
		if err != nil && !errors.As(err, &in) {
			t.Errorf("%T", err)
		}
		for _, o := range objects {
			o.At("spec", "x").Origin()
		}
	})
}
