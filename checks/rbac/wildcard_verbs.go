package rbac

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
)

var wildcardVerbs = &checks.Check{
	ID:       "rbac/wildcard-verbs",
	Severity: checks.Warning,
	Doc: `cluster role grants every verb

A rule with the verb * grants what the API server will offer in future too.`,
	Fix:   "List the verbs that are needed.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/security/rbac-good-practices/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for role := range clusterRoles.In(pass.Render) {
			for i, rule := range role.Value.Rules {
				if slices.Contains(rule.Verbs, "*") {
					pass.Reportf(role.At("rules", i, "verbs"), "%s grants every verb on %v", role.Key, rule.Resources)
				}
			}
		}
	},
}
