package quota

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// additions gathers what is wrong with containers that the platform adds to
// pods: the same sidecar in every pod is one finding, at the quota or range,
// not one for each pod.
type additions map[string]*addition

type addition struct {
	at, source inventory.Place
	text       string
	pods       []string
}

func (a additions) note(at, source inventory.Place, text, pod string) {
	if a[text] == nil {
		a[text] = &addition{at: at, source: source, text: text}
	}
	if !slices.Contains(a[text].pods, pod) {
		a[text].pods = append(a[text].pods, pod)
	}
}

func (a additions) report(pass *checks.Pass) {
	for _, each := range slices.SortedFunc(maps.Values(a), func(x, y *addition) int { return cmp.Compare(x.text, y.text) }) {
		pass.Reportf(each.at, "%s (%s)", each.text, words(each.pods)).See(each.source, "the container is configured here")
	}
}

// many workloads refused for one reason are one finding: the cause is the
// quota or range then, not each of them.
const many = 3

// refused gathers workloads that a quota or range refuses, by the field of it
// that does.
type refused []*refusedBy

type refusedBy struct {
	limit inventory.Place
	each  []refusedPod
	pods  []string
}

type refusedPod struct {
	place inventory.Place
	text  string
}

func (r *refused) note(limit, place inventory.Place, pod, text string) {
	i := slices.IndexFunc(*r, func(by *refusedBy) bool { return same(by.limit, limit) })
	if i < 0 {
		i = len(*r)
		*r = append(*r, &refusedBy{limit: limit})
	}
	by := (*r)[i]
	by.each = append(by.each, refusedPod{place, text})
	if !slices.Contains(by.pods, pod) {
		by.pods = append(by.pods, pod)
	}
}

func same(a, b inventory.Place) bool {
	return a.Object == b.Object && a.Path.String() == b.Path.String()
}

func (r refused) report(pass *checks.Pass) {
	for _, by := range r {
		if len(by.pods) <= many {
			for _, each := range by.each {
				pass.Reportf(each.place, "%s", each.text).See(by.limit, "%s", limitText(by.limit))
			}
			continue
		}
		f := pass.Reportf(by.limit, "%s refuses %d workloads: %s", limitText(by.limit), len(by.pods), words(by.pods))
		for i, each := range by.each {
			if i < 5 {
				f.See(each.place, "%s", each.text)
			}
		}
	}
}

// limitText names a field of a quota or range with its value.
func limitText(place inventory.Place) string {
	name := place.Object.Key.String()
	if place.Object.Key.GroupKind == profileKind {
		name = "the quota of " + name
	}
	value, _ := place.Value()
	last := ""
	if n := len(place.Path); n > 1 {
		last = fmt.Sprint(place.Path[n-1])
		if bound := fmt.Sprint(place.Path[n-2]); bound != "hard" {
			last = bound + " of " + last
		}
	}
	return fmt.Sprintf("%s (%s: %v)", name, last, value)
}
