package schema

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var wrongType = &checks.Check{
	ID:       "schema/wrong-type",
	Severity: checks.Error,
	Doc: `a value of another type than the field

A number or true stands where a text is wanted, a text where a number is, a
mapping where a list is, or a text that is no quantity or time. The API server
cannot decode the object and refuses it whole.

Plain yes, no, on and off are booleans to kubectl: as values of environment
variables, labels and annotations they need quotes.`,
	Fix:   "Write the value as the type that the message names; quote numbers and booleans that are meant as text.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/configuration/configmap/", "https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		ask(pass, func(o *inventory.Object, problem checks.Problem) {
			pass.Reportf(place(o, problem), "the API server cannot read %s: %s", o.Key, said(o, problem))
		}, checks.Malformed)
	},
}
