package quota

import (
	"cmp"
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
