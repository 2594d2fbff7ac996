package istio

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var missingSubset = &checks.Check{
	ID:       "istio/missing-subset",
	Severity: checks.Error,
	Doc: `route leads to a subset that no DestinationRule defines

Requests that take the route are answered with 503: a subset is a name that a
DestinationRule for the same host gives to some pods of a Service, and without
it there is no such cluster. Rules count wherever they are, unless exportTo keeps
them elsewhere.

Hosts that nobody knows are another check's.`,
	Fix:   "Define the subset in a DestinationRule for the host, or route to the host without one.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0101/", "https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, vs := range m.VirtualServices {
			for _, t := range vs.Targets() {
				if t.Destination.Subset == "" {
					continue
				}
				fqdn := m.Resolve(t.Destination.Host, vs.Key.Namespace)
				var names []string
				var rule inventory.Place
				for _, r := range m.RulesFor(fqdn) {
					for _, s := range r.Value.Spec.Subsets {
						names = append(names, s.Name)
					}
					if rule.IsZero() {
						rule = r.At("spec", "subsets")
					}
				}
				if slices.Contains(names, t.Destination.Subset) {
					continue
				}
				if rule.IsZero() {
					pass.Reportf(t.At("subset"), "%s routes to subset %s of %s, for which there is no DestinationRule", vs.Key, t.Destination.Subset, fqdn)
					continue
				}
				pass.Reportf(t.At("subset"), "%s routes to subset %s of %s, which %s does not define%s", vs.Key, t.Destination.Subset, fqdn, rule.Object.Key, near.Hint(t.Destination.Subset, names)).
					See(rule, "the subsets of the host")
			}
		}
	},
}
