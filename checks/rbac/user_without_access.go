package rbac

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var userWithoutAccess = &checks.Check{
	ID:       "rbac/user-without-access",
	Severity: checks.Error,
	Doc: `users of the platform may not use what it offers

Owners and contributors of a profile, and the notebooks and pipeline steps in it,
get their rights from the ClusterRoles kubeflow-admin, kubeflow-edit and
kubeflow-view, which collect those of the components by label. Where a component's
role is left out, loses its label
rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit or forgets a kind,
users see "User … is not authorized to create kubeflow.org.v1beta1.notebooks" in
the web apps and 403 in notebooks.

Looked at are the kinds that users work with and whose CRD is in the render, the
pods, volumes and secrets of Kubernetes, and the words of pipelines.kubeflow.org:
kubeflow-admin and kubeflow-edit must manage them and kubeflow-view read them.
Runtimes, PodDefaults and what controllers make need only be readable, and
cluster-scoped kinds, which these roles cannot reach through a RoleBinding, are
left to rbac/cluster-scoped-in-namespace. A render without those ClusterRoles is
a part of a platform and has nothing to answer.`,
	Fix:   "Grant it in a ClusterRole with the label rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit (or -admin, -view) set to \"true\".",
	Refs:  []string{"kserve/kserve#738", "kubeflow/manifests#1877", "kubeflow/manifests#2894"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		served := kubeflow.ServedBy(pass.Render.Inventory())
		applicable := false
		for _, user := range []struct {
			role string
			edit bool
		}{{"kubeflow-edit", true}, {"kubeflow-admin", true}, {"kubeflow-view", false}} {
			role := policy.ClusterRole(user.role)
			if role == nil || role.Object == nil {
				continue
			}
			for _, facing := range kubeflow.UserFacing {
				resource := served.Resource(facing.Group, facing.Resource)
				if resource == nil || resource.CRD == nil || !resource.Namespaced || facing.Inside && !user.edit {
					continue
				}
				applicable = true
				verbs := []string{"get", "list"}
				if user.edit && !facing.ReadOnly {
					verbs = []string{"get", "list", "create", "delete"}
				}
				f := reportUsers(pass, policy, role, resource.CRD.At("metadata", "name"), facing.Group, facing.Resource, verbs, facing.What)
				if f != nil {
					f.See(resource.CRD.At("spec", "names", "plural"), "the CRD of %s", facing.Resource)
				}
				if f != nil && facing.Secondary {
					f.As(checks.Warning)
				}
			}
			for _, core := range kubeflow.UserCore {
				verbs := strings.Fields(core.View)
				if user.edit {
					verbs = strings.Fields(core.Edit)
				}
				if collects(role) {
					applicable = true
					reportUsers(pass, policy, role, role.Object.At("aggregationRule"), "", core.Resource, verbs, core.What)
				}
			}
			if pipelines := sharedPipelines(pass); pipelines != nil {
				applicable = true
				for _, facing := range kubeflow.UserPipelines {
					verbs := strings.Fields(facing.View)
					if user.edit {
						verbs = strings.Fields(facing.Edit)
					}
					reportUsers(pass, policy, role, role.Object.At("aggregationRule"), kubeflow.PipelinesGroup, facing.Resource, verbs, facing.What)
				}
			}
		}
		if !applicable {
			pass.NotApplicable()
		}
	},
}

// reportUsers reports what holders of a role may not do; nil where they may.
func reportUsers(pass *checks.Pass, policy *access.Policy, role *access.Role, fallback inventory.Place, group, name string, verbs []string, what string) *checks.Finding {
	base, sub, _ := strings.Cut(name, "/")
	var missing []string
	for _, verb := range verbs {
		if !role.Allows(access.Attributes{Verb: verb, Group: group, Resource: base, Subresource: sub}) {
			missing = append(missing, verb)
		}
	}
	if len(missing) == 0 || role.Name == "kubeflow-admin" && sameAsEdit(policy, group, base, sub, missing) {
		return nil
	}
	place, why, said := whereUsersGet(policy, role, group, base, sub, missing)
	if said {
		return nil
	}
	if place.IsZero() {
		place = fallback
	}
	return pass.Reportf(place, "users with %s may not %s %s%s: %s are out of their reach", role, list(missing), access.ResourceName(group, name), why, what)
}

