package schema

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var unknownField = &checks.Check{
	ID:       "schema/unknown-field",
	Severity: checks.Error,
	Doc: `a field that the kind does not have

The field is misspelt, stands at the wrong depth, or belongs to another version.
kubectl apply refuses the object ("strict decoding error"); tools that do not ask
for strict validation (Helm, Argo CD) have it dropped silently, so that what it
should do does not happen.

Fields below a CRD's x-kubernetes-preserve-unknown-fields are free and are not
reported.`,
	Fix:   "Spell the field as the kind has it, at its depth, or drop it.",
	Refs:  []string{"https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation", "kubeflow/manifests#1940"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		ask(pass, func(o *inventory.Object, problem checks.Problem) {
			pass.Reportf(place(o, problem), "%s has no such field: %s", o.Key, problem.Message)
		}, checks.UnknownField)
	},
}
