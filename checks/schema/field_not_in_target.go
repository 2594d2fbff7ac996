package schema

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeapi"
)

var fieldNotInTarget = &checks.Check{
	ID:       "schema/field-not-in-target",
	Severity: checks.Error,
	Doc: `a field that the target version does not have

The field came with a later minor of Kubernetes than the target, or is gone from
it. kubectl apply refuses the object as having an unknown field; tools that do
not ask for strict validation have it dropped silently.

Fields that no known minor has are left to schema/unknown-field. A field that
exists but whose feature gate is off is not noticed.`,
	Fix:   "Drop the field, or raise the target.",
	Refs:  []string{"https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		target, known := minorOf(pass.Target.Kubernetes)
		if !known {
			pass.NotApplicable()
			return
		}
		for o := range pass.Render.All() {
			for _, m := range kubeapi.MissingFields(o.Key.Group, o.Version(), o.Key.Kind, target, o.Content()) {
				if len(m.Path) > 0 && m.Path[0] == "status" {
					continue
				}
				path := inventory.Path(m.Path)
				pass.Reportf(o.At(path), "%s has the field %s, which Kubernetes %s does not have (%s to %s do)", o.Key, path, target, m.Minors[0], m.Minors[len(m.Minors)-1])
			}
		}
	},
}
