package cli

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/checks"
	pages "github.com/kfpreflight/kfpreflight/docs"
	"github.com/kfpreflight/kfpreflight/internal/docs"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

type explain struct {
	*program
	look appearance
}

func newExplain(s *program) *cobra.Command {
	o := &explain{program: s}
	cmd := &cobra.Command{
		Use:        "explain CHECK",
		SuggestFor: []string{"doc", "docs", "why", "describe"},
		Short:      "Say what a check is about, with an example and the fix",
		Long: `Prints the page of a check: what breaks, what is deliberately left out, how to
repair it, and an example that is reported beside one that is not. The name of a
family lists its checks.`,
		Example: `  kfpreflight explain rbac/dangling-role-ref

  kfpreflight explain rbac`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeChecks,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	o.look.registerColor(cmd)
	return cmd
}

func (o *explain) run(name string) error {
	found, err := runner.Matching(o.checks, name)
	if err != nil {
		return &usageError{err: err, hint: "kfpreflight checks"}
	}
	if len(found) != 1 || found[0].ID != name {
		var b bytes.Buffer
		table(&b, found)
		return writeOut(o.program, b.Bytes())
	}
	page, err := pageOf(found[0])
	if err != nil {
		return err
	}
	if o.look.colored(o.program, o.out) {
		page = paint(page)
	}
	return writeOut(o.program, []byte(page))
}

// pageOf is the written page, or, while a new check has none yet, what the
// check says of itself.
func pageOf(check *checks.Check) (string, error) {
	if data, err := pages.Pages.ReadFile("checks/" + check.ID + ".md"); err == nil {
		return string(data), nil
	}
	return docs.Page(check, nil)
}

var (
	heading = regexp.MustCompile(`(?m)^#+ .*$`)
	marked  = regexp.MustCompile(`(?m)# ← .*$`)
)

// paint makes headings bold and what is reported red.
func paint(page string) string {
	page = heading.ReplaceAllStringFunc(page, func(s string) string { return "\x1b[1m" + s + "\x1b[0m" })
	return marked.ReplaceAllStringFunc(page, func(s string) string { return "\x1b[31m" + s + "\x1b[0m" })
}

// table lists checks in columns.
func table(b *bytes.Buffer, list []*checks.Check) {
	width := 0
	for _, check := range list {
		width = max(width, len(check.ID))
	}
	for _, check := range list {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s  %-7s  %s", width, check.ID, check.Severity, check.Title()), " ") + "\n")
	}
}
