package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kfpreflight/kfpreflight"

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var list []pkg
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// ours is an import path below the module, empty for others.
func ours(path string) string {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return rest
}

// isFamily reports whether a package holds checks of one family.
func isFamily(path string) bool {
	rest, ok := strings.CutPrefix(path, "checks/")
	return ok && !strings.Contains(rest, "/") && rest != "all" && rest != "checktest"
}

// TestFamiliesArePure holds what a check may reach: a check that cannot reach a
// cluster, a file or a renderer cannot need one.
func TestFamiliesArePure(t *testing.T) {
	// Standard packages that the Kubernetes API types pull in are not ours to
	// choose; what a family imports itself is.
	direct := []string{"os", "os/exec", "net", "net/http", "io/ioutil"}
	never := []string{"k8s.io/client-go", "sigs.k8s.io/kustomize", "helm.sh/helm", "k8s.io/kubernetes", module + "/render", module + "/internal/cli", module + "/internal/runner", module + "/internal/report"}
	families := 0
	for _, p := range packages(t) {
		if !isFamily(ours(p.ImportPath)) {
			continue
		}
		families++
		for _, imported := range p.Imports {
			if slices.Contains(direct, imported) {
				t.Errorf("%s imports %s", ours(p.ImportPath), imported)
			}
			if isFamily(ours(imported)) {
				t.Errorf("%s imports another family, %s", ours(p.ImportPath), ours(imported))
			}
		}
		for _, dep := range p.Deps {
			for _, bad := range never {
				if dep == bad || strings.HasPrefix(dep, bad+"/") {
					t.Errorf("%s depends on %s", ours(p.ImportPath), dep)
				}
			}
		}
	}
	if families < 5 {
		t.Errorf("only %d families found", families)
	}
}

// TestImportsPointOneWay holds the order of the layers: cmd → cli → runner,
// render, report → checks → inventory.
func TestImportsPointOneWay(t *testing.T) {
	allowed := map[string][]string{
		"internal/inventory": {},
		"internal/facts":     {},
		"internal/kubeflow":  {"internal/inventory"},
		"checks":             {"internal/inventory", "internal/facts"},
		"render/input":       {},
		"render/manifest":    {"internal/inventory", "render/input"},
		"render/kustomize":   {"internal/inventory", "render/input", "render/manifest", "render/helm"},
		"cmd/kfpreflight":    {"internal/cli"},
	}
	seen := 0
	for _, p := range packages(t) {
		want, limited := allowed[ours(p.ImportPath)]
		if !limited {
			continue
		}
		seen++
		for _, imported := range p.Imports {
			if rest := ours(imported); rest != "" && !slices.Contains(want, rest) {
				t.Errorf("%s imports %s", ours(p.ImportPath), rest)
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d of %d packages found: does the table still name what exists?", seen, len(allowed))
	}
}
