package report

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

var update = flag.Bool("update", false, "write the golden files")

const manifests = `apiVersion: v1
kind: ConfigMap
metadata: {name: dex, namespace: auth}
data:
  config.yaml: |
    issuer: http://dex.auth.svc
    staticClients:
    - id: web
      redirectURIs: [/oauth2/callback]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: proxy, namespace: auth}
spec:
  template:
    spec:
      containers:
      - name: proxy
        args: [--redirect-url=https://kubeflow.example.com/callback]
        env:
        - name: NOISY
          value: "100%, of | it\u001b[31m\n::error::<b>@team</b> ` + "`" + `x` + "`" + ` #1"
      - name: other # kfpreflight:ignore kind/noisy known since 2024
        env: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: everything}
rules:
- {verbs: ["*"]}
`

// dim is a locator that knows no line.
type somewhere struct{ file string }

func (l somewhere) Locate(*inventory.Object, inventory.Path, int) inventory.Origin {
	return inventory.Origin{File: l.file}
}

func check(id string, severity checks.Severity, run func(*checks.Pass)) *checks.Check {
	return &checks.Check{
		ID: id, Severity: severity, Since: "0.1.0", Run: run,
		Doc:  "what " + id + " is about\n\nIt breaks with `403`.\n\nLeft out: nothing.",
		Fix:  "Repair it in dex's staticClients | or remove it.",
		Refs: []string{"kubeflow/manifests#2812", "https://example.com/a"},
	}
}

// shared is the set of findings that all formats are tested with.
func shared(t *testing.T) (*runner.Result, Options) {
	t.Helper()
	const file = "overlays/a b,c:d/ünï.yaml"
	objects, err := manifest.Parse(file, []byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	patched := inventory.NewObject(map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolumeClaim",
		"metadata": map[string]any{"name": "mysql", "namespace": "kubeflow"},
	}, somewhere{"common/pvc.yaml"})
	inv, err := inventory.New(append(objects, patched))
	if err != nil {
		t.Fatal(err)
	}
	get := func(pass *checks.Pass, group, kind, namespace, name string) *inventory.Object {
		o := pass.Render.Get(inventory.GroupKind{Group: group, Kind: kind}, namespace, name)
		if o == nil {
			t.Fatalf("no %s %s", kind, name)
		}
		return o
	}
	list := []*checks.Check{
		check("oidc/unregistered", checks.Error, func(pass *checks.Pass) {
			doc, err := get(pass, "", "ConfigMap", "auth", "dex").At("data", "config.yaml").Document()
			if err != nil {
				t.Fatal(err)
			}
			proxy := get(pass, "apps", "Deployment", "auth", "proxy")
			pass.Reportf(proxy.At("spec", "template", "spec", "containers", 0, "args", 0), "redirect URL https://kubeflow.example.com/callback of Deployment auth/proxy is registered by no client of ConfigMap auth/dex").
				See(doc.At("staticClients", 0, "redirectURIs"), "client web has only /oauth2/callback")
		}),
		check("kind/noisy", checks.Warning, func(pass *checks.Pass) {
			proxy := get(pass, "apps", "Deployment", "auth", "proxy")
			value := proxy.At("spec", "template", "spec", "containers", 0, "env", 0, "value")
			finding := pass.Reportf(value, "value %s is noisy", value.Text())
			for i := range 7 {
				finding.See(get(pass, "", "ConfigMap", "auth", "dex").At("metadata", "name"), "part %d", i)
			}
			pass.Reportf(proxy.At("spec", "template", "spec", "containers", 1, "name"), "accepted by a comment")
			pass.Reportf(get(pass, "rbac.authorization.k8s.io", "ClusterRole", "", "everything").At("rules", 0), "accepted by the configuration")
		}),
		check("kind/known", checks.Info, func(pass *checks.Pass) {
			pass.Reportf(get(pass, "", "PersistentVolumeClaim", "kubeflow", "mysql").At("spec"), "known of PersistentVolumeClaim kubeflow/mysql").WithFix("Know it.")
			pass.Reportf(get(pass, "", "PersistentVolumeClaim", "kubeflow", "mysql").At("metadata", "name"), "known again").WithFix("Know it.")
			pass.Reportf(inventory.Place{}, "known of nothing")
		}),
		check("storage/class", checks.Error, func(pass *checks.Pass) {
			for i := range 3 {
				pass.Undecidedf(get(pass, "", "PersistentVolumeClaim", "kubeflow", "mysql").At("spec"), "claim %d needs a default class, and the storage classes of the cluster are not known", i)
			}
		}),
		check("storage/none", checks.Error, func(pass *checks.Pass) { pass.NotApplicable() }),
		check("storage/fine", checks.Error, func(*checks.Pass) {}),
	}
	list = append(list, runner.Checks...)
	result, err := runner.Run(context.Background(), inv, list, runner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(config.Name, []byte("version: 1\nignore:\n- check: kind/noisy\n  object: ClusterRole//everything\n  reason: upstream's | own\n  owner: platform\n  expires: 2026-12-31\n- check: kind\n  object: Nothing\n  reason: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	result.Ignore(runner.Ignores{
		Config: cfg, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Selected: list, All: list,
		Rel: func(file string) string { return file },
		Lines: func(name string) ([]string, error) {
			if name == file {
				return strings.Split(manifests, "\n"), nil
			}
			return nil, os.ErrNotExist
		},
	})
	return result, options(list)
}

func options(list []*checks.Check) Options {
	return Options{
		Tool:    Tool{Name: "kfpreflight", Version: "0.1.0", Kustomize: "5.8.2"},
		Target:  checks.Target{Kubernetes: "1.34", Kubeflow: "1.10.2"},
		Sources: []Source{{Path: "overlays/a b,c:d", Kind: "kustomize", Objects: 4}},
		Rules:   list, FailOn: "error",
	}
}

// style pretends that the working folder is deploy/ of the repository.
var style = Style{Rel: func(file string) (string, bool) {
	if strings.HasPrefix(file, "common/") {
		return "/elsewhere/" + file, false
	}
	return "deploy/" + file, true
}}

func write(t *testing.T, format Format, r *Report, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := format.Write(&b, r, s); err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(b.Bytes()) {
		t.Errorf("%s is not UTF-8", format.Name)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run go test with -update after a wanted change):\n%s", file, diff)
	}
}

