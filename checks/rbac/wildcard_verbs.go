package rbac

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
)

var wildcardVerbs = &checks.Check{
	ID:       "rbac/wildcard-verbs",
	Severity: checks.Info,
	Doc: `role grants every verb

A rule with the verb * grants what the API server will offer in future too, and
verbs that are no requests, such as impersonate or escalate. Upstream's own roles
have many of them, so this is for those who review what is granted.

Rules of Roles are left out: they reach no further than their namespace.`,
	Fix:   "List the verbs that are needed.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/security/rbac-good-practices/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for role := range access.ClusterRoles.In(pass.Render) {
			for i, rule := range role.Value.Rules {
				if slices.Contains(rule.Verbs, "*") {
					pass.Reportf(role.At("rules", i, "verbs"), "%s grants every verb on %v", role.Key, rule.Resources)
				}
			}
		}
	},
}
