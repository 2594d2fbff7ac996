package runner

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Suppression says why a finding is accepted.
type Suppression struct {
	Reason  string
	Owner   string
	Expires string
	// InSource tells a comment beside the finding from an entry of the
	// configuration.
	InSource bool
	Origin   inventory.Origin // of the comment or entry
}

// Ignores are what accepts findings, and what is needed to apply it.
type Ignores struct {
	Config *config.Config // nil: none
	Now    time.Time
	// Selected are the checks that were asked for, of All; what the others
	// would have found nobody knows, so that an ignore of theirs is not unused.
	Selected, All []*checks.Check
	// Lines reads a file of the source, for the comments in it. An error means
	// that the file has none.
	Lines func(file string) ([]string, error)
	// Rel names a file from the configuration's folder, or, without one, from
	// the repository's root.
	Rel func(file string) string
}

// Checks are the program's own: about the ignores, which no render holds.
var Checks = []*checks.Check{ignoreWithoutReason, ignoreOfUnknownCheck, expiredIgnore, unusedIgnore}

func none(pass *checks.Pass) { pass.NotApplicable() } // they are answered by Ignore

var (
	ignoreWithoutReason = &checks.Check{
		ID: "config/ignore-without-reason", Severity: checks.Warning,
		Doc: `ignore comment gives no reason

A comment accepts a finding only with the reason for it:

    # kfpreflight:ignore rbac/wildcard-verbs reviewed in 2026, see SEC-112

Without one the finding counts as before, because nobody could later tell
whether it still may be accepted.`,
		Fix:   "Write the reason behind the check's name, or remove the comment.",
		Refs:  []string{"golangci/golangci-lint#3356", "stackrox/kube-linter#487"},
		Since: "0.1.0", Run: none,
	}
	ignoreOfUnknownCheck = &checks.Check{
		ID: "config/ignore-of-unknown-check", Severity: checks.Warning,
		Doc: `ignore comment names a check that does not exist

The comment accepts nothing: no check has this id, and no family this name. In
the configuration file the same mistake stops the run.`,
		Fix:   "Correct the name; kfpreflight checks lists them.",
		Refs:  []string{"golangci/golangci-lint#3356"},
		Since: "0.1.0", Run: none,
	}
	expiredIgnore = &checks.Check{
		ID: "config/expired-ignore", Severity: checks.Warning,
		Doc: `ignore has expired

The last day that the entry names (expires) is over. What it accepted counts
again.`,
		Fix:   "Repair what was accepted, or review it and set a new day.",
		Refs:  []string{"aquasecurity/trivy#1450"},
		Since: "0.1.0", Run: none,
	}
	unusedIgnore = &checks.Check{
		ID: "config/unused-ignore", Severity: checks.Warning,
		Doc: `ignore accepts nothing

No finding of this run matches the entry or comment: what it accepted was
repaired, or its object or path is misspelt. It would hide the next finding of
that description.

It is only said where every check that the entry names was selected and at least
one of them found something to look at. Comments are read in the files that
findings point at, and in no others.

One configuration for several overlays may hold entries that only some of them
need. Where each overlay is checked alone, give each its own configuration or
disable this check.`,
		Fix:   "Remove the entry, or correct its object or path.",
		Refs:  []string{"golangci/golangci-lint#3356", "stackrox/kube-linter#487"},
		Since: "0.1.0", Run: none,
	}
)

// Ignore marks the findings that are accepted and reports ignores that are
// wrong, expired or unused as findings of their own.
func (r *Result) Ignore(ig Ignores) {
	r.Suppressed = map[*checks.Finding]*Suppression{}
	state := map[*checks.Check]State{}
	for _, c := range r.Coverage {
		state[c.Check] = c.State
	}
	a := &applying{Ignores: ig, state: state}
	a.entries(r)
	a.comments(r)
	reported := map[*checks.Check]bool{}
	for _, f := range a.findings {
		if slices.Contains(ig.Selected, f.Check) {
			r.Findings = append(r.Findings, f)
			reported[f.Check] = true
		}
	}
	for i, c := range r.Coverage {
		if slices.Contains(Checks, c.Check) && (a.anything || reported[c.Check]) {
			r.Coverage[i].State = Ran
		}
	}
	r.sort()
}

type applying struct {
	Ignores
	state    map[*checks.Check]State
	findings []*checks.Finding
	anything bool // there was an ignore to look at
}

func (a *applying) report(check *checks.Check, place inventory.Place, format string, args ...any) {
	a.findings = append(a.findings, &checks.Finding{Check: check, Severity: check.Severity, Place: place, Message: fmt.Sprintf(format, args...)})
}

// entries applies those of the configuration.
func (a *applying) entries(r *Result) {
	if a.Config == nil {
		return
	}
	for i := range a.Config.Ignore {
		entry := &a.Config.Ignore[i]
		a.anything = true
		place := a.Config.At("ignore", i)
		if entry.Expired(a.Now) {
			a.report(expiredIgnore, place.At("expires"), "the ignore of %s held until %s", describeEntry(entry), entry.Expires)
			continue
		}
		used := false
		for _, f := range r.Findings {
			if !a.covers(entry, f, r.Origin(f)) {
				continue
			}
			used = true
			if r.Suppressed[f] == nil {
				r.Suppressed[f] = &Suppression{Reason: entry.Reason, Owner: entry.Owner, Expires: entry.Expires, Origin: place.Origin()}
			}
		}
		if !used && a.tried(entry.Check) {
			a.report(unusedIgnore, place, "the ignore of %s accepts nothing: no finding matches it", describeEntry(entry))
		}
	}
}

