package kustomize

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var (
	arrow    = regexp.MustCompile(`# <([-~]) (\w+)/(\S+) (\S+)(?: (\d+))?`)
	pathStep = regexp.MustCompile(`\[(\d+)\]|\[([^\]]+)\]|([^.\[\]]+)`)
)

func parsePath(s string) inventory.Path {
	var path inventory.Path
	for _, m := range pathStep.FindAllStringSubmatch(s, -1) {
		switch {
		case m[1] != "":
			i, _ := strconv.Atoi(m[1])
			path = append(path, i)
		default:
			path = append(path, m[2]+m[3])
		}
	}
	return path
}

// unpack writes an archive into a folder of its own.
func unpack(t testing.TB, file string) (string, *txtar.Archive) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, archive
}

func TestLocate(t *testing.T) {
	files, err := filepath.Glob("testdata/locate/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir, archive := unpack(t, file)
			t.Chdir(dir)
			objects, err := Objects(context.Background(), "top", Options{})
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			for _, f := range archive.Files {
				for n, line := range strings.Split(string(f.Data), "\n") {
					for _, m := range arrow.FindAllStringSubmatch(line, -1) {
						asked++
						inText, _ := strconv.Atoi(m[5])
						want := inventory.Origin{File: f.Name, Line: n + 1, Exact: m[1] == "-"}
						found := false
						for _, o := range objects {
							if o.Key.Kind != m[2] || o.Key.Name != m[3] {
								continue
							}
							found = true
							if got := o.At(parsePath(m[4])).AtLine(inText).Origin(); got != want {
								t.Errorf("%s/%s %s: got %v, want %v", m[2], m[3], m[4], got, want)
							}
						}
						if !found {
							t.Errorf("%s:%d: no %s/%s in the render", f.Name, n+1, m[2], m[3])
						}
					}
				}
			}
			if asked == 0 {
				t.Error("the archive asks nothing")
			}
		})
	}
}