func TestFormats(t *testing.T) {
	for _, format := range Formats {
		t.Run(format.Name, func(t *testing.T) {
			result, opts := shared(t)
			first := write(t, format, New(result, opts), style)
			golden(t, format.Name, first)
			result, opts = shared(t)
			if again := write(t, format, New(result, opts), style); again != first {
				t.Error("the same run gives other bytes")
			}
			if strings.Contains(first, "\x1b") {
				t.Error("an escape sequence of a manifest reaches the output")
			}
		})
	}
}

// TestEmpty writes what a run without findings gives: a valid document still.
func TestEmpty(t *testing.T) {
	for _, format := range Formats {
		t.Run(format.Name, func(t *testing.T) {
			list := []*checks.Check{check("kind/fine", checks.Error, func(*checks.Pass) {})}
			inv, err := inventory.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			result, err := runner.Run(context.Background(), inv, list, runner.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := write(t, format, New(result, options(list)), style)
			golden(t, format.Name+"-empty", got)
			if strings.Contains(got, "null") && format.Name != "text" {
				t.Error("a null for what is empty")
			}
		})
	}
}

func TestTextStyles(t *testing.T) {
	result, opts := shared(t)
	opts.FailOnUndecided = true
	r := New(result, opts)
	golden(t, "text-verbose", write(t, Formats[0], r, Style{Verbose: true}))
	golden(t, "text-quiet", write(t, Formats[0], r, Style{Quiet: true}))
	golden(t, "text-narrow", write(t, Formats[0], r, Style{Width: 60}))
	coloured := write(t, Formats[0], r, Style{Color: true})
	golden(t, "text-color", coloured)
	if strip(coloured) != write(t, Formats[0], r, Style{}) {
		t.Error("colours change the text")
	}
}

func compile(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}

func TestJSONSchema(t *testing.T) {
	schema := compile(t, Schema)
	result, opts := shared(t)
	validate(t, schema, write(t, Formats[1], New(result, opts), style))
	empty, err := os.ReadFile("testdata/json-empty.golden")
	if err != nil {
		t.Fatal(err)
	}
	validate(t, schema, string(empty))
	// The schema is strict: it would notice a field that it does not name.
	if err := schema.Validate(map[string]any{"version": 1, "more": true}); err == nil {
		t.Error("the schema takes anything")
	}
}

// TestSARIF validates against the schema of the standard, and what GitHub wants
// beyond it.
func TestSARIF(t *testing.T) {
	official, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, official)
	result, opts := shared(t)
	text := write(t, Formats[2], New(result, opts), style)
	validate(t, schema, text)
	empty, err := os.ReadFile("testdata/sarif-empty.golden")
	if err != nil {
		t.Fatal(err)
	}
	validate(t, schema, string(empty))
	log, err := sarif.FromString(text)
	if err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != len(result.Findings) {
		t.Errorf("%d results of %d findings", len(run.Results), len(result.Findings))
	}
	prints := map[string]bool{}
	for _, r := range run.Results {
		if *run.Tool.Driver.Rules[r.RuleIndex].ID != *r.RuleID {
			t.Errorf("rule index %d is not %s", r.RuleIndex, *r.RuleID)
		}
		if prints[r.PartialFingerprints["primaryLocationLineHash"]] {
			t.Error("two results with one fingerprint")
		}
		prints[r.PartialFingerprints["primaryLocationLineHash"]] = true
		for _, l := range r.Locations {
			if *l.PhysicalLocation.Region.StartLine < 1 {
				t.Error("a line before the first")
			}
			if uri := *l.PhysicalLocation.ArtifactLocation.URI; strings.ContainsAny(uri, " ü") {
				t.Errorf("%q is no URI", uri)
			}
		}
	}
}

