package rbac

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var unknownVerb = &checks.Check{
	ID:       "rbac/unknown-verb",
	Severity: checks.Error,
	Doc: `rule grants a verb that no request has

The API server accepts any word as a verb and compares it letter by letter, so
"Get", "read", "write" or "edit" grant nothing and the request that was meant is
"forbidden". Requests for resources have the verbs get, list, watch, create,
update, patch, delete and deletecollection.

Some programs ask for verbs of their own and are right to: use, bind, escalate,
impersonate, approve, sign and attest of Kubernetes, and archive, retry,
reportMetrics and others of pipelines.kubeflow.org. So only resources whose verbs
are known are looked at, and a word that resembles none is a warning. Where the
same role grants the right verb as well, the wrong one is harmless and an
information.`,
	Fix:   "Use get, list and watch to read; create, update, patch, delete and deletecollection to write.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		served := kubeflow.ServedBy(pass.Render.Inventory())
		for _, role := range declaredRoles(policy) {
			for _, rule := range role.Declared() {
				for i, verb := range rule.Verbs {
					if verb == "*" || slices.Contains(requestVerbs, verb) || slices.Contains(specialVerbs, verb) {
						continue
					}
					place := rule.Place("verbs", i)
					if len(rule.NonResourceURLs) > 0 {
						if lower := strings.ToLower(verb); lower != verb && slices.Contains(pathVerbs, lower) {
							pass.Reportf(place, "%s grants the verb %s; verbs are compared by letter, and the request's is %s", role, verb, lower)
						}
						continue
					}
					group, resource, known := knownResource(served, &rule)
					if !known {
						continue
					}
					meant := verbsMeant(verb)
					base, sub, _ := strings.Cut(resource, "/")
					lacks := slices.ContainsFunc(meant, func(v string) bool {
						return !role.Allows(access.Attributes{Verb: v, Group: group, Resource: base, Subresource: sub})
					})
					switch name := access.ResourceName(group, resource); {
					case len(meant) == 0:
						pass.Reportf(place, "%s grants the verb %s on %s, which no request has", role, verb, name).As(checks.Warning)
					case lacks:
						pass.Reportf(place, "%s grants the verb %s on %s, which no request has; did you mean %s?", role, verb, name, list(meant))
					default:
						pass.Reportf(place, "%s grants the verb %s on %s, which no request has; %s is granted as well", role, verb, name, list(meant)).As(checks.Info)
					}
				}
			}
		}
	},
}

var (
	requestVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	// specialVerbs are asked for by Kubernetes itself and by old versions of it.
	specialVerbs = []string{"use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy", "redirect", "connect", "mount", "nominate", "request-serviceaccounts-token-audience"}
	pathVerbs    = []string{"get", "head", "post", "put", "patch", "delete", "options"}
)

// knownResource finds a resource of a rule whose verbs are known.
func knownResource(served *kubeflow.Served, rule *access.Rule) (group, resource string, ok bool) {
	for _, g := range rule.APIGroups {
		for _, name := range rule.Resources {
			if served.Word(g, name) {
				return "", "", false // asked for by a program with verbs of its own
			}
			if !ok && served.Resource(g, name) != nil {
				group, resource, ok = g, name, true
			}
		}
	}
	return group, resource, ok
}

// verbsMeant are the verbs that a word was most likely meant to be.
func verbsMeant(verb string) []string {
	lower := strings.ToLower(verb)
	switch lower {
	case "read", "view", "viewer", "reader", "describe", "show", "readonly", "read-only":
		return []string{"get", "list", "watch"}
	case "write", "edit", "modify", "change", "manage":
		return []string{"create", "update", "patch", "delete"}
	case "remove", "destroy", "deletes":
		return []string{"delete"}
	case "add", "post", "insert", "new":
		return []string{"create"}
	case "put", "replace":
		return []string{"update"}
	case "apply":
		return []string{"create", "patch"}
	case "all", "any", "**":
		return requestVerbs
	case "exec", "execute", "run", "log", "logs", "scale":
		return nil
	}
	if like := lookalike(lower, requestVerbs); like != "" {
		return []string{like}
	}
	return nil
}
