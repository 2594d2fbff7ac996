package helm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// unpack writes an archive's files to a new folder and goes there.
func unpack(t *testing.T, archive *txtar.Archive) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, file := range archive.Files {
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

// arguments reads the options of a case from its archive's comment.
func arguments(t *testing.T, comment []byte) Options {
	t.Helper()
	var opts Options
	for line := range strings.Lines(string(comment)) {
		rest, ok := strings.CutPrefix(line, "args: ")
		if !ok {
			continue
		}
		args := strings.Fields(rest)
		for len(args) > 0 {
			flag := args[0]
			if flag == "--is-upgrade" {
				opts.IsUpgrade, args = true, args[1:]
				continue
			}
			list := map[string]*[]string{
				"-f": &opts.ValueFiles, "--set": &opts.Set, "--set-string": &opts.SetString, "--set-file": &opts.SetFile,
				"--set-json": &opts.SetJSON, "--set-literal": &opts.SetLiteral, "--api-versions": &opts.APIVersions,
			}[flag]
			text := map[string]*string{
				"--namespace": &opts.Namespace, "--release-name": &opts.ReleaseName, "--kube-version": &opts.KubeVersion,
			}[flag]
			switch {
			case list != nil:
				*list = append(*list, args[1])
			case text != nil:
				*text = args[1]
			default:
				t.Fatalf("unknown flag %s", flag)
			}
			args = args[2:]
		}
	}
	return opts
}

// TestCharts renders each archive with Helm's own engine and with this package,
// which must agree to the byte, and looks where fields are found: at exactly
// that line (=) or near it (~).
func TestCharts(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) < 8 {
		t.Fatal(archives, err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(filepath.Base(name), "windows") {
				for i, file := range archive.Files {
					if strings.Contains(file.Name, "crlf") || strings.Contains(file.Name, "values") {
						archive.Files[i].Data = append([]byte("\ufeff"), bytes.ReplaceAll(file.Data, []byte("\n"), []byte("\r\n"))...)
					}
				}
			}
			unpack(t, archive)
			opts := arguments(t, archive.Comment)
			compare(t, "chart", opts)
			objects, err := Objects(context.Background(), "chart", opts)
			if err != nil {
				t.Fatal(err)
			}
			inv, err := inventory.New(objects)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range archive.Files {
				if file.Name == "want" {
					checkPlaces(t, inv, string(file.Data))
				}
			}
		})
	}
}

var wantLine = regexp.MustCompile(`^(.*?): (\S+)(?: @(\d+))? ([=~]) (\S+)$`)

func checkPlaces(t *testing.T, inv *inventory.Inventory, want string) {
	t.Helper()
	for line := range strings.Lines(want) {
		line = strings.TrimSpace(line)
		m := wantLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not understood: %s", line)
		}
		var object *inventory.Object
		for _, o := range inv.Objects() {
			if o.Key.String() == m[1] {
				object = o
			}
		}
		if object == nil {
			t.Errorf("no object %s", m[1])
			continue
		}
		place := object.At(parsePath(m[2]))
		if m[3] != "" {
			n, _ := strconv.Atoi(m[3])
			place = place.AtLine(n)
		}
		origin := place.Origin()
		sign := "~"
		if origin.Exact {
			sign = "="
		}
		if got := fmt.Sprintf("%s %s:%d", sign, origin.File, origin.Line); got != m[4]+" "+m[5] {
			t.Errorf("%s: got %s", line, got)
		}
	}
}

var pathStep = regexp.MustCompile(`\[([^\]]*)\]|([^.\[\]]+)`)

func parsePath(text string) inventory.Path {
	var path inventory.Path
	for _, m := range pathStep.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && m[1] != "" {
			path = append(path, n)
			continue
		}
		path = append(path, m[1]+m[2])
	}
	return path
}
