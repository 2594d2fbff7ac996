// Package runner applies checks to a render and settles the result: which
// checks ran, which findings are accepted, and in which order they stand.
package runner

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// A State says how far a check came.
type State string

const (
	Ran           State = "ran"
	NotApplicable State = "not-applicable"
	Undecided     State = "undecided"
)

// Coverage is the state of one check after a run.
type Coverage struct {
	Check *checks.Check
	State State
}

// A Result is what all checks answered.
type Result struct {
	Findings []*checks.Finding // sorted
	Coverage []Coverage        // in the order of the checks
	// Suppressed are the findings that were accepted; see [Result.Ignore].
	Suppressed map[*checks.Finding]*Suppression

	origins map[*checks.Finding]inventory.Origin
}

// Origin is where a finding points, found once.
func (r *Result) Origin(f *checks.Finding) inventory.Origin {
	origin, known := r.origins[f]
	if !known {
		origin = f.Place.Origin()
		if r.origins == nil {
			r.origins = map[*checks.Finding]inventory.Origin{}
		}
		r.origins[f] = origin
	}
	return origin
}

// Options of a run.
type Options struct {
	Cluster *facts.Cluster // nil: nothing is known
	Target  checks.Target
	Jobs    int // checks at once; 0: as many as there are processors
	// Server makes the judge of the render's objects; nil for none.
	Server func(*inventory.Inventory) checks.Server
}

// Run applies the checks to one render. What controllers will create is added
// to it first. A check that panics is an error that names it.
func Run(ctx context.Context, inv *inventory.Inventory, list []*checks.Check, opts Options) (*Result, error) {
	if opts.Cluster == nil {
		opts.Cluster = &facts.Cluster{}
	}
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	inv = kubeflow.Expand(inv)
	var server checks.Server
	if opts.Server != nil {
		server = opts.Server(inv)
	}
	passes := make([]*checks.Pass, len(list))
	errs := make([]error, len(list))
	next := make(chan int)
	var wg sync.WaitGroup
	for range opts.Jobs {
		wg.Go(func() {
			for i := range next {
				passes[i], errs[i] = one(inv, server, list[i], opts)
			}
		})
	}
	for i, check := range list {
		if check.Run == nil || ctx.Err() != nil {
			continue
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	result := &Result{}
	unreadable := map[*inventory.Object]bool{}
	for i, check := range list {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if passes[i] == nil {
			continue
		}
		own := len(passes[i].Findings())
		// An object that cannot be read leaves every check that asked for it
		// undecided; the first one says so.
		for _, broken := range passes[i].Render.Broken() {
			if o := broken.Object; o.Made == nil {
				passes[i].Undecidedf(o.At(), "%s cannot be read: %s", o.Key, oneLine(broken.Err))
				if !unreadable[o] {
					unreadable[o] = true
					result.Findings = append(result.Findings, passes[i].Findings()[len(passes[i].Findings())-1])
				}
			}
		}
		result.Findings = append(result.Findings, passes[i].Findings()[:own]...)
		result.Coverage = append(result.Coverage, Coverage{check, stateOf(passes[i])})
	}
	result.sort()
	return result, nil
}

// A Panic is a check that broke down: a mistake in the check.
type Panic struct {
	Check *checks.Check
	Value any
	Stack []byte
}

func (p *Panic) Error() string {
	return fmt.Sprintf("running check %s: internal error: %v", p.Check.ID, p.Value)
}

func one(inv *inventory.Inventory, server checks.Server, check *checks.Check, opts Options) (pass *checks.Pass, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Panic{check, r, debug.Stack()}
		}
	}()
	pass = &checks.Pass{Check: check, Render: inv.View(), Cluster: opts.Cluster, Target: opts.Target, Server: server}
	check.Run(pass)
	return pass, nil
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

func stateOf(pass *checks.Pass) State {
	if !pass.Applicable() {
		return NotApplicable
	}
	decided := len(pass.Findings()) == 0
	for _, f := range pass.Findings() {
		decided = decided || !f.Undecided
	}
	if !decided {
		return Undecided
	}
	return Ran
}

// sort orders findings by file, line, object, field, check and message: the
// same input gives the same bytes.
func (r *Result) sort() {
	slices.SortStableFunc(r.Findings, func(a, b *checks.Finding) int {
		oa, ob := r.Origin(a), r.Origin(b)
		return cmp.Or(
			cmp.Compare(oa.File, ob.File),
			cmp.Compare(oa.Line, ob.Line),
			keyOf(a).Compare(keyOf(b)),
			cmp.Compare(a.Place.Field(), b.Place.Field()),
			cmp.Compare(a.Check.ID, b.Check.ID),
			cmp.Compare(a.Message, b.Message),
		)
	})
}

func keyOf(f *checks.Finding) inventory.Key {
	if f.Place.Object == nil {
		return inventory.Key{}
	}
	return f.Place.Object.Key
}
