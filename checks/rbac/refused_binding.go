package rbac

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
)

var refusedBinding = &checks.Check{
	ID:       "rbac/refused-binding",
	Severity: checks.Error,
	Doc: `API server refuses a RoleBinding or ClusterRoleBinding

The apply stops with "is invalid": a ClusterRoleBinding that binds a Role, a
ServiceAccount without namespace in a ClusterRoleBinding, an apiGroup on a
ServiceAccount or a wrong one elsewhere, a kind of subject that does not exist.
A patch is the usual cause: it changes the kind of a subject or roleRef and
leaves the apiGroup that belonged to the old one.

Two things look wrong and are right: a ServiceAccount without namespace in a
RoleBinding is the one in the binding's own namespace, and a roleRef, User or
Group without apiGroup gets rbac.authorization.k8s.io.`,
	Fix:   "Give the roleRef and every subject the kind, apiGroup and namespace that the API server asks for.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for b := range access.RoleBindings.In(pass.Render) {
			for _, r := range access.RefusedRoleBinding(b.Value) {
				pass.Reportf(b.At(r.Path), "the API server refuses %s: %s", b.Key, r.Message)
			}
		}
		for b := range access.ClusterRoleBindings.In(pass.Render) {
			for _, r := range access.RefusedClusterRoleBinding(b.Value) {
				pass.Reportf(b.At(r.Path), "the API server refuses %s: %s", b.Key, r.Message)
			}
		}
	},
}