// many makes a report with n findings.
func many(n int, severity checks.Severity) *Report {
	c := check("kind/many", severity, nil)
	result := &runner.Result{Coverage: []runner.Coverage{{Check: c, State: runner.Ran}}}
	for i := range n {
		o := inventory.NewObject(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": fmt.Sprintf("c%d", i), "namespace": "n"},
		}, somewhere{"x.yaml"})
		result.Findings = append(result.Findings, &checks.Finding{Check: c, Severity: c.Severity, Message: fmt.Sprintf("message %d", i), Place: o.At("data")})
	}
	return New(result, options([]*checks.Check{c}))
}

func TestLimits(t *testing.T) {
	r := many(6000, checks.Error)
	var log sarifLog
	if err := json.Unmarshal([]byte(write(t, Formats[2], r, style)), &log); err != nil {
		t.Fatal(err)
	}
	if n := len(log.Runs[0].Results); n != maxResults {
		t.Errorf("%d results", n)
	}
	if said := log.Runs[0].Invocations[0].ToolExecutionNotifications; len(said) != 1 || !strings.HasPrefix(said[0].Message.Text, "1000 results cut") {
		t.Errorf("the cut is not said: %v", said)
	}
	markdown := write(t, Formats[4], r, style)
	if n := utf8.RuneCountInString(markdown); n >= maxMarkdown || n < maxMarkdown-2000 {
		t.Errorf("%d characters of Markdown", n)
	}
	m := regexp.MustCompile(`_(\d+) findings cut`).FindStringSubmatch(markdown)
	if rows := strings.Count(markdown, "\n| error |"); m == nil || fmt.Sprint(6000-rows) != m[1] {
		t.Errorf("%d rows, cut: %v", rows, m)
	}
	commands := write(t, Formats[5], r, style)
	if n := strings.Count(commands, "::error "); n != maxAnnotations {
		t.Errorf("%d annotations", n)
	}
	if n := strings.Count(commands, "\nerror: ~x.yaml: message "); n != 6000-maxAnnotations {
		t.Errorf("%d plain lines", n)
	}
	if n := strings.Count(write(t, Formats[0], r, style), "fix: "); n != 1 {
		t.Errorf("the same fix %d times", n)
	}
}

func TestJUnitIsXML(t *testing.T) {
	result, opts := shared(t)
	opts.FailOn = "warning"
	text := write(t, Formats[3], New(result, opts), style)
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Cases []struct {
				Failure *struct{} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
		}
	}
	if failures != 3 || suites.Failures != 3 {
		t.Errorf("%d failures, %d counted; want the error and two warnings", failures, suites.Failures)
	}
}

func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		severity checks.Severity
		failOn   string
		want     string
	}{
		{checks.Error, "error", "fail"}, {checks.Error, "warning", "fail"}, {checks.Error, "never", "pass"},
		{checks.Warning, "error", "pass"}, {checks.Warning, "warning", "fail"}, {checks.Warning, "info", "fail"},
		{checks.Info, "warning", "pass"}, {checks.Info, "info", "fail"},
	} {
		r := many(1, test.severity)
		r.failOn = test.failOn
		if got := r.summarize().Verdict; got != test.want {
			t.Errorf("%s with --fail-on %s: %s", test.severity, test.failOn, got)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"two\nlines\tand":    "two lines and",
		"esc\x1b[31m":        `esc\u001b[31m`,
		"bidi\u202eabc":      `bidi\u202eabc`,
		"c1\u009b31m":        `c1\u009b31m`,
		"not UTF-8 \xff end": `not UTF-8 \ufffd end`,
		"ünï ✅":              "ünï ✅",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
