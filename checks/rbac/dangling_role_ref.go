package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var danglingRoleRef = &checks.Check{
	ID:       "rbac/dangling-role-ref",
	Severity: checks.Error,
	Doc: `binding refers to a role that does not exist

The API server takes such a binding and it grants nothing: its subjects are
"forbidden" at their first request. It happens when a role is renamed and its
binding is not, when a name transformer reaches one of the two only, when a
RoleBinding stands in another namespace than its Role, or when roleRef says Role
for a ClusterRole. The bindings that the profile controller makes for each
Profile are looked at too, where the render has that controller.

The roles that every cluster is born with (cluster-admin, edit, view and the
system: ones) exist although nobody renders them. Where the render is a fragment
that defines no role of the kind at all, or the name belongs to a cloud or to
OpenShift, the answer is undecided.`,
	Fix:   "Correct the name and kind in roleRef, or add the role that it names; a roleRef cannot be changed in place, so delete a binding that exists.",
	Refs:  []string{"kserve/kserve#5022", "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		for _, b := range policy.Bindings() {
			if b.Role != nil || b.Object == nil {
				continue
			}
			kind := access.ClusterRoles.GroupKind()
			namespace := ""
			if b.RoleRef.Kind == "Role" {
				kind, namespace = access.Roles.GroupKind(), b.Namespace
			}
			key := inventory.Key{GroupKind: kind, Namespace: namespace, Name: b.RoleRef.Name}
			if pass.Render.Get(kind, namespace, b.RoleRef.Name) != nil {
				continue // the API server refuses the role: its own finding
			}
			if b.Object.Made != nil {
				reportMade(pass, policy, b, key)
				continue
			}
			place := b.Object.At("roleRef", "name")
			hint, other, near := meant(policy, b)
			if strings.HasPrefix(hint, "; there is a") {
				if other.Namespace == "" || b.RoleRef.Kind != "Role" {
					place = b.Object.At("roleRef", "kind")
				}
			}
			// A binding called after its role came with it.
			near = near || b.RoleRef.Kind == "Role" && resemblance(b.Name, b.RoleRef.Name) <= 3
			if !near && (external(b.RoleRef.Name) || namespace == "kube-system" || !defines(pass, kind)) {
				pass.Undecidedf(place, "%s binds %s, which is not in the render: it must exist in the cluster", b, key)
				continue
			}
			f := pass.Reportf(place, "%s binds %s, which does not exist%s", b, key, hint)
			if other != nil && other.Object != nil {
				f.See(other.Object.At("metadata", "name"), "%s is the one that exists", other)
			}
		}
	},
}

// reportMade reports a binding that a controller will make of a Profile.
func reportMade(pass *checks.Pass, policy *access.Policy, b *access.Binding, key inventory.Key) {
	by := b.Object.Made.By
	if by == nil || !controllerRuns(pass, "profile controller") {
		return
	}
	var names []string
	for _, r := range policy.ClusterRoles() {
		names = append(names, r.Name)
	}
	hint := ""
	if like := lookalike(key.Name, names); like != "" {
		hint = "; there is ClusterRole " + like
	}
	pass.Reportf(by.At("metadata", "name"), "the %s binds %s in the namespace of %s, and it does not exist%s", b.Object.Made.Controller, key, by.Key, hint).
		WithFix("Add %s to the render.", key)
}

// meant finds the role that a binding was most likely meant to name. near is
// false where it is no more than a guess.
func meant(policy *access.Policy, b *access.Binding) (hint string, role *access.Role, near bool) {
	name := b.RoleRef.Name
	if b.RoleRef.Kind == "Role" {
		if r := policy.ClusterRole(name); r != nil {
			return "; there is a ClusterRole " + name, r, true
		}
		for _, r := range policy.Roles() {
			if r.Name == name && r.Object != nil {
				return fmt.Sprintf("; Role %s is in namespace %s, and a RoleBinding sees only its own", name, r.Namespace), r, true
			}
		}
	} else {
		if b.Namespace != "" {
			if r := policy.Role(b.Namespace, name); r != nil {
				return "; there is a Role " + b.Namespace + "/" + name, r, true
			}
		}
		for _, r := range policy.Roles() {
			if r.Name == name && r.Object != nil {
				return fmt.Sprintf("; there is a Role %s/%s", r.Namespace, name), r, true
			}
		}
	}
	roles := policy.ClusterRoles()
	if b.RoleRef.Kind == "Role" {
		roles = slices.DeleteFunc(policy.Roles(), func(r *access.Role) bool { return r.Namespace != b.Namespace })
	}
	var names []string
	for _, r := range roles {
		names = append(names, r.Name)
	}
	if like := lookalike(name, names); like != "" {
		i := slices.Index(names, like)
		return "; did you mean " + like + "?", roles[i], true
	}
	return "", nil, false
}

// external reports whether a role's name belongs to a cloud or distribution.
func external(name string) bool {
	for _, prefix := range []string{"system:", "eks:", "gke-", "gce:", "aks-", "azure", "rancher", "cattle", "open-cluster-management:", "openshift", "kubeadm:", "anthos", "gcp-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// defines reports whether the render holds any role of the kind.
func defines(pass *checks.Pass, kind inventory.GroupKind) bool {
	for range pass.Render.Of(kind) {
		return true
	}
	return false
}
