// Package checks is the contract between a check and the program: what a check
// is, what it is given and what it answers.
//
// A check is a value of type [Check] with a function that reads one render
// through a [Pass], or the step from one render to the next through an
// [Upgrade], and reports findings at places. It holds no state, reads no files
// and cannot reach a network. Its documentation is part of it and its examples
// are its tests: see package checktest.
package checks

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Check looks for one kind of problem.
// Exactly one of Run and Compare is set.
type Check struct {
	// ID is family/problem in lower case, "rbac/dangling-role-ref". It names
	// the problem, not the topic, and never changes once released.
	ID string
	// Severity is that of its findings, unless one says otherwise.
	Severity Severity
	// Doc is Markdown. The first line is the title, of some 60 letters and in
	// lower case, without a full stop; the rest gives the symptom, what is
	// deliberately left out, and what upstream does that looks like it and is
	// right.
	Doc string
	// Fix says what to do: one imperative sentence.
	Fix string
	// Refs say where this was seen to fail or is specified: URLs, or
	// owner/repo#number.
	Refs []string
	// Since is the version that first had the check.
	Since string

	Run     func(*Pass)    // examines one render
	Compare func(*Upgrade) // examines the step from one render to the next
}

// Severity says how much a finding matters.
type Severity int

const (
	Info    Severity = iota + 1 // know this
	Warning                     // may break
	Error                       // will break
)

func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return "unknown"
}

// ParseSeverity reads error, warning or info.
func ParseSeverity(s string) (Severity, error) {
	for _, severity := range []Severity{Info, Warning, Error} {
		if severity.String() == s {
			return severity, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: want error, warning or info", s)
}

// A Target is what the manifests are meant for. An empty version is unknown.
type Target struct {
	Kubernetes string // "1.34"
	Kubeflow   string // "1.10.2"
}

// A Pass is one check's run over one render.
type Pass struct {
	Check   *Check
	Render  *inventory.View
	Cluster *facts.Cluster // never nil
	Target  Target
	Server  Server // nil where the run has none: not applicable

	findings      []*Finding
	notApplicable bool
}

// An Upgrade is one check's run over the step from an old render to a new one.
type Upgrade struct {
	Check    *Check
	Old, New *inventory.View
	Cluster  *facts.Cluster
	From, To Target

	findings      []*Finding
	notApplicable bool
}

// A Finding is one answer of a check at one place.
type Finding struct {
	Check    *Check
	Severity Severity
	// Undecided says that the check could not tell, and what it would need.
	Undecided bool
	// Message states the facts: lower case, no full stop, the objects named.
	Message string
	// Fix is what to do about this one; the check's Fix where empty.
	Fix     string
	Place   inventory.Place
	Related []Related
}

// Related is another place that has part in a finding: the other side of a
// disagreement.
type Related struct {
	Place   inventory.Place
	Message string
}

// As sets another severity than the check's.
func (f *Finding) As(s Severity) *Finding {
	f.Severity = s
	return f
}

// See adds the other side of a disagreement. A place of no object is left out.
func (f *Finding) See(place inventory.Place, format string, args ...any) *Finding {
	if !place.IsZero() {
		f.Related = append(f.Related, Related{place, fmt.Sprintf(format, args...)})
	}
	return f
}

// WithFix sets what to do about this finding, one imperative sentence.
func (f *Finding) WithFix(format string, args ...any) *Finding {
	f.Fix = fmt.Sprintf(format, args...)
	return f
}

// Reportf reports a finding at a place.
func (p *Pass) Reportf(place inventory.Place, format string, args ...any) *Finding {
	return report(&p.findings, p.Check, place, false, format, args)
}

// Undecidedf reports that the check could not tell, for want of what the
// message names.
func (p *Pass) Undecidedf(place inventory.Place, format string, args ...any) *Finding {
	return report(&p.findings, p.Check, place, true, format, args)
}

// NotApplicable says that the render has nothing that the check is about,
// though it has objects of the kinds that the check asked for.
func (p *Pass) NotApplicable() { p.notApplicable = true }

// Findings are what the check reported so far.
func (p *Pass) Findings() []*Finding { return p.findings }

// Applicable reports whether there was anything to look at.
func (p *Pass) Applicable() bool {
	return len(p.findings) > 0 || (!p.notApplicable && p.Render.Found())
}

// Reportf reports a finding at a place of the new side, or of the old side
// where the object is gone.
func (u *Upgrade) Reportf(place inventory.Place, format string, args ...any) *Finding {
	return report(&u.findings, u.Check, place, false, format, args)
}

// Undecidedf reports that the check could not tell, for want of what the
// message names.
func (u *Upgrade) Undecidedf(place inventory.Place, format string, args ...any) *Finding {
	return report(&u.findings, u.Check, place, true, format, args)
}

// NotApplicable says that the renders have nothing that the check is about.
func (u *Upgrade) NotApplicable() { u.notApplicable = true }

// Findings are what the check reported so far.
func (u *Upgrade) Findings() []*Finding { return u.findings }

// Applicable reports whether there was anything to look at.
func (u *Upgrade) Applicable() bool {
	return len(u.findings) > 0 || (!u.notApplicable && (u.Old.Found() || u.New.Found()))
}

func report(to *[]*Finding, check *Check, place inventory.Place, undecided bool, format string, args []any) *Finding {
	f := &Finding{Check: check, Severity: check.Severity, Undecided: undecided, Message: fmt.Sprintf(format, args...), Place: place}
	*to = append(*to, f)
	return f
}
