package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// GitHub shows at most ten annotations of a kind for one step and drops the
// others without a word; those are written as plain lines of the log.
const maxAnnotations = 10

// GitHub writes workflow commands, which GitHub Actions shows beside the lines
// of a pull request: errors first. Undecided and accepted findings are left to
// the other formats.
func GitHub(w io.Writer, r *Report, s Style) error {
	var b bytes.Buffer
	written := map[string]int{}
	var more []*Finding
	for _, f := range r.bySeverity() {
		if !f.Counts() {
			continue
		}
		if written[f.Severity] == maxAnnotations {
			more = append(more, f)
			continue
		}
		written[f.Severity]++
		command := map[string]string{"error": "error", "warning": "warning", "info": "notice"}[f.Severity]
		fmt.Fprintf(&b, "::%s %stitle=%s::%s\n", command, annotationPlace(f.Origin, s), property("kfpreflight "+f.Check), data(annotation(f, s)))
	}
	if len(more) > 0 {
		fmt.Fprintf(&b, "::group::%s beyond the %d of a kind that GitHub shows\n", plural(len(more), "finding"), maxAnnotations)
		for _, f := range more {
			place := ""
			if f.Origin != nil {
				place = f.Origin.String() + ": "
			}
			// A line of the log that began with :: would be a command.
			fmt.Fprintf(&b, "%s: %s%s [%s]\n", f.Severity, place, f.Message, f.Check)
		}
		b.WriteString("::endgroup::\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

func annotationPlace(o *Origin, s Style) string {
	if o == nil {
		return ""
	}
	file, _ := s.rel(o.File)
	return fmt.Sprintf("file=%s,line=%d,", property(file), max(o.Line, 1))
}

func annotation(f *Finding, s Style) string {
	var b strings.Builder
	b.WriteString(f.Message)
	if f.Object != nil {
		fmt.Fprintf(&b, "\n%s %s", f.Object, f.Field)
	}
	for _, related := range f.Related {
		fmt.Fprintf(&b, "\nsee %s", related.text(s))
	}
	fmt.Fprintf(&b, "\nfix: %s", f.Fix)
	return b.String()
}

// data escapes the text of a command.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes the value of one of its properties.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// text names a related place: "file:line: object field: message".
func (r Related) text(s Style) string {
	var parts []string
	if r.Origin != nil {
		parts = append(parts, r.Origin.in(s).String())
	}
	if r.Object != nil {
		parts = append(parts, strings.TrimSpace(r.Object.String()+" "+r.Field))
	}
	if r.Message != "" {
		parts = append(parts, r.Message)
	}
	return strings.Join(parts, ": ")
}

// in is the origin with its file named as the style wants.
func (o *Origin) in(s Style) *Origin {
	named := *o
	named.File, _ = s.rel(o.File)
	return &named
}
