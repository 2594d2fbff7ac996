package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// JUnit writes a suite per family with a test case for each finding, and one
// for each check that found nothing. What --fail-on reaches has failed;
// undecided, accepted and not applicable ones are skipped; findings below the
// threshold pass, with their text as output.
func JUnit(w io.Writer, r *Report, _ Style) error {
	suites := junit.Testsuites{Name: r.Tool.Name}
	found := map[string][]*Finding{}
	for i := range r.Findings {
		f := &r.Findings[i]
		found[f.Check] = append(found[f.Check], f)
	}
	var suite *junit.Testsuite
	flush := func() {
		if suite != nil {
			suites.AddSuite(*suite)
		}
	}
	for _, c := range r.Coverage {
		family, _, _ := strings.Cut(c.Check, "/")
		if suite == nil || suite.Name != family {
			flush()
			suite = &junit.Testsuite{Name: family, ID: len(suites.Suites), Time: "0"}
		}
		if len(found[c.Check]) == 0 {
			testcase := junit.Testcase{Name: c.Check, Classname: c.Check}
			if c.State != "ran" {
				testcase.Skipped = &junit.Result{Message: c.State}
			}
			suite.AddTestcase(testcase)
		}
		for _, f := range found[c.Check] {
			suite.AddTestcase(r.testcase(f))
		}
	}
	flush()
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"); err != nil {
		return err
	}
	return suites.WriteXML(w)
}

func (r *Report) testcase(f *Finding) junit.Testcase {
	name := f.Message
	if f.Origin != nil {
		name = f.Origin.String() + ": " + name
	}
	testcase := junit.Testcase{Name: name, Classname: f.Check}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", f.Severity, f.Message)
	if f.Origin != nil {
		fmt.Fprintf(&b, "at %s\n", f.Origin)
	}
	if f.Object != nil {
		fmt.Fprintf(&b, "in %s %s\n", f.Object, f.Field)
	}
	for _, related := range f.Related {
		fmt.Fprintf(&b, "see %s\n", related.text(Style{}))
	}
	fmt.Fprintf(&b, "fix: %s\n", f.Fix)
	text := b.String()
	switch {
	case f.Suppressed != nil:
		testcase.Skipped = &junit.Result{Message: "accepted: " + f.Suppressed.Reason, Data: text}
	case f.Undecided:
		testcase.Skipped = &junit.Result{Message: "undecided", Data: text}
	case r.reaches(f):
		testcase.Failure = &junit.Result{Message: f.Message, Type: f.Severity, Data: text}
	default:
		testcase.SystemOut = &junit.Output{Data: text}
	}
	return testcase
}
