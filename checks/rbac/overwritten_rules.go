package rbac

import (
	"k8s.io/component-helpers/auth/rbac/validation"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kfpreflight/kfpreflight/checks"
)

var overwrittenRules = &checks.Check{
	ID:       "rbac/overwritten-rules",
	Severity: checks.Error,
	Doc: `rules of an aggregated ClusterRole are overwritten

A ClusterRole with an aggregationRule takes its rules from the roles that it
selects; the controller overwrites what the manifest says. A patch that adds
rules to kubeflow-edit is lost within a second, and the right is missing. So is
one that makes an aggregated role of edit or view, which every cluster has.

Rules that the collected roles grant as well lack nothing, and "rules: []" is how
such a role is written.`,
	Fix:   "Put the rules in a ClusterRole of their own with the label that the aggregationRule selects.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		for _, role := range declaredRoles(policyOf(pass)) {
			if role.Selectors == nil {
				continue
			}
			found = true
			for _, rule := range role.Declared() {
				if covered, _ := validation.Covers(role.PolicyRules(), []rbacv1.PolicyRule{rule.PolicyRule}); !covered {
					text := ruleText(rule.Verbs, append(rule.APIGroups, ""), rule.Resources)
					pass.Reportf(rule.Place(), "%s is aggregated: its own rule (%s) is overwritten by those of the roles that it collects", role, text).
						See(role.Object.At("aggregationRule"), "the aggregationRule")
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
