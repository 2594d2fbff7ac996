// Package report writes what a run found: one file per format, all from the
// same [Report].
package report

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

// A Report is everything that formats write. Its JSON is the json format; the
// schema is schema/report.schema.json.
type Report struct {
	Version  int        `json:"version"`
	Tool     Tool       `json:"tool"`
	Target   Target     `json:"target"`
	Sources  []Source   `json:"sources"`
	Summary  Summary    `json:"summary"`
	Findings []Finding  `json:"findings"`
	Coverage []Coverage `json:"coverage"`

	failOn          string // error, warning, info or never
	failOnUndecided bool
	rules           []*checks.Check
}

// Tool is the program that made the report.
type Tool struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Kustomize string `json:"kustomize"` // the version of kustomize that it renders as
}

// Target is what the manifests are meant for; empty is unknown.
type Target struct {
	Kubernetes string `json:"kubernetes"`
	Kubeflow   string `json:"kubeflow"`
}

// Source is one input.
type Source struct {
	Path    string `json:"path"`
	Kind    string `json:"kind"`
	Objects int    `json:"objects"`
}

// Summary counts findings: the decided ones that nobody accepted by severity,
// the undecided ones that nobody accepted, and the accepted ones.
type Summary struct {
	Errors     int    `json:"errors"`
	Warnings   int    `json:"warnings"`
	Infos      int    `json:"infos"`
	Undecided  int    `json:"undecided"`
	Suppressed int    `json:"suppressed"`
	Verdict    string `json:"verdict"` // pass or fail, by --fail-on
}

// Finding is one answer of a check.
type Finding struct {
	Check       string      `json:"check"`
	Severity    string      `json:"severity"`
	Undecided   bool        `json:"undecided"`
	Message     string      `json:"message"`
	Fix         string      `json:"fix"`
	Object      *Object     `json:"object"` // null: about no object, as an ignore
	Field       string      `json:"field"`
	Origin      *Origin     `json:"origin"` // null: nowhere in the user's files
	Related     []Related   `json:"related"`
	Fingerprint string      `json:"fingerprint"`
	Suppressed  *Suppressed `json:"suppressed"` // null: it counts
}

// Object is a Kubernetes object.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

