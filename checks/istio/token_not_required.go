package istio

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var tokenNotRequired = &checks.Check{
	ID:       "istio/token-not-required",
	Severity: checks.Warning,
	Doc: `tokens are checked, but requests without one pass

Anybody gets in who sends no token at all: a RequestAuthentication rejects invalid
tokens only. An AuthorizationPolicy for the same pods must ask for a token's
principal (requestPrincipals, notRequestPrincipals in a DENY rule, or a condition
on request.auth), hand the request to an external authorizer (CUSTOM), or let in
certain callers alone.

Upstream has a DENY policy for requests without principal beside its
RequestAuthentication: that is right. Pods that the render does not hold, and what
is attached by targetRefs, are left out.`,
	Fix:   "Add an AuthorizationPolicy that denies requests without a principal.",
	Refs:  []string{"https://istio.io/latest/docs/tasks/security/authentication/authn-policy/#require-a-valid-token", "https://istio.io/latest/docs/reference/config/security/request_authentication/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, a := range m.RequestAuthentications() {
			if len(a.Value.Spec.TargetRef)+len(a.Value.Spec.TargetRefs) > 0 || len(a.Value.Spec.JWTRules) == 0 {
				continue
			}
			for _, pod := range m.Net.Pods() {
				if !mesh.Proxied(pod) || !m.Applies(a.Key.Namespace, a.Value.Spec.Selector, pod) || guarded(m, pod) {
					continue
				}
				pass.Reportf(a.At("spec", "jwtRules"), "%s checks tokens of requests to %s, but no AuthorizationPolicy asks for one: requests without a token pass", a.Key, pod.Name).
					See(pod.Pod.At("metadata", "labels"), "the pods that it is for")
				break
			}
		}
	},
}

// guarded reports whether some policy of a pod keeps requests out for who sends
// them.
func guarded(m *mesh.Mesh, pod *reach.Peer) bool {
	if len(m.PoliciesOf(pod, "CUSTOM")) > 0 {
		return true
	}
	for _, p := range m.PoliciesOf(pod, "DENY") {
		for _, rule := range p.Value.Spec.Rules {
			if asks(rule) || len(rule.From) > 0 {
				return true
			}
		}
	}
	allow := m.PoliciesOf(pod, "ALLOW")
	for _, p := range allow {
		if open(p) {
			return false
		}
	}
	return len(allow) > 0
}

// open reports whether a policy has a rule that asks for nothing about who
// calls.
func open(p inventory.Typed[mesh.AuthorizationPolicy]) bool {
	for _, rule := range p.Value.Spec.Rules {
		if len(rule.From) == 0 && len(rule.When) == 0 {
			return true
		}
	}
	return false
}

// asks reports whether a rule depends on a token.
func asks(rule mesh.AuthorizationRule) bool {
	for _, from := range rule.From {
		if len(from.Source.RequestPrincipals)+len(from.Source.NotRequestPrincipals) > 0 {
			return true
		}
	}
	for _, w := range rule.When {
		if strings.HasPrefix(w.Key, "request.auth.") || strings.HasPrefix(w.Key, "request.headers") {
			return true
		}
	}
	return false
}
