package docs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/checks/all"
	pages "github.com/kfpreflight/kfpreflight/docs"
	"github.com/kfpreflight/kfpreflight/internal/cli"
	"github.com/kfpreflight/kfpreflight/internal/docs"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

// TestUpToDate regenerates the documentation in memory and compares.
func TestUpToDate(t *testing.T) {
	root := os.DirFS(filepath.Join("..", ".."))
	want, err := docs.Pages(root, slices.Concat(all.Checks, runner.Checks))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		got, err := pages.Pages.ReadFile("checks/" + name)
		if err != nil {
			t.Errorf("docs/checks/%s is missing: run make docs", name)
		} else if string(got) != text {
			t.Errorf("docs/checks/%s is not what make docs writes", name)
		}
	}
	err = fs.WalkDir(pages.Pages, "checks", func(name string, entry fs.DirEntry, err error) error {
		if _, known := want[strings.TrimPrefix(name, "checks/")]; err == nil && !entry.IsDir() && !known {
			t.Errorf("docs/%s is of no check: run make docs", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	reference, err := cli.Reference()
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.ReadFile(root, "docs/cli.md")
	if err != nil || string(got) != reference {
		t.Errorf("docs/cli.md is not what make docs writes (%v)", err)
	}
}

func TestPage(t *testing.T) {
	check := &checks.Check{
		ID: "demo/empty-data", Severity: checks.Error, Since: "0.1.0",
		Doc: "config map is empty\n\nThen `nothing` works.", Fix: "Fill it.",
		Refs: []string{"kubeflow/manifests#1", "https://example.com/a", "a book"},
		Run: func(pass *checks.Pass) {
			for o := range pass.Render.Of(inventory.GroupKind{Kind: "ConfigMap"}) {
				for _, key := range []string{"a", "b"} {
					if place := o.At("data", key); place.Text() == "bad" {
						pass.Reportf(place, "%s holds a bad %s", o.Key, key)
					}
				}
			}
		},
	}
	archive := txtar.Parse([]byte(`-- fine/.kfpreflight.yaml --
version: 1
-- fine/cm.yaml --
kind: ConfigMap
apiVersion: v1
metadata: {name: fine}
-- bad/cm.yaml --
kind: ConfigMap
apiVersion: v1
metadata: {name: bad}
data:
  # want+3 "b"
  a: bad # want "a bad a" "other"
  # kept
  b: bad
`))
	page, err := docs.Page(check, archive)
	if err != nil {
		t.Fatal(err)
	}
	const want = "# demo/empty-data\n\nConfig map is empty.\n\nerror · examines one render · since 0.1.0\n\nThen `nothing` works.\n\n" +
		"## Fix\n\nFill it.\n\n## Reported\n\n`cm.yaml`:\n\n```yaml\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: bad}\ndata:\n" +
		"  a: bad # ← ConfigMap default/bad holds a bad a\n  # kept\n  b: bad # ← ConfigMap default/bad holds a bad b\n```\n\n" +
		"## Not reported\n\n`.kfpreflight.yaml`:\n\n```yaml\nversion: 1\n```\n\n`cm.yaml`:\n\n```yaml\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: fine}\n```\n\n"
	if !strings.HasPrefix(page, want) {
		t.Errorf("got:\n%s\nwant:\n%s", page, want)
	}
	if !strings.Contains(page, "* [kubeflow/manifests#1](https://github.com/kubeflow/manifests/issues/1)\n* <https://example.com/a>\n* a book\n") {
		t.Errorf("references:\n%s", page)
	}
	if _, err := docs.Pages(os.DirFS(t.TempDir()), []*checks.Check{check}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a check without archive: %v", err)
	}
}