// collects reports whether a role is upstream's, which collects those of the
// components, and not somebody's own of that name for one component.
func collects(role *access.Role) bool {
	return role.Selectors != nil && len(role.Rules) > 0 && slices.ContainsFunc(role.Rules, func(r access.Rule) bool { return slices.Contains(r.APIGroups, "") })
}

// sharedPipelines finds the Pipelines API server where it serves several users.
func sharedPipelines(pass *checks.Pass) *kubeflow.Pod {
	for pod := range kubeflow.Pods(pass.Render) {
		for _, c := range pod.Containers() {
			if controller, _, ok := kubeflow.ControllerOf(c); ok && controller.Name == "Pipelines API server" && !controller.Alone(pass.Render, pod, c) {
				return pod
			}
		}
	}
	return nil
}

// sameAsEdit reports whether kubeflow-edit lacks the same, which was said
// already.
func sameAsEdit(policy *access.Policy, group, resource, sub string, verbs []string) bool {
	edit := policy.ClusterRole("kubeflow-edit")
	return edit != nil && edit.Object != nil && !slices.ContainsFunc(verbs, func(verb string) bool {
		return edit.Allows(access.Attributes{Verb: verb, Group: group, Resource: resource, Subresource: sub})
	})
}

// whereUsersGet finds the role that should have given users a right: one that
// grants it and is not collected, else the rule that lacks the verb, else one
// for other kinds of the group. said reports that the role's label is what is
// wrong, which rbac/unaggregated-role says.
func whereUsersGet(policy *access.Policy, role *access.Role, group, resource, sub string, verbs []string) (place inventory.Place, why string, said bool) {
	wanted, keys := wantedLabels(policy)
	feeding := map[*access.Role]bool{}
	for i := range role.Rules {
		feeding[role.Rules[i].In] = true
	}
	for _, other := range policy.ClusterRoles() {
		if other.Object == nil || other.Selectors != nil || feeding[other] || !forUsers(policy, other) {
			continue
		}
		if !slices.ContainsFunc(verbs, func(verb string) bool {
			return !other.Allows(access.Attributes{Verb: verb, Group: group, Resource: resource, Subresource: sub})
		}) {
			for label, value := range other.Labels {
				if _, plain := wrongLabel(label, value, wanted, keys); plain {
					return inventory.Place{}, "", true
				}
			}
			return other.Object.At("metadata", "labels"), ", which " + other.String() + " grants and " + role.Name + " does not collect", false
		}
	}
	// A rule that grants it on another kind of the same operator forgot this one.
	// The group kubeflow.org is of many programs.
	for i := range role.Rules {
		rule := &role.Rules[i]
		grants := func(verb string) bool { return slices.Contains(rule.Verbs, verb) || slices.Contains(rule.Verbs, "*") }
		if group != "" && group != "kubeflow.org" && rule.In.Object != nil && slices.Contains(rule.APIGroups, group) && !slices.ContainsFunc(rule.Resources, isSubresource) &&
			!slices.ContainsFunc(verbs, func(verb string) bool { return !grants(verb) }) {
			return rule.Place("resources"), "", false
		}
	}
	place = inRules([]*access.Binding{{Object: role.Object, Role: role}}, group, resource, sub)
	if !place.IsZero() && place.Path[len(place.Path)-1] == "resources" {
		// A rule for another kind of the group counts where it is of the
		// same program: kubeflow.org is many.
		if group == "" || group == "kubeflow.org" {
			return inventory.Place{}, "", false
		}
	}
	return place, "", false
}

// forUsers reports whether a role looks like one that users collect: it has a
// label for it, or nobody binds it.
func forUsers(policy *access.Policy, role *access.Role) bool {
	for label := range role.Labels {
		if strings.Contains(label, "aggregate-to-") {
			return true
		}
	}
	return !slices.ContainsFunc(policy.Bindings(), func(b *access.Binding) bool { return b.Role == role })
}

func isSubresource(name string) bool { return strings.Contains(name, "/") }
