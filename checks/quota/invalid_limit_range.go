package quota

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var invalidLimitRange = &checks.Check{
	ID:       "quota/invalid-limit-range",
	Severity: checks.Error,
	Doc: `limit range contradicts itself and is refused

The API server refuses a LimitRange whose bounds exclude each other (a default
above the maximum, a default request above the default limit, a minimum above
the maximum), that names what a container cannot ask for, gives one type twice
or defaults to pods. Without it, no pod gets the defaults that a quota may need.

What the server fills in counts too: where no default is given, the maximum is
the default limit, and the default limit is the default request.`,
	Fix:   "Keep min ≤ defaultRequest ≤ default ≤ max for each resource.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/policy/limit-range/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for o := range pass.Render.Of(rangeKind) {
			broken := false
			for i := range o.List("spec", "limits") {
				for _, field := range []string{"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"} {
					list := o.Map("spec", "limits", i, field)
					for _, key := range slices.Sorted(maps.Keys(list)) {
						if _, err := amount(list[key]); err == nil {
							continue
						}
						broken = true
						f := pass.Reportf(o.At("spec", "limits", i, field, key), "%s: %s of %s is %v, which is not a quantity", o.Key, field, key, list[key])
						if better := suggestQuantity(fmt.Sprint(list[key])); better != "" {
							f.WithFix("Write %s.", better)
						}
					}
				}
			}
			if broken {
				continue
			}
			spec, err := writtenRange(o)
			if err != nil {
				pass.Reportf(o.At("spec", "limits"), "%s cannot be read: %v", o.Key, err)
				continue
			}
			for _, fault := range quota.InvalidRange(spec) {
				pass.Reportf(o.At("spec").At(fault.Path...), "%s: %s", o.Key, fault.Message)
			}
		}
	},
}