func describeEntry(entry *config.Ignore) string {
	text := entry.Check
	if entry.Object != "" {
		text += " for " + entry.Object
	}
	if entry.Path != "" {
		text += " in " + entry.Path
	}
	return text
}

func (a *applying) covers(entry *config.Ignore, f *checks.Finding, origin inventory.Origin) bool {
	return matches(entry.Check, f.Check) &&
		(entry.Object == "" || matchesObject(entry.Object, f.Place.Object)) &&
		(entry.Path == "" || matchesPath(entry.Path, a.Rel(origin.File)))
}

// matchesObject compares with kind/namespace/name, kind/name or kind. The name
// of a generated ConfigMap or Secret also stands without its hash, and the kind
// also with its group.
func matchesObject(pattern string, o *inventory.Object) bool {
	if o == nil {
		return false
	}
	parts := strings.Split(pattern, "/")
	part := func(pattern string, values ...string) bool {
		return slices.ContainsFunc(values, func(value string) bool {
			ok, _ := doublestar.Match(pattern, value)
			return ok
		})
	}
	if !part(parts[0], o.Key.Kind, o.Key.GroupKind.String()) {
		return false
	}
	if len(parts) == 3 && !part(parts[1], o.Key.Namespace) {
		return false
	}
	return len(parts) == 1 || part(parts[len(parts)-1], o.Key.Name, withoutHash(o.Key))
}

func matchesPath(pattern, file string) bool {
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
	if pattern == "." || strings.HasPrefix(file, pattern+"/") {
		return true
	}
	ok, _ := doublestar.Match(pattern, file)
	return ok
}

// tried reports whether this run could have found what a name selects.
func (a *applying) tried(name string) bool {
	found, err := Matching(a.All, name)
	if err != nil {
		return false
	}
	ran := false
	for _, check := range found {
		if !slices.Contains(a.Selected, check) {
			return false
		}
		ran = ran || a.state[check] == Ran || a.state[check] == Undecided
	}
	return ran
}

// A comment is one kfpreflight:ignore in a file.
type comment struct {
	line   int // where it stands
	target int // the line that it is about
	names  []string
	reason string
	text   string
	used   bool
}

var ignoreComment = regexp.MustCompile(`#\s*kfpreflight:ignore\b[ \t:]*(.*)$`)

// readComments finds the comments of a file. One that stands alone is about the
// next line that is no comment.
func readComments(lines []string) []*comment {
	var found []*comment
	for i, line := range lines {
		m := ignoreComment.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		c := &comment{line: i + 1, target: i + 1, text: strings.TrimSpace(m[0])}
		if isComment(line) {
			c.target++
			for c.target <= len(lines) && isComment(lines[c.target-1]) {
				c.target++
			}
		}
		names, reason, _ := strings.Cut(strings.TrimSpace(m[1]), " ")
		for name := range strings.SplitSeq(names, ",") {
			if name = strings.Trim(name, " :"); name != "" {
				c.names = append(c.names, name)
			}
		}
		c.reason = strings.TrimSpace(strings.TrimLeft(reason, " -:"))
		found = append(found, c)
	}
	return found
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// comments applies those in the files that findings point at.
func (a *applying) comments(r *Result) {
	byFile := map[string][]*comment{}
	for _, f := range r.Findings {
		origin := r.Origin(f)
		if origin.File == "" {
			continue
		}
		if _, read := byFile[origin.File]; !read {
			lines, err := a.Lines(origin.File)
			if err != nil {
				lines = nil // who renders the file says so, better
			}
			byFile[origin.File] = readComments(lines)
		}
		for _, c := range byFile[origin.File] {
			if c.target != origin.Line || c.reason == "" || !slices.ContainsFunc(c.names, func(name string) bool { return matches(name, f.Check) }) {
				continue
			}
			c.used = true
			if r.Suppressed[f] == nil {
				r.Suppressed[f] = &Suppression{Reason: c.reason, InSource: true, Origin: inventory.Origin{File: origin.File, Line: c.line, Exact: true}}
			}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		for _, c := range byFile[file] {
			a.anything = true
			a.judge(file, c)
		}
	}
}

// judge reports what is wrong with a comment.
func (a *applying) judge(file string, c *comment) {
	place := placeOf(a.Rel(file), file, c)
	if len(c.names) == 0 {
		a.report(ignoreWithoutReason, place, "the comment names no check and no reason")
		return
	}
	for _, name := range c.names {
		var unknown *UnknownCheck
		if _, err := Matching(a.All, name); errors.As(err, &unknown) {
			a.report(ignoreOfUnknownCheck, place, "%s", unknown)
			return
		}
	}
	switch {
	case c.reason == "":
		a.report(ignoreWithoutReason, place, "the comment gives no reason for ignoring %s", strings.Join(c.names, ", "))
	case !c.used && !slices.ContainsFunc(c.names, func(name string) bool { return !a.tried(name) }):
		a.report(unusedIgnore, place, "the ignore of %s accepts nothing: no finding points at line %d", strings.Join(c.names, ", "), c.target)
	}
}

// placeOf makes a place of a comment, which no object holds.
func placeOf(name, file string, c *comment) inventory.Place {
	o := inventory.NewObject(map[string]any{"comment": c.text}, fixed{inventory.Origin{File: file, Line: c.line, Exact: true}})
	o.Key = inventory.Key{Name: name}
	return o.At("comment")
}

// fixed locates everything at one line.
type fixed struct{ origin inventory.Origin }

func (l fixed) Locate(*inventory.Object, inventory.Path, int) inventory.Origin { return l.origin }
