package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Text writes the report for people: findings by file, then what could not be
// decided, then a line that sums it up and what to do next.
func Text(w io.Writer, r *Report, s Style) error {
	t := &text{r: r, s: s, fixed: map[string]bool{}}
	t.findings()
	if !s.Quiet {
		t.undecided()
		t.accepted()
	}
	t.end()
	_, err := w.Write(t.b.Bytes())
	return err
}

type text struct {
	r       *Report
	s       Style
	b       bytes.Buffer
	fixed   map[string]bool // check and fix that were printed
	inexact bool
}

const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	yellow = "1;33"
	blue   = "1;34"
	green  = "1;32"
)

func (t *text) paint(code, s string) string {
	if !t.s.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *text) severity(severity string) string {
	return t.paint(map[string]string{"error": red, "warning": yellow, "info": blue}[severity], severity)
}

// line writes a line with a hanging indent, broken at the terminal's width.
// plain is the text without colours, where it has any: it is what is measured.
func (t *text) line(indent int, first, rest string, style string) {
	prefix := strings.Repeat(" ", indent)
	hang := prefix + strings.Repeat(" ", utf8.RuneCountInString(strip(first)))
	lines := []string{rest}
	if room := t.s.Width - utf8.RuneCountInString(hang); t.s.Width > 0 && room >= 20 {
		lines = wrap(rest, room)
	}
	for i, text := range lines {
		if i == 0 {
			t.b.WriteString(prefix + first)
		} else {
			t.b.WriteString(hang)
		}
		if style != "" {
			text = t.paint(style, text)
		}
		t.b.WriteString(text + "\n")
	}
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

func strip(s string) string { return colours.ReplaceAllString(s, "") }

// wrap breaks text at spaces; a word that is too long, as a path, stays whole.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(s, " ") {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

func (t *text) place(o *Origin) string {
	if o == nil {
		return ""
	}
	t.inexact = t.inexact || !o.Exact
	return o.String()
}

func (t *text) findings() {
	file := ""
	for i := range t.r.Findings {
		f := &t.r.Findings[i]
		if !f.Counts() {
			continue
		}
		at := "(no file)"
		if f.Origin != nil {
			at = f.Origin.File
		}
		if at != file {
			file = at
			t.b.WriteString(t.paint(bold, file) + "\n")
		}
		t.finding(f)
		t.b.WriteString("\n")
	}
}

func (t *text) finding(f *Finding) {
	t.line(2, t.severity(f.Severity)+": ", f.Message+" ["+f.Check+"]", "")
	var where []string
	if place := t.place(f.Origin); place != "" {
		where = append(where, place)
	}
	if f.Object != nil {
		where = append(where, strings.TrimSpace(f.Object.String()+" "+f.Field))
	}
	if len(where) > 0 {
		t.line(4, "at ", strings.Join(where, ": "), dim)
	}
	related := f.Related
	const few = 5
	if !t.s.Verbose && len(related) > few {
		related = related[:few]
	}
	for _, other := range related {
		if other.Origin != nil {
			t.place(other.Origin)
		}
		t.line(4, "see ", other.text(Style{}), dim)
	}
	if n := len(f.Related) - len(related); n > 0 {
		t.line(4, "", fmt.Sprintf("and %s more (-v shows all)", plural(n, "place")), dim)
	}
	if key := f.Check + "\x00" + f.Fix; !t.fixed[key] {
		t.fixed[key] = true
		t.line(4, "fix: ", f.Fix, "")
	}
}

// undecided folds what could not be decided to a line per check.
func (t *text) undecided() {
	byCheck := map[string][]*Finding{}
	var order []string
	for i := range t.r.Findings {
		f := &t.r.Findings[i]
		if !f.Undecided || f.Suppressed != nil {
			continue
		}
		if byCheck[f.Check] == nil {
			order = append(order, f.Check)
		}
		byCheck[f.Check] = append(byCheck[f.Check], f)
	}
	if len(order) == 0 {
		return
	}
	slices.Sort(order)
	title := t.paint(bold, "Not decided")
	if !t.r.failOnUndecided {
		title += t.paint(dim, " (these fail nothing unless --fail-on-undecided is given)")
	}
	t.b.WriteString(title + "\n")
	var missing []string
	for _, check := range order {
		group := byCheck[check]
		shown := group[:1]
		if t.s.Verbose {
			shown = group
		}
		for _, f := range shown {
			place := ""
			if f.Origin != nil {
				place = t.place(f.Origin) + ": "
			}
			t.line(2, t.paint(dim, "undecided: "), place+f.Message+" ["+check+"]", dim)
		}
		if n := len(group) - len(shown); n > 0 {
			t.line(4, "", fmt.Sprintf("and %d more of this check (-v shows all)", n), dim)
		}
		for _, f := range group {
			for _, fact := range missingFacts(f.Message) {
				if !slices.Contains(missing, fact) {
					missing = append(missing, fact)
				}
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		t.line(2, "", "To decide them, tell "+strings.Join(missing, ", ")+" in .kfpreflight.yaml (kfpreflight config init writes one).", "")
	}
	t.b.WriteString("\n")
}

// facts are the keys of the configuration by the words that messages use for
// what they are in want of. Messages may also name one: "(fact nodes)".
var facts = []struct {
	key   string
	words *regexp.Regexp
}{
	{"cluster.kubernetesVersion", regexp.MustCompile(`(?i)facts?:? kubernetesVersion|cluster\.kubernetesVersion|the target's version|kubernetes version|version of kubernetes`)},
	{"cluster.storageClasses", regexp.MustCompile(`(?i)facts?:? storageClasses|cluster\.storageClasses|storage classes`)},
	{"cluster.hosts", regexp.MustCompile(`(?i)facts?:? hosts|cluster\.hosts|hosts (of the|by which)`)},
	{"cluster.namespaces", regexp.MustCompile(`(?i)facts?:? namespaces|cluster\.namespaces|(cluster's namespaces|namespaces of the cluster)`)},
	{"cluster.secrets", regexp.MustCompile(`(?i)facts?:? secrets|cluster\.secrets|(cluster's secrets|secrets of the cluster)`)},
	{"cluster.serviceAccounts", regexp.MustCompile(`(?i)facts?:? serviceAccounts|cluster\.serviceAccounts`)},
	{"cluster.nodes", regexp.MustCompile(`(?i)facts?:? nodes|cluster\.nodes|(cluster's nodes|nodes of the cluster)`)},
	{"cluster.clusterDomain", regexp.MustCompile(`(?i)facts?:? clusterDomain|clusterDomain|cluster('s)? domain`)},
	{"kubeflowVersion", regexp.MustCompile(`(?i)kubeflowVersion|kubeflow (version|release) is not known`)},
}

func missingFacts(message string) []string {
	var keys []string
	for _, fact := range facts {
		if fact.words.MatchString(message) {
			keys = append(keys, fact.key)
		}
	}
	return keys
}

// accepted lists what is accepted, for who asks.
func (t *text) accepted() {
	if !t.s.Verbose || t.r.Summary.Suppressed == 0 {
		return
	}
	t.b.WriteString(t.paint(bold, "Accepted") + "\n")
	for i := range t.r.Findings {
		f := &t.r.Findings[i]
		if f.Suppressed == nil {
			continue
		}
		place := ""
		if f.Origin != nil {
			place = t.place(f.Origin) + ": "
		}
		t.line(2, "", place+f.Message+" ["+f.Check+"]", dim)
		t.line(4, "because: ", f.Suppressed.Reason, dim)
	}
	t.b.WriteString("\n")
}

func (t *text) end() {
	r := t.r
	if t.s.Verbose {
		t.coverage()
	}
	if t.inexact && !t.s.Quiet {
		t.line(0, "", "~ marks a place that is not exact: the file is the one that the object comes from, and the line, if any, the nearest known one.", dim)
	}
	verdict := t.paint(green, "pass")
	if r.Summary.Verdict == "fail" {
		verdict = t.paint(red, "FAIL")
	}
	t.line(0, verdict+": ", r.Headline(), "")
	if t.s.Quiet {
		return
	}
	if id := r.mostSevere(); id != "" {
		t.line(0, "next: ", "kfpreflight explain "+id, dim)
	}
}

func (t *text) coverage() {
	states := map[string][]string{}
	for _, c := range t.r.Coverage {
		states[c.State] = append(states[c.State], c.Check)
	}
	for _, state := range []string{"ran", "undecided", "not-applicable"} {
		if len(states[state]) > 0 {
			t.line(0, fmt.Sprintf("%s (%d): ", state, len(states[state])), strings.Join(states[state], ", "), dim)
		}
	}
}

// mostSevere is the check of the first of the most severe findings.
func (r *Report) mostSevere() string {
	for _, f := range r.bySeverity() {
		if f.Counts() {
			return f.Check
		}
	}
	return ""
}

// Headline sums the report up in one line.
func (r *Report) Headline() string {
	s := r.Summary
	var counts []string
	add := func(n int, text string) {
		if n > 0 {
			counts = append(counts, text)
		}
	}
	add(s.Errors, plural(s.Errors, "error"))
	add(s.Warnings, plural(s.Warnings, "warning"))
	add(s.Infos, plural(s.Infos, "info"))
	if len(counts) == 0 {
		counts = append(counts, "no problems found")
	}
	add(s.Undecided, fmt.Sprintf("%d undecided", s.Undecided))
	add(s.Suppressed, fmt.Sprintf("%d accepted", s.Suppressed))
	ran := 0
	for _, c := range r.Coverage {
		if c.State != "not-applicable" {
			ran++
		}
	}
	text := fmt.Sprintf("%s; %s of %s looked at by %s", strings.Join(counts, ", "), plural(r.Objects(), "object"), plural(len(r.Sources), "source"), plural(ran, "check"))
	var target []string
	if r.Target.Kubeflow != "" {
		target = append(target, "Kubeflow "+r.Target.Kubeflow)
	}
	if r.Target.Kubernetes != "" {
		target = append(target, "Kubernetes "+r.Target.Kubernetes)
	}
	if len(target) > 0 {
		text += " (" + strings.Join(target, ", ") + ")"
	}
	return text
}
