package rbac

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

var escalationVerbs = &checks.Check{
	ID:       "rbac/escalation-verbs",
	Severity: checks.Info,
	Doc: `role lets its holder take more rights than it has

Who may escalate or bind roles, or impersonate users and groups, may do
everything those roles, users and groups may. A few controllers need it; a role
for people or pipelines hardly ever does.

Bound by resourceNames it is what a controller needs that hands out known roles,
and left out. Upstream's kubeflow-kubernetes-edit impersonates the service
accounts of its own namespace, as Kubernetes' edit does: left out too.`,
	Fix:   "Limit the rule with resourceNames, or drop it.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, role := range declaredRoles(policyOf(pass)) {
			for _, rule := range role.Declared() {
				if len(rule.ResourceNames) > 0 {
					continue
				}
				for i, verb := range rule.Verbs {
					var dangerous []string
					switch verb {
					case "escalate", "bind":
						dangerous = []string{"roles", "clusterroles", "*"}
					case "impersonate":
						dangerous = []string{"users", "groups", "*"}
					}
					for _, resource := range rule.Resources {
						if slices.Contains(dangerous, resource) || verb == "impersonate" && strings.HasPrefix(resource, "userextras") {
							pass.Reportf(rule.Place("verbs", i), "%s may %s %s: whoever holds it can take any right", role, verb, resource)
							break
						}
					}
				}
			}
		}
	},
}
