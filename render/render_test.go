package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/helm"
	"github.com/kfpreflight/kfpreflight/render/input"
)

const platform = `
-- k/kustomization.yaml --
namePrefix: k-
resources: [cm.yaml]
-- k/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
-- yml/kustomization.yml --
resources: [../k/cm.yaml, own.yaml]
-- chart/Chart.yaml --
apiVersion: v2
name: web
version: 0.1.0
-- chart/values.yaml --
name: from-chart
-- chart/templates/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Values.name }}
-- other/Chart.yaml --
apiVersion: v2
name: other
version: 0.1.0
-- other/templates/cm.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: other
-- plain/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: plain
-- plain/jobs.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  generateName: job-
-- single.json --
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "single"}}
-- jobs.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  generateName: job-
-- nothing.yaml --
# nothing
-- empty/README.md --
-- both/kustomization.yaml --
resources: [cm.yaml]
-- both/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: both
-- both/Chart.yaml --
apiVersion: v2
name: both
version: 0.1.0
-- text.md --
# a title
-- nochart/Chart.yaml --
apiVersion: v2
name: empty
version: 0.1.0
-- again/x.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {namespace: default, name: plain}
`

func unpack(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, file := range txtar.Parse([]byte(platform)).Files {
		if err := os.MkdirAll(filepath.Dir(file.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file.Name, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func describe(inv *inventory.Inventory) string {
	var all []string
	for _, o := range inv.Objects() {
		origin := o.At("kind").Origin()
		all = append(all, fmt.Sprintf("%d %s %s:%d", o.Source, o.Key, origin.File, origin.Line))
	}
	return strings.Join(all, "\n")
}

func TestSources(t *testing.T) {
	unpack(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths []string
		kinds string
		want  string
	}{
		{[]string{"k"}, "kustomize", "0 ConfigMap default/k-one k/cm.yaml:2"},
		{[]string{"./k/"}, "kustomize", "0 ConfigMap default/k-one k/cm.yaml:2"},
		{[]string{"k/kustomization.yaml"}, "kustomize", "0 ConfigMap default/k-one k/cm.yaml:2"},
		{[]string{"chart"}, "helm", "0 ConfigMap default/from-chart chart/templates/cm.yaml:2"},
		{[]string{"chart/Chart.yaml"}, "helm", "0 ConfigMap default/from-chart chart/templates/cm.yaml:2"},
		{[]string{filepath.Join(here, "chart")}, "helm", "0 ConfigMap default/from-chart " + filepath.ToSlash(here) + "/chart/templates/cm.yaml:2"},
		{[]string{"plain"}, "manifests", "0 ConfigMap default/plain plain/a.yaml:2\n0 Job default/job-* plain/jobs.yaml:2"},
		{[]string{"single.json"}, "manifests", "0 ConfigMap default/single single.json:1"},
		{[]string{"./plain/../plain/a.yaml"}, "manifests", "0 ConfigMap default/plain plain/a.yaml:2"},
		{[]string{"-"}, "stdin", "0 ConfigMap default/stdin -:2"},
		{[]string{"both"}, "kustomize", "0 ConfigMap default/both both/cm.yaml:2"},
		{[]string{"k", "chart", "plain", "-", "jobs.yaml"}, "kustomize helm manifests stdin manifests",
			"0 ConfigMap default/k-one k/cm.yaml:2\n1 ConfigMap default/from-chart chart/templates/cm.yaml:2\n2 ConfigMap default/plain plain/a.yaml:2\n" +
				"2 Job default/job-* plain/jobs.yaml:2\n3 ConfigMap default/stdin -:2\n4 Job default/job-*2 jobs.yaml:2"},
	} {
		t.Run(strings.Join(c.paths, " "), func(t *testing.T) {
			stdin := strings.NewReader("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: stdin\n")
			inv, sources, err := Inventory(context.Background(), c.paths, Options{Stdin: stdin})
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(inv); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			var kinds []string
			for i, s := range sources {
				kinds = append(kinds, string(s.Kind))
				if s.Path != c.paths[i] || s.Objects < 1 {
					t.Errorf("%+v", s)
				}
			}
			if got := strings.Join(kinds, " "); got != c.kinds {
				t.Errorf("kinds %s, want %s", got, c.kinds)
			}
		})
	}
}

func TestHelmOptions(t *testing.T) {
	unpack(t)
	opts := Options{Helm: helm.Options{Set: []string{"name=set"}, Namespace: "ml"}}
	inv, _, err := Inventory(context.Background(), []string{"chart", "plain"}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if got := inv.Objects()[0].Key.String(); got != "ConfigMap ml/set" {
		t.Error(got)
	}
	if _, _, err := Inventory(context.Background(), []string{"chart", "other"}, opts); err == nil || !strings.Contains(err.Error(), "are for one chart") {
		t.Error(err)
	}
	if _, _, err := Inventory(context.Background(), []string{"chart", "other"}, Options{Helm: helm.Options{Namespace: "ml"}}); err != nil {
		t.Error(err)
	}
}

func TestYAML(t *testing.T) {
	unpack(t)
	for path, want := range map[string]string{
		"k":           "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: k-one\n",
		"chart":       "---\n# Source: web/templates/cm.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-chart\n",
		"plain":       "---\n# Source: plain/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\n---\n# Source: plain/jobs.yaml\napiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: job-\n",
		"single.json": "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"single\"}}\n",
		"-":           "a: b\n",
	} {
		got, err := YAML(context.Background(), path, Options{Stdin: strings.NewReader("a: b\n")})
		if err != nil || string(got) != want {
			t.Errorf("%s: %v %q, want %q", path, err, got, want)
		}
	}
}

func TestBadSources(t *testing.T) {
	unpack(t)
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("unix", "socket")
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	if err := os.WriteFile("bad.tgz", []byte("no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths []string
		stdin io.Reader
		want  string
	}{
		{[]string{"none"}, nil, `none: no such file or directory`},
		{[]string{"none/kustomization.yaml"}, nil, `none/kustomization.yaml: no such file or directory`},
		{[]string{"k/cm.yaml/x"}, nil, `k/cm.yaml/x: not a directory`},
		{[]string{"empty"}, nil, `rendering empty: empty: nothing to render: the folder has no kustomization.yaml, .*`},
		{[]string{"nothing.yaml"}, nil, `rendering nothing.yaml: nothing.yaml: no objects: nothing would be applied`},
		{[]string{"nochart"}, nil, `rendering nochart: nochart: no objects: nothing would be applied`},
		{[]string{"text.md"}, nil, `rendering text.md: text.md: no objects.*`},
		{[]string{"bad.tgz"}, nil, `rendering bad.tgz: bad.tgz: not a chart archive: not in gzip format`},
		{[]string{"pipe"}, nil, `pipe: neither a file nor a folder`},
		{[]string{"socket"}, nil, `socket: neither a file nor a folder`},
		{[]string{"/dev/zero"}, nil, `/dev/zero: neither a file nor a folder`},
		{[]string{"https://example.com/x.yaml"}, nil, `https://example.com/x.yaml: sources are not fetched; give a local path`},
		{[]string{"-"}, nil, `rendering -: -: there is no standard input`},
		{[]string{"-"}, strings.NewReader(""), `rendering -: -: no objects: nothing would be applied`},
		{[]string{"-"}, strings.NewReader("a: [\n"), `rendering -: -:\d: malformed YAML: .*`},
		{[]string{"-", "-"}, nil, `-: standard input can be read once only`},
		{[]string{"plain", "again"}, nil, `again/x.yaml:3: ConfigMap default/plain is given twice; the other one is at plain/a.yaml:4`},
		{[]string{"k", "k"}, nil, `k/cm.yaml:4: ConfigMap default/k-one is given twice; the other one is at k/cm.yaml:4`},
		{[]string{"chart", "./chart/"}, nil, `chart/values.yaml:1: ConfigMap default/from-chart is given twice; the other one is at chart/values.yaml:1`},
		{[]string{"plain", "none"}, nil, `none: no such file or directory`},
		{[]string{"."}, nil, `rendering .: .*: give its folder as a source of its own|rendering .: both/Chart.yaml: .*`},
	} {
		t.Run(strings.Join(c.paths, " "), func(t *testing.T) {
			inv, _, err := Inventory(context.Background(), c.paths, Options{Stdin: c.stdin})
			if err == nil || inv != nil {
				t.Fatal("no error")
			}
			var in *input.Error
			if !errors.As(err, &in) {
				t.Errorf("the error has no place: %T", err)
			}
			if !regexp.MustCompile("^(?:" + c.want + ")$").MatchString(err.Error()) {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	unpack(t)
	var warnings bytes.Buffer
	if _, _, err := Inventory(context.Background(), []string{"both"}, Options{Warnings: &warnings}); err != nil {
		t.Fatal(err)
	}
	if got, want := warnings.String(), "warning: both has a kustomization.yaml and a Chart.yaml; it is rendered by kustomize\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A standard input that never ends must not outlive the deadline.
func TestDeadline(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := Inventory(ctx, []string{"-"}, Options{Stdin: reader}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestEndlessInput(t *testing.T) {
	_, _, err := Inventory(context.Background(), []string{"-"}, Options{Stdin: endless{}})
	if err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Error(err)
	}
}