func (o *Object) String() string {
	if o == nil {
		return ""
	}
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Origin is a position in the user's files.
type Origin struct {
	File  string `json:"file"`
	Line  int    `json:"line"`  // 0: only the file is known
	Exact bool   `json:"exact"` // this line holds the value
}

// String is file:line, with a ~ where it is not exact.
func (o *Origin) String() string {
	switch {
	case o == nil:
		return ""
	case o.Line == 0:
		return "~" + o.File
	case !o.Exact:
		return fmt.Sprintf("~%s:%d", o.File, o.Line)
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Related is another place that has part in a finding.
type Related struct {
	Object  *Object `json:"object"`
	Field   string  `json:"field"`
	Origin  *Origin `json:"origin"`
	Message string  `json:"message"`
}

// Suppressed says why a finding is accepted.
type Suppressed struct {
	Reason  string  `json:"reason"`
	By      string  `json:"by"` // configuration or comment
	Owner   string  `json:"owner,omitempty"`
	Expires string  `json:"expires,omitempty"`
	Origin  *Origin `json:"origin"`
}

// Coverage says how far one check came.
type Coverage struct {
	Check string `json:"check"`
	State string `json:"state"` // ran, not-applicable or undecided
}

// Options of a report.
type Options struct {
	Tool            Tool
	Target          checks.Target
	Sources         []Source
	Rules           []*checks.Check // those that were selected
	FailOn          string
	FailOnUndecided bool
}

// New makes a report of what a run found.
func New(result *runner.Result, opts Options) *Report {
	r := &Report{
		Version: 1, Tool: opts.Tool,
		Target:   Target{Kubernetes: opts.Target.Kubernetes, Kubeflow: opts.Target.Kubeflow},
		Sources:  []Source{},
		Findings: []Finding{},
		Coverage: []Coverage{},
		failOn:   opts.FailOn, failOnUndecided: opts.FailOnUndecided, rules: opts.Rules,
	}
	for _, s := range opts.Sources {
		s.Path = clean(s.Path)
		r.Sources = append(r.Sources, s)
	}
	prints := result.Fingerprints()
	for _, f := range result.Findings {
		r.Findings = append(r.Findings, newFinding(result, f, prints[f]))
	}
	for _, c := range result.Coverage {
		r.Coverage = append(r.Coverage, Coverage{Check: c.Check.ID, State: string(c.State)})
	}
	r.Summary = r.summarize()
	return r
}

func newFinding(result *runner.Result, f *checks.Finding, print string) Finding {
	fix := f.Fix
	if fix == "" {
		fix = f.Check.Fix
	}
	out := Finding{
		Check: f.Check.ID, Severity: f.Severity.String(), Undecided: f.Undecided,
		Message: clean(f.Message), Fix: clean(fix),
		Object: objectOf(f.Place), Field: fieldOf(f.Place), Origin: originOf(result.Origin(f)),
		Related: []Related{}, Fingerprint: print,
	}
	for _, related := range f.Related {
		out.Related = append(out.Related, Related{
			Object: objectOf(related.Place), Field: fieldOf(related.Place),
			Origin: originOf(related.Place.Origin()), Message: clean(related.Message),
		})
	}
	if s := result.Suppressed[f]; s != nil {
		out.Suppressed = &Suppressed{Reason: clean(s.Reason), By: "configuration", Owner: clean(s.Owner), Expires: s.Expires, Origin: originOf(s.Origin)}
		if s.InSource {
			out.Suppressed.By = "comment"
		}
	}
	return out
}

// objectOf leaves out what stands for the configuration or a comment.
func objectOf(p inventory.Place) *Object {
	if p.Object == nil || p.Object.Key.Kind == "" {
		return nil
	}
	key := p.Object.Key
	return &Object{APIVersion: clean(p.Object.APIVersion), Kind: clean(key.Kind), Namespace: clean(key.Namespace), Name: clean(key.Name)}
}

func fieldOf(p inventory.Place) string {
	if objectOf(p) == nil {
		return ""
	}
	return clean(p.Field())
}

func originOf(o inventory.Origin) *Origin {
	if o.File == "" {
		return nil
	}
	return &Origin{File: clean(path.Clean(o.File)), Line: max(o.Line, 0), Exact: o.Exact && o.Line > 0}
}

// clean makes text fit for one line of any output: what a manifest holds could
// else steer a terminal or end a workflow command.
func clean(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool {
	return r == utf8.RuneError || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// Counts reports whether a finding counts: decided, and accepted by nobody.
func (f *Finding) Counts() bool { return !f.Undecided && f.Suppressed == nil }

// rank orders severities, most severe first.
func rank(severity string) int {
	return slices.Index([]string{"error", "warning", "info"}, severity)
}

// reaches reports whether a finding makes the run fail.
func (r *Report) reaches(f *Finding) bool {
	return f.Counts() && r.failOn != "never" && rank(f.Severity) <= rank(r.failOn)
}

func (r *Report) summarize() Summary {
	s := Summary{Verdict: "pass"}
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Suppressed != nil:
			s.Suppressed++
		case f.Undecided:
			s.Undecided++
		case f.Severity == "error":
			s.Errors++
		case f.Severity == "warning":
			s.Warnings++
		default:
			s.Infos++
		}
		if r.reaches(f) {
			s.Verdict = "fail"
		}
	}
	if r.failOnUndecided && s.Undecided > 0 {
		s.Verdict = "fail"
	}
	return s
}

// Objects is the number of objects of all sources.
func (r *Report) Objects() int {
	n := 0
	for _, s := range r.Sources {
		n += s.Objects
	}
	return n
}

// bySeverity returns the findings, the most severe first, else in their order:
// counting ones, then undecided, then accepted ones.
func (r *Report) bySeverity() []*Finding {
	group := func(f *Finding) int {
		switch {
		case f.Suppressed != nil:
			return 10
		case f.Undecided:
			return 5
		}
		return rank(f.Severity)
	}
	var findings []*Finding
	for i := range r.Findings {
		findings = append(findings, &r.Findings[i])
	}
	slices.SortStableFunc(findings, func(a, b *Finding) int { return group(a) - group(b) })
	return findings
}

// A Format is one way to write a report.
type Format struct {
	Name  string
	Write func(w io.Writer, r *Report, s Style) error
}

// Formats are all of them, in the order of the documentation.
var Formats = []Format{
	{"text", Text},
	{"json", JSON},
	{"sarif", SARIF},
	{"junit", JUnit},
	{"markdown", Markdown},
	{"github", GitHub},
}

// Style is what the reader of an output wants or can do; most formats need
// little of it.
type Style struct {
	Color   bool
	Width   int // of the terminal; 0: lines are never broken
	Verbose bool
	Quiet   bool
	// Rel names a file from the root of the repository, with slashes; false
	// means that it lies outside.
	Rel func(file string) (string, bool)
}

func (s Style) rel(file string) (string, bool) {
	if s.Rel == nil {
		return file, true
	}
	return s.Rel(file)
}

// plural writes "1 error" and "2 errors".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// documentation is where a check's page is.
func documentation(id string) string {
	return "https://github.com/kfpreflight/kfpreflight/blob/main/docs/checks/" + id + ".md"
}
