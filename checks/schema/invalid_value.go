package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var invalidValue = &checks.Check{
	ID:       "schema/invalid-value",
	Severity: checks.Error,
	Doc: `the API server refuses a value

The object breaks a rule of its kind: a required field is missing, a value is
out of its range or pattern, a name is no DNS name, a selector does not match the
template's labels, a port or volume is named twice, a CEL rule of the CRD does
not hold. Apply ends with "is invalid" for this object and goes on with the
others: the platform comes up in part.

Built-in kinds are judged by the API server's own validation, custom resources
by the CRD in the same render (structural schema, list types, CEL rules), CRDs by
the rules for CRDs. A value that still holds a variable is left to
schema/unexpanded-variable. What admission adds (webhooks, quota, Pod Security) is left
to other checks.`,
	Fix:   "Give the field a value that the message allows.",
	Refs:  []string{"kubeflow/manifests#3315", "https://kubernetes.io/docs/reference/using-api/api-concepts/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		ask(pass, func(o *inventory.Object, problem checks.Problem) {
			if problem.Kind == checks.Undeterminable {
				pass.Undecidedf(place(o, problem), "%s: %s", o.Key, problem.Message)
				return
			}
			if text := o.String(problem.Path); variable.MatchString(text) && len(problem.Path) > 0 && !free(o, problem.Path) {
				return // schema/unexpanded-variable says why
			}
			if strings.Contains(problem.Message, "`selector` does not match template `labels`") {
				if label, selector, ok := unmatched(o); ok {
					pass.Reportf(label, "the API server refuses %s: %s", o.Key, said(o, problem)).See(selector, "what the selector wants")
					return
				}
			}
			pass.Reportf(place(o, problem), "the API server refuses %s: %s", o.Key, said(o, problem))
		}, checks.Invalid, checks.Undeterminable)
	},
}

// unmatched finds the label of the pod template that a selector does not match,
// and the selector's side.
func unmatched(o *inventory.Object) (label, selector inventory.Place, ok bool) {
	wanted := o.Map("spec", "selector", "matchLabels")
	labels := o.Map("spec", "template", "metadata", "labels")
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if labels[key] != wanted[key] {
			return o.At("spec", "template", "metadata", "labels", key), o.At("spec", "selector", "matchLabels", key), true
		}
	}
	return label, selector, false
}
