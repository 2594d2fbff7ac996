package checks

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate reports what is wrong with the description of a check: an
// undocumented check is rejected, as go vet's are.
func (c *Check) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("check %q: "+format, append([]any{c.ID}, args...)...))
	}
	if !idPattern.MatchString(c.ID) {
		bad("the ID is not family/problem-in-words")
	}
	if c.Severity < Info || c.Severity > Error {
		bad("no severity")
	}
	if (c.Run == nil) == (c.Compare == nil) {
		bad("exactly one of Run and Compare must be set")
	}
	if title := c.Title(); title == "" || len(title) > 90 || strings.HasSuffix(title, ".") {
		bad("the first line of Doc is its title: some 60 letters, no full stop; it is %q", title)
	}
	if c.Text() == "" {
		bad("Doc has a title and no text")
	}
	if strings.TrimSpace(c.Fix) == "" || strings.Contains(strings.TrimSpace(c.Fix), "\n") {
		bad("Fix is one sentence")
	}
	if len(c.Refs) == 0 {
		bad("no Refs: where was it seen to fail, or is it specified?")
	}
	if c.Since == "" {
		bad("no Since")
	}
	return errors.Join(errs...)
}

// Title is the first line of Doc.
func (c *Check) Title() string {
	title, _, _ := strings.Cut(strings.TrimSpace(c.Doc), "\n")
	return strings.TrimSpace(title)
}

// Text is Doc without its title.
func (c *Check) Text() string {
	_, text, _ := strings.Cut(strings.TrimSpace(c.Doc), "\n")
	return strings.TrimSpace(text)
}

// Family is the part of the ID before the slash.
func (c *Check) Family() string {
	family, _, _ := strings.Cut(c.ID, "/")
	return family
}

// Problem is the part of the ID after the slash.
func (c *Check) Problem() string {
	_, problem, _ := strings.Cut(c.ID, "/")
	return problem
}
