package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxMarkdown is GitHub's limit for a comment, in characters.
const maxMarkdown = 65_536

// Markdown writes tables for a comment or a job summary: what counts first,
// then what was not decided and what is accepted, folded. What would not fit
// into a comment is cut, and said to be.
func Markdown(w io.Writer, r *Report, s Style) error {
	const note = "\n_%s cut: the report is longer than a comment may be. The other formats have all of it._\n"
	room := maxMarkdown - 1 - len(note) - 20
	var b bytes.Buffer
	used := 0
	write := func(text string) bool {
		n := utf8.RuneCountInString(text)
		if used+n > room {
			return false
		}
		used += n
		b.WriteString(text)
		return true
	}
	verdict := "✅ No finding fails the run"
	if r.Summary.Verdict == "fail" {
		verdict = "❌ Preflight failed"
	}
	write(fmt.Sprintf("## %s\n\n%s\n", verdict, escape(r.Headline())))
	cut := 0
	table := func(title string, fold bool, pick func(*Finding) bool) {
		var rows []string
		for _, f := range r.bySeverity() {
			if pick(f) {
				rows = append(rows, row(f, s))
			}
		}
		if len(rows) == 0 {
			return
		}
		const header = "\n| Severity | Finding | Where |\n| --- | --- | --- |\n"
		open, end := fmt.Sprintf("\n### %s\n%s", title, header), ""
		if fold {
			open, end = fmt.Sprintf("\n<details><summary>%s</summary>\n%s", title, header), "\n</details>\n"
		}
		if cut > 0 || !write(open) {
			cut += len(rows)
			return
		}
		room -= len(end)
		for i, text := range rows {
			if !write(text) {
				cut += len(rows) - i
				break
			}
		}
		room += len(end)
		write(end)
	}
	table("Findings", false, (*Finding).Counts)
	table(fmt.Sprintf("Not decided, for want of facts (%d)", r.Summary.Undecided), true, func(f *Finding) bool { return f.Undecided && f.Suppressed == nil })
	table(fmt.Sprintf("Accepted (%d)", r.Summary.Suppressed), true, func(f *Finding) bool { return f.Suppressed != nil })
	if cut > 0 {
		fmt.Fprintf(&b, note, plural(cut, "finding"))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func row(f *Finding, s Style) string {
	severity := f.Severity
	if f.Undecided {
		severity = "undecided"
	}
	text := escape(f.Message)
	for _, related := range f.Related {
		text += "<br>see " + escape(related.text(s))
	}
	if f.Suppressed != nil {
		text += "<br>accepted: " + escape(f.Suppressed.Reason)
	} else {
		text += "<br>**Fix:** " + escape(f.Fix)
	}
	text += fmt.Sprintf("<br>[%s](%s)", f.Check, documentation(f.Check))
	var where []string
	if f.Origin != nil {
		where = append(where, code(f.Origin.in(s).String()))
	}
	if f.Object != nil {
		where = append(where, escape(f.Object.String()))
		if f.Field != "" {
			where = append(where, code(f.Field))
		}
	}
	return fmt.Sprintf("| %s | %s | %s |\n", severity, text, strings.Join(where, "<br>"))
}

// escape makes text mean only itself in a table: no markup, mention or link.
func escape(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "@", "&#64;", "#", "&#35;", "://", "&#58;//", "www.", "www&#46;",
	).Replace(s)
}

// code writes a code span; in a table a | must be escaped even there.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}
