package kserve

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var unknownRuntime = &checks.Check{
	ID:       "kserve/unknown-runtime",
	Severity: checks.Error,
	Doc: `InferenceService asks for a runtime that does not exist

It never becomes ready: "RuntimeNotRecognized", "No ServingRuntimes or
ClusterServingRuntimes with the name". A runtime is a ServingRuntime of the same
namespace or a ClusterServingRuntime; one that is disabled counts as none.

Where the render has no runtimes at all, they may be installed apart: then the
answer is undecided.`,
	Fix:   "Name a runtime that the platform has.",
	Refs:  []string{"https://kserve.github.io/website/docs/concepts/resources/servingruntime", "https://github.com/kserve/kserve/blob/master/pkg/controller/v1beta1/inferenceservice/components/predictor.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		inferenceServices(pass.Render, func(o *inventory.Object, _ string) {
			m, ok := modelOf(o)
			if !ok || m.runtime == "" {
				return
			}
			place := o.At(m.at, "runtime")
			all := runtimes(pass.Render, o.Key.Namespace)
			var names []string
			for _, r := range all {
				if r.Key.Name == m.runtime {
					if r.disabled {
						pass.Reportf(place, "%s asks for the runtime %s, which is disabled", o.Key, m.runtime).See(r.At("spec", "disabled"), "where it is disabled")
					}
					return
				}
				names = append(names, r.Key.Name)
			}
			if len(all) == 0 {
				pass.Undecidedf(place, "%s asks for the runtime %s: the render has no runtimes", o.Key, m.runtime)
				return
			}
			hint := near.Hint(m.runtime, names)
			for r := range pass.Render.Of(inventory.GroupKind{Group: "serving.kserve.io", Kind: "ServingRuntime"}) {
				if r.Key.Name == m.runtime {
					hint = "; namespace " + r.Key.Namespace + " has one, and a ServingRuntime is for its own namespace"
				}
			}
			pass.Reportf(place, "%s asks for the runtime %s, which does not exist%s", o.Key, m.runtime, hint)
		})
	},
}
