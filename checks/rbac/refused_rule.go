package rbac

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
)

var refusedRule = &checks.Check{
	ID:       "rbac/refused-rule",
	Severity: checks.Error,
	Doc: `API server refuses a Role or ClusterRole

The apply stops with "is invalid": a rule without verbs, without apiGroups or
without resources, a rule for both resources and paths, a Role that grants
paths, an aggregationRule without selectors or with one that does not parse.

The core group is written "" and must be there; a rule for nonResourceURLs has
no apiGroups. A ClusterRole with "rules: []" is accepted: aggregated ones look
like that.`,
	Fix:   "Complete the rule: verbs, apiGroups and resources, or verbs and nonResourceURLs in a ClusterRole.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for r := range access.Roles.In(pass.Render) {
			for _, refusal := range access.RefusedRole(r.Value) {
				pass.Reportf(r.At(refusal.Path), "the API server refuses %s: %s", r.Key, refusal.Message)
			}
		}
		for r := range access.ClusterRoles.In(pass.Render) {
			for _, refusal := range access.RefusedClusterRole(r.Value) {
				pass.Reportf(r.At(refusal.Path), "the API server refuses %s: %s", r.Key, refusal.Message)
			}
		}
	},
}
