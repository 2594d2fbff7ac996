package compatibility

import (
	"maps"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
)

var unsupportedCombination = &checks.Check{
	ID:       "compatibility/unsupported-combination",
	Severity: checks.Warning,
	Doc: `part needs a newer version of another part

KServe publishes the least versions of Istio, Knative Serving and cert-manager
that it works with, and Knative Serving 1.13 needs Istio 1.20 for gRPC. Overlays
that keep an old version of one part while the rest moves on meet fields and
behaviour that are not there yet.

Parts that the render does not hold, and versions that the table of the program
does not know, are left out.`,
	Fix:   "Take a version of the other part that is new enough.",
	Refs:  []string{"https://kserve.github.io/website/latest/admin/serverless/serverless", "https://github.com/knative/serving/releases/tag/knative-v1.13.0"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := parts(pass)
		if len(list) < 2 {
			pass.NotApplicable()
		}
		for _, p := range list {
			support, source, _ := supportOf(p)
			for _, title := range slices.Sorted(maps.Keys(support.Needs)) {
				for _, other := range list {
					if other.title != title {
						continue
					}
					if n, ok := ahead(other.version, support.Needs[title]); ok && n < 0 {
						pass.Reportf(other.place, "%s is %s, and %s %s needs %s or newer (%s)", title, other.version, p.title, p.version, support.Needs[title], source).
							See(p.place, "the version of %s", p.title)
					}
				}
			}
		}
	},
}
