package schema

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var unservedVersion = &checks.Check{
	ID:       "schema/unserved-version",
	Severity: checks.Error,
	Doc: `a version of a kind that is not served

The CRD of the render does not serve the version that the object is written in,
or no release of Kubernetes has the kind in that version. Apply ends with "no
matches for kind".

Kinds whose CRD is not in the render are left to schema/missing-definition.`,
	Fix:   "Write the object in a version that is served.",
	Refs:  []string{"awslabs/kubeflow-manifests#759", "kubeflow/manifests#2307"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		definitions := map[inventory.GroupKind]*inventory.Object{}
		for o := range pass.Render.Of(crdKind) {
			definitions[inventory.GroupKind{Group: o.String("spec", "group"), Kind: o.String("spec", "names", "kind")}] = o
		}
		ask(pass, func(o *inventory.Object, problem checks.Problem) {
			f := pass.Reportf(place(o, problem), "%s: %s", o.Key, problem.Message)
			if crd := definitions[o.Key.GroupKind]; crd != nil {
				f.See(crd.At("spec", "versions"), "the versions of %s", crd.Key)
			}
		}, checks.Unserved)
	},
}

var crdKind = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
