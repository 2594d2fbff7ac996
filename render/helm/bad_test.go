package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kfpreflight/kfpreflight/render/input"
)

type files map[string]string

const metadata = "apiVersion: v2\nname: bad\nversion: 0.1.0\n"

// with returns a chart with further files.
func with(more files) files {
	chart := files{"chart/Chart.yaml": metadata, "chart/templates/_h.tpl": ""}
	maps.Copy(chart, more)
	return chart
}

func oneTemplate(text string) files { return with(files{"chart/templates/x.yaml": text}) }

// objectsWithin renders a chart, in bounded time.
func objectsWithin(t *testing.T, limit time.Duration, opts Options) error {
	t.Helper()
	start := time.Now()
	_, err := Objects(context.Background(), "chart", opts)
	if took := time.Since(start); took > limit {
		t.Errorf("took %s", took)
	}
	return err
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
		t.Errorf("got  %.500s\nwant %s", err, pattern)
	}
}

func TestBadCharts(t *testing.T) {
	defer func(limit int) { maxSteps = limit }(maxSteps)
	maxSteps = 500_000
	many := strings.Repeat
	for _, c := range []struct {
		name  string
		files files
		opts  Options
		want  string
	}{
		// The chart.
		{"not a chart", files{"chart/values.yaml": "a: b"}, Options{}, `chart: not a chart: it has no Chart.yaml`},
		{"malformed Chart.yaml", files{"chart/Chart.yaml": "apiVersion: v2\nname: [\n"}, Options{}, `chart/Chart.yaml:\d: malformed YAML: .*`},
		{"Chart.yaml of another type", files{"chart/Chart.yaml": "- a\n"}, Options{}, `chart/Chart.yaml:1: not a mapping`},
		{"no version", files{"chart/Chart.yaml": "apiVersion: v2\nname: a\n"}, Options{}, `chart/Chart.yaml: chart.metadata.version is required`},
		{"bad version", files{"chart/Chart.yaml": "apiVersion: v2\nname: a\nversion: one\n"}, Options{}, `chart/Chart.yaml:3: chart.metadata.version "one" is invalid`},
		{"library", files{"chart/Chart.yaml": metadata + "type: library\n"}, Options{}, `chart/Chart.yaml:4: library charts are not installable`},
		{"kube version", with(files{"chart/Chart.yaml": metadata + "kubeVersion: <1.20\n"}), Options{},
			`chart/Chart.yaml:4: the chart requires kubeVersion <1.20, which is incompatible with Kubernetes v1.37.0`},
		{"bad kube version", with(nil), Options{KubeVersion: "latest"}, `chart: invalid Kubernetes version "latest": .*`},
		{"bad release name", with(nil), Options{ReleaseName: "No Good"}, `chart: release name "No Good": .*`},
		{"missing dependency", files{"chart/Chart.yaml": metadata + "dependencies:\n- name: gone\n  version: 1.0.0\n  repository: https://charts.example.com\n"}, Options{},
			`chart/Chart.yaml:4: dependencies found in Chart.yaml, but missing in charts/ directory: gone; fetch them with helm dependency build`},
		{"broken subchart", with(files{"chart/charts/sub/Chart.yaml": "name: [\n"}), Options{}, `chart/charts/sub/Chart.yaml:\d: malformed YAML: .*`},
		{"no subchart", with(files{"chart/charts/sub/values.yaml": "a: b"}), Options{}, `chart/charts/sub: not a chart: it has no Chart.yaml`},
		{"helmignore", with(files{"chart/.helmignore": "**/x\n"}), Options{}, `chart/.helmignore: double-star .* not supported`},
		{"large file", with(files{"chart/files/big": many("x", 6<<20)}), Options{}, `chart/files/big: a file of a chart may have at most 5 MiB`},
		{"binary template", oneTemplate("a\x00b"), Options{}, `chart/templates/x.yaml:1: .*`},

		// The values.
		{"malformed values", with(files{"chart/values.yaml": "a: 1\nb: [\n"}), Options{}, `chart/values.yaml:\d: malformed YAML: .*`},
		{"values are a list", with(files{"chart/values.yaml": "\n- a\n"}), Options{}, `chart/values.yaml:2: not a mapping`},
		{"missing values file", with(nil), Options{ValueFiles: []string{"none.yaml"}}, `none.yaml: no such file or directory`},
		{"malformed values file", with(files{"my.yaml": "a: b\nc\n"}), Options{ValueFiles: []string{"my.yaml"}}, `my.yaml:[23]: malformed YAML: .*`},
		{"values file is a list", with(files{"my.yaml": "[]"}), Options{ValueFiles: []string{"my.yaml"}}, `my.yaml:1: not a mapping`},
		{"binary values file", with(files{"my.yaml": "a: \x00"}), Options{ValueFiles: []string{"my.yaml"}}, `my.yaml:1: not a text file: .*`},
		{"alias bomb in values", with(files{"my.yaml": bomb()}), Options{ValueFiles: []string{"my.yaml"}}, `my.yaml:1: the YAML aliases of this document expand to more than .*`},
		{"alias bomb in chart", with(files{"chart/values.yaml": bomb()}), Options{}, `chart/values.yaml:1: the YAML aliases of this document expand to more than .*`},
		{"remote values", with(nil), Options{ValueFiles: []string{"https://example.com/v.yaml"}}, `https://example.com/v.yaml: values are not fetched from the network`},
		{"values from stdin", with(nil), Options{ValueFiles: []string{"-"}}, `-: values are not read from standard input`},
		{"bad set", with(nil), Options{Set: []string{"a[x]=1"}}, `--set: "a\[x\]=1": .*`},
		{"bad set-json", with(nil), Options{SetJSON: []string{"a={"}}, `--set-json: "a=\{": .*`},
		{"missing set-file", with(nil), Options{SetFile: []string{"a=none.txt"}}, `none.txt: no such file or directory`},
		{"huge index", with(nil), Options{Set: []string{"a[99999999]=1"}}, `--set: .*`},
		{"subchart's values are no mapping", with(files{"chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "chart/values.yaml": "sub: text\n"}), Options{}, `chart/values.yaml(:\d)?: .*`},

		// The schema.
		{"schema", with(files{"chart/values.yaml": "a: 1\nreplicas: many\n", "chart/values.schema.json": `{"properties": {"replicas": {"type": "integer"}}}`}), Options{},
			`chart/values.yaml:2: the values do not meet the schema of chart bad: at '/replicas': got string, want integer`},
		{"schema, user's file", with(files{"chart/values.yaml": "list: [1]\n", "chart/values.schema.json": `{"properties": {"list": {"items": {"type": "integer"}}}}`, "my.yaml": "other: 1\nlist:\n- 1\n- x\n"}),
			Options{ValueFiles: []string{"my.yaml"}}, `my.yaml:4: the values do not meet the schema of chart bad: at '/list/1': got string, want integer`},
		{"schema, missing value", with(files{"chart/values.schema.json": `{"required": ["host"]}`}), Options{}, `chart/values.yaml: the values do not meet the schema of chart bad: at '': missing property 'host'`},
		{"malformed schema", with(files{"chart/values.schema.json": `{"type": `}), Options{}, `chart/values.schema.json: malformed schema: .*`},
		{"schema that is none", with(files{"chart/values.schema.json": `{"type": "nonsense"}`}), Options{}, `chart/values.schema.json: malformed schema: .*`},
		{"schema out of the chart", with(files{"chart/values.schema.json": `{"$ref": "file:///dev/zero"}`}), Options{}, `chart/values.schema.json: malformed schema: .*lies outside the chart.*`},
		{"schema of itself", with(files{"chart/values.schema.json": `{"$ref": "#"}`}), Options{}, `chart/values.yaml: .*reference cycle.*`},

		// Templates that fail.
		{"syntax", oneTemplate("a: b\nc: {{ .Values.x \n"), Options{}, `chart/templates/x.yaml:[23]: parse error at .*`},
		{"unknown function", oneTemplate("a: b\nc: {{ nonsense }}\n"), Options{}, `chart/templates/x.yaml:2: parse error at \(bad/templates/x.yaml:2\): function "nonsense" not defined`},
		{"nil pointer", oneTemplate("a: b\n\nc: {{ .Values.a.b.c }}\n"), Options{}, `chart/templates/x.yaml:3: .*nil pointer evaluating interface \{\}\.b`},
		{"required", oneTemplate("a: b\nc: {{ required \"a host is needed\" .Values.host }}\n"), Options{}, `chart/templates/x.yaml:2: execution error at \(bad/templates/x.yaml:2:\d+\): a host is needed`},
		{"fail in a helper", with(files{"chart/templates/_h.tpl": "\n\n{{ define \"h\" }}\n{{ fail \"no good\" }}{{ end }}", "chart/templates/x.yaml": "a: {{ include \"h\" . }}"}), Options{},
			`chart/templates/_h.tpl:4: execution error at \(bad/templates/x.yaml:1:\d+\): no good`},
		{"unknown template", oneTemplate("a: {{ include \"none\" . }}"), Options{}, `chart/templates/x.yaml:1: .*no template "none".*`},
		{"fail in a subchart", with(files{"chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "chart/charts/sub/templates/y.yaml": "\n{{ fail \"x\" }}"}), Options{}, `chart/charts/sub/templates/y.yaml:2: .*: x`},
		{"environment", oneTemplate("a: {{ env \"HOME\" }}"), Options{}, `chart/templates/x.yaml:1: .*function "env" not defined`},
		{"environment, expanded", oneTemplate("a: {{ expandenv \"$HOME\" }}"), Options{}, `chart/templates/x.yaml:1: .*function "expandenv" not defined`},
		{"our own calls", oneTemplate("a: {{ kfpreflight_leave }}"), Options{}, `chart/templates/x.yaml:1: .*function "kfpreflight_leave" not defined`},
		{"tpl", oneTemplate("a: {{ tpl \"{{ fail \\\"in tpl\\\" }}\" . }}"), Options{}, `chart/templates/x.yaml:1: .*in tpl`},

		// What they write.
		{"malformed", oneTemplate("apiVersion: v1\nkind: ConfigMap\n{{ if true }}\nmetadata:\n   name: x\n  labels: {}\n{{ end }}"), Options{}, `chart/templates/x.yaml:6: the rendered document cannot be read: malformed YAML: .*`},
		{"malformed by a value", with(files{"chart/values.yaml": "a: 1\nname: 'x: y: z'\n", "chart/templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n"}), Options{},
			`chart/(values.yaml:2|templates/x.yaml:4): the rendered document cannot be read: malformed YAML: .*`},
		{"a second document", oneTemplate("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: ConfigMap\nmetadata:\n  name: [b\n"), Options{}, `chart/templates/x.yaml:[78]: .*malformed YAML: .*`},
		{"no kind", oneTemplate("# a comment\nmetadata:\n  name: x\n"), Options{}, `chart/templates/x.yaml:2: not a Kubernetes object: it has neither kind nor apiVersion`},
		{"no name", oneTemplate("apiVersion: v1\nkind: ConfigMap\n"), Options{}, `chart/templates/x.yaml:1: ConfigMap without metadata.name`},
		{"a text", oneTemplate("just text\n"), Options{}, `chart/templates/x.yaml:1: the rendered document cannot be read: .*`},
		{"annotation", oneTemplate("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    a: b\n    no-text: [c]\n"), Options{}, `chart/templates/x.yaml:7: the rendered document cannot be read: .*`},
		{"malformed crd", with(files{"chart/crds/x.yaml": "apiVersion: v1\nkind: [\n"}), Options{}, `chart/crds/x.yaml:\d: malformed YAML: .*`},
		{"no crd", with(files{"chart/crds/x.yaml": "\na: b\n"}), Options{}, `chart/crds/x.yaml:2: not a Kubernetes object: .*`},

		// Templates that never end.
		{"include of itself", oneTemplate("{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}"), Options{}, `chart/templates/x.yaml:1: .*nested reference name: a.*`},
		{"include of each other", with(files{"chart/templates/x.yaml": ring(400)}), Options{}, `chart/templates/x.yaml:\d+: the templates call each other without end: .*`},
		{"template of itself", oneTemplate("{{ define \"a\" }}\n{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}"), Options{}, `chart/templates/x.yaml:2: the templates call each other without end: .*`},
		{"tpl of itself", with(files{"chart/values.yaml": "t: '{{ tpl .Values.t . }}'\n", "chart/templates/x.yaml": "{{ tpl .Values.t . }}"}), Options{}, `chart/templates/x.yaml:1: the templates call each other without end: .*`},
		{"file of itself", oneTemplate("{{ include \"bad/templates/x.yaml\" . }}"), Options{}, `chart/templates/x.yaml:1: .*nested reference name.*`},
		{"a long loop", oneTemplate("{{ range until 900000 }}{{ range until 900000 }}{{ end }}{{ end }}"), Options{}, `chart/templates/x.yaml:1: .*`},
		{"a loop over a number", oneTemplate("\n{{ range 2000000000 }}{{ end }}"), Options{}, `chart/templates/x.yaml:2: the templates do not end: .*`},
		{"gigabytes of text", oneTemplate("{{ range until 100000 }}{{ repeat 10000 \"x\" }}{{ end }}"), Options{}, `chart/templates/x.yaml:1: the templates write more than 64 MiB`},
		{"gigabytes at once", oneTemplate("{{ repeat 1000000000 \"0123456789\" }}"), Options{}, `chart/templates/x.yaml:1: a template makes a text or list of more than 16 MiB`},
		{"a large list", oneTemplate("{{ range until 1000000000 }}{{ end }}"), Options{}, `chart/templates/x.yaml:1: a template makes a text or list of more than 16 MiB`},
		{"an endless list", oneTemplate("{{ untilStep 9223372036854775806 9223372036854775807 9223372036854775807 }}"), Options{}, `chart/templates/x.yaml:1: a template makes .*`},
		{"indented", oneTemplate("{{ indent 1000000000 \"x\" }}"), Options{}, `chart/templates/x.yaml:1: a template makes .*`},
		{"doubling", oneTemplate("{{ $x := \"0123456789\" }}{{ range until 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}"), Options{}, `chart/templates/x.yaml:1: a template makes .*`},
		{"replaced", oneTemplate("{{ $x := repeat 1000000 \"a\" }}{{ replace \"a\" $x $x }}"), Options{}, `chart/templates/x.yaml:1: a template makes .*`},
		{"joined", oneTemplate("{{ join (repeat 1000000 \"x\") (until 100000) }}"), Options{}, `chart/templates/x.yaml:1: a template makes .*`},
		{"wide", oneTemplate("{{ printf \"%" + many("1000000d%", 1) + "d\" 1 1 }}{{ printf \"" + many("%999999d", 100) + "\" 1 }}"), Options{}, `chart/templates/x.yaml:1: a template makes .*`},
		{"collected", oneTemplate("{{ $l := list }}{{ range until 1000 }}{{ $l = append $l (repeat 16000000 \"x\") }}{{ end }}"), Options{}, `chart/templates/x.yaml:1: the templates use more than .*`},
		{"shared forty times", oneTemplate("{{ $x := dict \"a\" 1 }}{{ range until 40 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ toYaml $x }}"), Options{}, `chart/templates/x.yaml:1: a template handles a value of .*`},
		{"shared and printed", oneTemplate("{{ $x := dict \"a\" 1 }}{{ range until 40 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ $x }}"), Options{}, `chart/templates/x.yaml:1: a template handles a value of .*`},
		{"in itself", oneTemplate("{{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ toJson $x }}"), Options{}, `chart/templates/x.yaml:1: a template handles a value that is nested .*`},
		{"in itself, printed", oneTemplate("{{ $x := dict }}{{ $_ := set $x \"x\" $x }}\n{{ $x }}"), Options{}, `chart/templates/x.yaml:2: a template handles a value that is nested .*`},
		{"in itself, values", oneTemplate("{{ $_ := set .Values \"x\" .Values }}\n{{ .Values.YAML }}"), Options{}, `chart/templates/x.yaml:2: a template handles a value that is nested .*`},
		{"deep blocks", oneTemplate(many("{{ if true }}", 5000) + many("{{ end }}", 5000)), Options{}, `chart/templates/x.yaml:1: blocks are nested deeper .*`},
		{"deeper blocks", oneTemplate(many("{{if 1}}", 120_000) + many("{{end}}", 120_000)), Options{}, `chart(/templates/x.yaml)?: template bad/templates/x.yaml has more than .* actions`},
		{"deep parentheses", oneTemplate("{{ " + many("(", 5000) + "1" + many(")", 5000) + " }}"), Options{}, `chart/templates/x.yaml:1: parentheses are nested deeper .*`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, name := range slices.Sorted(maps.Keys(c.files)) {
				write(t, name, []byte(c.files[name]))
			}
			wantError(t, objectsWithin(t, 30*time.Second, c.opts), c.want)
		})
	}
}

// bomb is YAML whose aliases expand without bound.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	return b.String()
}

// ring is templates that include each other in a circle.
func ring(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{{ define \"r%d\" }}{{ if true }}{{ with . }}{{ include \"r%d\" $ }}{{ end }}{{ end }}{{ end }}\n", i, (i+1)%n)
	}
	return b.String() + "{{ include \"r0\" . }}"
}

// The limits bound memory too.
func TestBoundedMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, data := range oneTemplate("{{ range until 1000000 }}{{ $x := repeat 1000000 \"x\" }}{{ end }}") {
		write(t, name, []byte(data))
	}
	err := objectsWithin(t, 30*time.Second, Options{})
	wantError(t, err, `chart/templates/x.yaml:1: the templates use more than .*`)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 3<<30 {
		t.Errorf("%d MiB", m.Sys>>20)
	}
}

func TestTimeout(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, data := range oneTemplate("{{ range until 900000 }}{{ range until 900000 }}{{ end }}{{ end }}") {
		write(t, name, []byte(data))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Objects(ctx, "chart", Options{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Error(err, time.Since(start))
	}
}

func TestBadFolders(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T)
		want string
	}{
		{"link to the parent", func(t *testing.T) { link(t, "..", "chart/templates/loop") }, `chart/templates/loop: a symbolic link to a folder that holds it: .*`},
		{"links to the parent", func(t *testing.T) { link(t, "..", "chart/a/loop"); link(t, "..", "chart/b/loop") }, `chart/a/loop: a symbolic link to a folder that holds it: .*`},
		{"link to itself", func(t *testing.T) { link(t, "loop", "chart/templates/loop") }, `chart/templates/loop: a symbolic link that leads to itself`},
		{"dangling link", func(t *testing.T) { link(t, "none", "chart/templates/gone.yaml") }, `chart/templates/gone.yaml: no such file or directory`},
		{"named pipe", func(t *testing.T) {
			if err := syscall.Mkfifo("chart/templates/pipe.yaml", 0o600); err != nil {
				t.Skip(err)
			}
		}, `chart/templates/pipe.yaml: not a regular file`},
		{"device", func(t *testing.T) { link(t, "/dev/zero", "chart/templates/zero.yaml") }, `chart/templates/zero.yaml: not a regular file`},
		{"huge file", func(t *testing.T) {
			write(t, "chart/templates/huge.yaml", nil)
			if err := os.Truncate("chart/templates/huge.yaml", 1<<30); err != nil {
				t.Fatal(err)
			}
		}, `chart/templates/huge.yaml: the file has 1024 MiB; at most 64 MiB are read`},
		{"deep folders", func(t *testing.T) { write(t, "chart/"+strings.Repeat("d/", 70)+"x", nil) }, `chart/d/.*: folders are nested deeper than 64`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, data := range with(nil) {
				write(t, name, []byte(data))
			}
			c.make(t)
			wantError(t, objectsWithin(t, 10*time.Second, Options{}), c.want)
		})
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	write(t, name, nil)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Skip(err)
	}
}

// archive makes a .tgz.
func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, h := range headers {
		data := []byte(h.Linkname)
		h.Linkname = ""
		if h.Typeflag == 0 {
			h.Typeflag, h.Mode = tar.TypeReg, 0o644
		}
		if h.Size == 0 {
			h.Size = int64(len(data))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		for left := h.Size - int64(len(data)); left > 0; left -= int64(len(zeros)) {
			if _, err := w.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var zeros = make([]byte, 1<<20)

func file(name, content string) tar.Header { return tar.Header{Name: name, Linkname: content} }

func TestArchives(t *testing.T) {
	chart := []tar.Header{
		file("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
		file("web/values.yaml", "key: value\n"),
		file("web/templates/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Chart.Name }}\ndata:\n  key: {{ .Values.key }}\n"),
	}
	t.Chdir(t.TempDir())
	inner := archive(t, chart...)
	write(t, "web.tgz", inner)
	write(t, "outer.tgz", archive(t, file("outer/Chart.yaml", "apiVersion: v2\nname: outer\nversion: 0.1.0\ndependencies: [{name: web, version: 0.1.0, alias: inside}]\n"),
		file("outer/charts/web-0.1.0.tgz", string(inner))))
	for name, want := range map[string]string{
		"web.tgz":   "web.tgz/values.yaml:1 true",
		"outer.tgz": "outer.tgz/charts/web-0.1.0.tgz/values.yaml:1 true",
	} {
		compare(t, name, Options{})
		objects, err := Objects(context.Background(), name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		origin := objects[0].At("data", "key").Origin()
		if got := fmt.Sprintf("%s:%d %v", origin.File, origin.Line, origin.Exact); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestBadArchives(t *testing.T) {
	good := file("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n")
	many := make([]tar.Header, 0, maxChartFiles+2)
	for i := range maxChartFiles + 2 {
		many = append(many, file(fmt.Sprintf("web/files/%d", i), ""))
	}
	var bombs []tar.Header
	for i := range 30 {
		bombs = append(bombs, tar.Header{Name: fmt.Sprintf("web/files/%d", i), Size: 5 << 20})
	}
	// Archives in an archive, each within the limits.
	var nested []tar.Header
	inner := archive(t, append(slices.Clone(bombs[:15]), file("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"))...)
	for i := range 4 {
		nested = append(nested, file(fmt.Sprintf("web/charts/c%d.tgz", i), string(inner)))
	}
	deep := archive(t, good)
	for range maxChartDepth + 2 {
		deep = archive(t, good, file("web/charts/next.tgz", string(deep)))
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, `chart.tgz: not a chart archive: not in gzip format`},
		{"not an archive", []byte("apiVersion: v2\n"), `chart.tgz: not a chart archive: not in gzip format`},
		{"truncated", archive(t, good)[:60], `chart.tgz: malformed chart archive: .*`},
		{"no chart", archive(t, file("web/values.yaml", "")), `chart.tgz: not a chart: it has no Chart.yaml`},
		{"no folder", archive(t, file("Chart.yaml", metadata)), `chart.tgz: malformed chart archive: .*`},
		{"nothing", archive(t), `chart.tgz: malformed chart archive: no files in chart archive`},
		{"parent", archive(t, good, file("web/../../evil", "x")), `chart.tgz: malformed chart archive: .*parent directory`},
		{"absolute", archive(t, good, file("web//etc/passwd", "x")), `chart.tgz: malformed chart archive: .*absolute paths`},
		{"drive", archive(t, good, file(`web\c:\x`, "x")), `chart.tgz: malformed chart archive: .*illegally named files`},
		{"large file", archive(t, good, tar.Header{Name: "web/files/big", Size: 6 << 20}), `chart.tgz: malformed chart archive: .*larger than the maximum file size.*`},
		{"bomb", archive(t, append(bombs, good)...), `chart.tgz: (malformed chart archive: .*larger than.*|the chart archive unpacks to more than .*)`},
		{"one large bomb", archive(t, tar.Header{Name: "web/x", Size: 300 << 20}), `chart.tgz: the chart archive unpacks to more than 100 MiB`},
		{"many files", archive(t, many...), `chart.tgz: the chart archive has more than 20000 entries`},
		{"bombs inside", archive(t, append(nested, good)...), `chart.tgz: the chart has more than 100 MiB`},
		{"archives inside archives", deep, `chart.tgz/charts/next.tgz/.*: subcharts are nested deeper than 32.*`},
		{"malformed inside", archive(t, good, file("web/charts/x.tgz", "no")), `chart.tgz/charts/x.tgz: not a chart archive: .*`},
		{"template", archive(t, good, file("web/templates/x.yaml", "\n{{ fail \"x\" }}")), `chart.tgz/templates/x.yaml:2: .*: x`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "chart.tgz", c.data)
			start := time.Now()
			_, err := Objects(context.Background(), "chart.tgz", Options{})
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			wantError(t, err, c.want)
		})
	}
}

// Helm writes its warnings to the standard logger; they belong to the user.
func TestWarnings(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, data := range with(files{
		"chart/Chart.yaml":         metadata + "deprecated: true\n",
		"chart/values.yaml":        "a: text\n",
		"my.yaml":                  "a: {b: c}\n",
		"chart/values.schema.json": `{"$ref": "https://example.com/schema.json"}`,
		"chart/templates/x.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  twice: a\n  twice: b\n",
		"chart/templates/y.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    helm.sh/hook: pre-install\n",
	}) {
		write(t, name, []byte(data))
	}
	var warnings bytes.Buffer
	objects, err := Objects(context.Background(), "chart", Options{ValueFiles: []string{"my.yaml"}, Warnings: &warnings})
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 || objects[0].String("data", "twice") != "b" {
		t.Error(objects)
	}
	for _, want := range []string{
		"chart/Chart.yaml: this chart is deprecated",
		"skipped value for bad.a: Not a table",
		"https://example.com/schema.json is not fetched",
		`chart/templates/x.yaml:6: the key "twice" is given twice; Helm takes the last one`,
		"ConfigMap default/x is given again as a hook in bad/templates/y.yaml",
	} {
		if !strings.Contains(warnings.String(), want) {
			t.Errorf("no %q in\n%s", want, &warnings)
		}
	}
}
