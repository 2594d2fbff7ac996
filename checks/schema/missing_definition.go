package schema

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeapi"
)

var missingDefinition = &checks.Check{
	ID:       "schema/missing-definition",
	Severity: checks.Error,
	Doc: `an object whose kind nothing defines

Neither Kubernetes nor a CRD of the render has the kind. Where the render has
other CRDs of the same group, the kind is misspelt or its CRD was left out, and
apply ends with "no matches for kind". Where the group is not in the render at
all, its CRDs may be in the cluster already: that is undecided.`,
	Fix:   "Add the CRD to what is applied first, or correct kind and group.",
	Refs:  []string{"kubeflow/manifests#1571", "kubeflow/kubeflow#6489"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		if pass.Server == nil {
			pass.NotApplicable()
			return
		}
		groups := map[string]*inventory.Object{}
		for crd := range pass.Render.Of(crdKind) {
			if group := crd.String("spec", "group"); groups[group] == nil {
				groups[group] = crd
			}
		}
		reported := map[inventory.GroupKind]bool{}
		for o := range pass.Render.All() {
			if _, known := pass.Server.Create(o); known {
				continue
			}
			group := o.Key.Group
			if _, _, removed := kubeapi.Removed(group, o.Version(), o.Key.Kind); removed || kubeapi.BuiltIn(group, o.Key.Kind) {
				continue // schema/removed-api speaks, or the kind has no rules here
			}
			switch {
			case groups[group] != nil:
				pass.Reportf(o.At("kind"), "%s: no CRD of the render defines the kind, though others of the group %s are there", o.Key, group).
					See(groups[group].At("spec", "group"), "another CRD of the group")
			case builtinGroup(group):
				pass.Reportf(o.At("kind"), "%s: Kubernetes has no kind %s in %s", o.Key, o.Key.Kind, o.APIVersion)
			case !reported[o.Key.GroupKind]:
				// One for each kind: the fact that is missing is the same.
				reported[o.Key.GroupKind] = true
				pass.Undecidedf(o.At("kind"), "%s: no CRD of the render defines %s; is it in the cluster?", o.Key, o.Key.GroupKind)
			}
		}
	},
}

// builtinGroup reports whether only Kubernetes itself defines kinds of a group:
// the groups without a dot, and those below k8s.io that no CRD may use without
// approval and no add-on does.
func builtinGroup(group string) bool {
	switch group {
	case "admissionregistration.k8s.io", "apiextensions.k8s.io", "certificates.k8s.io", "coordination.k8s.io",
		"discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io",
		"rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io":
		return true
	}
	return !strings.Contains(group, ".")
}
