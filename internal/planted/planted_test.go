package planted

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/checks/all"
	"github.com/kfpreflight/kfpreflight/checks/checktest"
	"github.com/kfpreflight/kfpreflight/internal/apiserver"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render"
)

const version = "v1.10.2"

func TestPlanted(t *testing.T) {
	root := os.Getenv("KFPREFLIGHT_KUBEFLOW")
	if root == "" {
		t.Skip("KFPREFLIGHT_KUBEFLOW does not name a folder with Kubeflow's releases")
	}
	copied := filepath.Join(t.TempDir(), version)
	copyTree(t, filepath.Join(root, version), copied)
	t.Chdir(copied)
	archives, err := filepath.Glob(filepath.Join(testdata, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	pristine := load(t, "example")
	for _, file := range archives {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		family, _, _ := strings.Cut(name, "_")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range archive.Files {
				archive.Files[i].Name = "planted-" + name + "/" + f.Name
				write(t, archive.Files[i].Name, f.Data)
			}
			wants, err := checktest.Wants(archive.Files)
			if err != nil {
				t.Fatal(err)
			}
			opts := options(t, archive)
			known := map[string]bool{}
			for _, f := range examine(t, pristine, family, opts) {
				known[identity(f)] = true
			}
			var found []*checks.Finding
			for _, f := range examine(t, load(t, "planted-"+name), family, opts) {
				if !known[identity(f)] {
					found = append(found, f)
				}
			}
			checktest.Match(t, wants, found, func(f *checks.Finding) string { return f.Check.ID + ": " + f.Message })
		})
	}
}

// testdata is absolute, because the test changes its folder.
var testdata = func() string {
	dir, err := filepath.Abs("testdata")
	if err != nil {
		panic(err)
	}
	return dir
}()

func options(t *testing.T, archive *txtar.Archive) runner.Options {
	for _, f := range archive.Files {
		if filepath.Base(f.Name) == config.Name {
			cfg, err := config.Parse(f.Name, f.Data)
			if err != nil {
				t.Fatal(err)
			}
			return runner.Options{
				Server:  apiserver.New,
				Cluster: &cfg.Cluster,
				Target:  checks.Target{Kubernetes: cfg.Cluster.KubernetesVersion, Kubeflow: cfg.KubeflowVersion},
			}
		}
	}
	return runner.Options{Server: apiserver.New}
}

func load(t *testing.T, dir string) *inventory.Inventory {
	t.Helper()
	inv, _, err := render.Inventory(context.Background(), []string{dir}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func examine(t *testing.T, inv *inventory.Inventory, family string, opts runner.Options) []*checks.Finding {
	t.Helper()
	var list []*checks.Check
	for _, check := range all.Checks {
		if check.Family() == family {
			list = append(list, check)
		}
	}
	result, err := runner.Run(context.Background(), inv, list, opts)
	if err != nil {
		t.Fatal(err)
	}
	return result.Findings
}

func identity(f *checks.Finding) string {
	return strings.Join([]string{f.Check.ID, f.Place.Object.Key.String(), f.Place.Field(), f.Message}, "\x00")
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		write(t, filepath.Join(to, rel), data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
