package rbac

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
)

var createByName = &checks.Check{
	ID:       "rbac/create-by-name",
	Severity: checks.Error,
	Doc: `create is granted by resourceNames and never allowed

When the API server is asked whether an object may be created it does not know
the object's name yet, so a rule with resourceNames never allows create, nor
deletecollection. The usual victim is leader election: the rule for the lease
lists get, update and create together with the lease's name, and the controller
never becomes leader.

A subresource is different: serviceaccounts/token, pods/exec and bindings are
created below an object whose name is known. So are list and watch by one name,
which work for clients that select by metadata.name, as cert-manager's webhook
does. Where everyone who is bound to the role may create by another rule,
nothing is reported.`,
	Fix:   "Put create in a rule of its own without resourceNames.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		for _, role := range declaredRoles(policy) {
			for _, rule := range role.Declared() {
				if len(rule.ResourceNames) == 0 {
					continue
				}
				for i, verb := range rule.Verbs {
					if verb != "create" && verb != "deletecollection" {
						continue
					}
					for _, group := range rule.APIGroups {
						for _, resource := range rule.Resources {
							if strings.Contains(resource, "/") || resource == "*" || group == "*" {
								continue
							}
							asked := access.Attributes{Verb: verb, Group: group, Resource: resource}
							if !allowedAnyway(policy, role, asked) {
								pass.Reportf(rule.Place("verbs", i), "%s grants %s on %s by name (%s), and that is never allowed: the API server does not know the name when it decides", role, verb, access.ResourceName(group, resource), list(rule.ResourceNames))
							}
						}
					}
				}
			}
		}
	},
}

// allowedAnyway reports whether the role, or else all who are bound to it, may
// do what is asked for.
func allowedAnyway(policy *access.Policy, role *access.Role, asked access.Attributes) bool {
	if role.Allows(asked) {
		return true
	}
	bound := false
	for _, b := range policy.Bindings() {
		if b.Role == nil || b.Role != role && !slices.Contains(b.Role.Selected, role.Name) {
			continue
		}
		bound = true
		asked.Namespace = b.Namespace
		for _, s := range b.Subjects {
			if s.Kind != "ServiceAccount" {
				return false
			}
			namespace := s.Namespace
			if namespace == "" {
				namespace = b.Namespace
			}
			if _, ok := policy.Allowed(access.ServiceAccount(namespace, s.Name), asked); !ok {
				return false
			}
		}
	}
	return bound
}
