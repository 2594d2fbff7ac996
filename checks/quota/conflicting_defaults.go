package quota

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var conflictingDefaults = &checks.Check{
	ID:       "quota/conflicting-defaults",
	Severity: checks.Warning,
	Doc: `limit ranges of a namespace default differently

Where two LimitRanges of a namespace have a default for the same resource, it is
not defined which one a container gets. The maximum of a range is its default
limit where it gives none.

Ranges that agree, or that default different resources, are in order.`,
	Fix:   "Leave one default for each resource in a namespace.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/policy/limit-range/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range spaces(pass) {
			for i, a := range s.ranges {
				for _, b := range s.ranges[i+1:] {
					for _, field := range []string{"default", "defaultRequest"} {
						first, second := defaultsOf(a, field), defaultsOf(b, field)
						for _, name := range slices.Sorted(maps.Keys(first)) {
							x, y := first[name], second[name]
							if _, both := second[name]; !both || x.Cmp(y) == 0 {
								continue
							}
							pass.Reportf(boundAt(b, field, name), "%s has %s %s of %s, %s has %s: which one a container gets is not defined", b.Key, field, &y, name, a.Key, &x).
								See(boundAt(a, field, name), "%s has %s", a.Key, &x)
						}
					}
				}
			}
		}
	},
}

func defaultsOf(r *limits, field string) corev1.ResourceList {
	for _, item := range r.spec.Limits {
		if item.Type == corev1.LimitTypeContainer {
			if field == "default" {
				return item.Default
			}
			return item.DefaultRequest
		}
	}
	return nil
}

// boundAt is where a range of containers says what its default is: the field
// itself, or the one that it is taken from.
func boundAt(r *limits, field string, name corev1.ResourceName) inventory.Place {
	from := []string{"default", "max"}
	if field == "defaultRequest" {
		from = []string{"defaultRequest", "default", "max", "min"}
	}
	for i, item := range r.spec.Limits {
		if item.Type != corev1.LimitTypeContainer {
			continue
		}
		for _, f := range from {
			if r.Get("spec", "limits", i, f, string(name)) != nil {
				return r.At("spec", "limits", i, f, string(name))
			}
		}
	}
	return r.At("spec", "limits")
}
