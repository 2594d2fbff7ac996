package rbac

import (
	"fmt"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
)

var emptyAggregation = &checks.Check{
	ID:       "rbac/empty-aggregation",
	Severity: checks.Warning,
	Doc: `aggregated ClusterRole collects nothing

A ClusterRole with an aggregationRule has the rules of the ClusterRoles that its
selectors match, and none match here: a misspelt label key or value, or the roles
of a component that was left out. Whoever is bound to it may do nothing. It is an
error where a binding, or the profile controller, gives it to somebody.

That the manifest says "rules: []" is right: the controller fills it in. A role
does not select itself. Built-in roles count as matches.`,
	Fix:   "Make a selector match the labels of the roles to collect.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles", "kserve/kserve#738"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		any := false
		for _, role := range declaredRoles(policy) {
			if role.Selectors == nil {
				continue
			}
			any = true
			if len(role.Selected) > 0 {
				continue
			}
			place := role.Object.At("aggregationRule", "clusterRoleSelectors")
			hint := ""
			for i, selector := range role.Selectors {
				requirements, _ := selector.Requirements()
				for _, r := range requirements {
					if like := lookalike(r.Key(), labelKeys(policy)); like != "" && like != r.Key() {
						place = role.Object.At("aggregationRule", "clusterRoleSelectors", i)
						hint = fmt.Sprintf("; roles have the label %s, not %s", like, r.Key())
					} else if slices.Contains(labelKeys(policy), r.Key()) {
						place = role.Object.At("aggregationRule", "clusterRoleSelectors", i)
						hint = fmt.Sprintf("; roles have the label %s with another value", r.Key())
					}
				}
			}
			f := pass.Reportf(place, "%s collects no ClusterRole%s", role, hint)
			i := slices.IndexFunc(policy.Bindings(), func(b *access.Binding) bool { return b.Role == role })
			if i >= 0 || slices.Contains([]string{"kubeflow-admin", "kubeflow-edit", "kubeflow-view"}, role.Name) {
				f.As(checks.Error)
			}
			if i >= 0 {
				if b := policy.Bindings()[i]; b.Object != nil {
					f.See(b.Object.At("roleRef", "name"), "%s binds it", b)
				}
			}
		}
		if !any {
			pass.NotApplicable()
		}
	},
}

// labelKeys are the keys of the labels on ClusterRoles.
func labelKeys(policy *access.Policy) []string {
	seen := map[string]bool{}
	var keys []string
	for _, role := range policy.ClusterRoles() {
		for key := range role.Labels {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}
