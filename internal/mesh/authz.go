package mesh

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// A Request is a connection to a workload as policies see it.
type Request struct {
	From *reach.Peer
	To   *reach.Peer
	// Port is that of the pod; 0 is unknown.
	Port int32
	// TCP says that the proxy does not read HTTP there.
	TCP bool
	// Principal is the caller's identity; empty where it has none. Namespace
	// is its part.
	Principal, Namespace string
	// Unsure says that whether the caller has that identity is not known.
	Unsure bool
}

// Applies reports whether a policy of a namespace with a selector is for a pod.
func (m *Mesh) Applies(namespace string, selector *Selector, pod *reach.Peer) bool {
	if namespace != pod.Namespace && namespace != m.RootNamespace {
		return false
	}
	return labels.SelectorFromSet(selector.labels()).Matches(pod.Labels.Set)
}

// PoliciesOf are the AuthorizationPolicies with an action that are for a pod.
// Those that are attached by targetRefs are for gateways of the Gateway API
// and for waypoints.
func (m *Mesh) PoliciesOf(pod *reach.Peer, action string) []inventory.Typed[AuthorizationPolicy] {
	var found []inventory.Typed[AuthorizationPolicy]
	for _, p := range m.authorization {
		spec := &p.Value.Spec
		if p.Value.Action() == action && len(spec.TargetRef)+len(spec.TargetRefs) == 0 && m.Applies(p.Key.Namespace, spec.Selector, pod) {
			found = append(found, p)
		}
	}
	return found
}

// A Verdict is what policies do with a request.
type Verdict struct {
	Allowed Truth
	// By are the policies that refuse it: the DENY policy with the rule, or all
	// ALLOW policies, none of which has a rule for it.
	By   []inventory.Typed[AuthorizationPolicy]
	Rule int // of the DENY policy
	Deny bool
}

// Authorize decides as Envoy's RBAC filters do: DENY before ALLOW, and with any
// ALLOW policy only what one of them allows. CUSTOM policies ask somebody else.
func (m *Mesh) Authorize(r Request) Verdict {
	verdict := Verdict{Allowed: Yes}
	for _, p := range m.PoliciesOf(r.To, "DENY") {
		for i := range p.Value.Spec.Rules {
			switch m.ruleMatches(&p.Value.Spec.Rules[i], r, true) {
			case Yes:
				return Verdict{Allowed: No, By: []inventory.Typed[AuthorizationPolicy]{p}, Rule: i, Deny: true}
			case Maybe:
				verdict.Allowed = Maybe
			}
		}
	}
	allow := m.PoliciesOf(r.To, "ALLOW")
	if len(allow) == 0 {
		return verdict
	}
	best := No
	for _, p := range allow {
		best = max(best, m.Matches(p, r))
	}
	if best == No {
		return Verdict{Allowed: No, By: allow}
	}
	verdict.Allowed = min(verdict.Allowed, best)
	return verdict
}

// Matches reports whether some rule of a policy of action ALLOW matches.
func (m *Mesh) Matches(p inventory.Typed[AuthorizationPolicy], r Request) Truth {
	best := No
	for i := range p.Value.Spec.Rules {
		best = max(best, m.ruleMatches(&p.Value.Spec.Rules[i], r, false))
	}
	return best
}

func (m *Mesh) ruleMatches(rule *AuthorizationRule, r Request, deny bool) Truth {
	answer := Yes
	if len(rule.From) > 0 {
		some := No
		for i := range rule.From {
			some = max(some, m.sourceMatches(&rule.From[i].Source, r, deny))
		}
		answer = min(answer, some)
	}
	if len(rule.To) > 0 {
		some := No
		for i := range rule.To {
			some = max(some, operationMatches(&rule.To[i].Operation, r, deny))
		}
		answer = min(answer, some)
	}
	for _, w := range rule.When {
		answer = min(answer, m.whenMatches(w.Key, w.Values, w.NotValues, r, deny))
	}
	return answer
}

// field matches a list and its negation; an empty list asks for nothing.
func field(list, without []string, match func(string) Truth) Truth {
	answer := Yes
	any := func(list []string) Truth {
		some := No
		for _, s := range list {
			some = max(some, match(s))
		}
		return some
	}
	if len(list) > 0 {
		answer = any(list)
	}
	if len(without) > 0 {
		answer = min(answer, not(any(without)))
	}
	return answer
}

// http is what a condition on HTTP does: unknown for a request; for a plain
// TCP connection a rule that has it never allows, and of a DENY rule it is left
// out, so that the rest decides.
func http(set bool, r Request, deny bool) Truth {
	switch {
	case !set:
		return Yes
	case !r.TCP:
		return Maybe
	case deny:
		return Yes
	}
	return No
}

func (m *Mesh) sourceMatches(s *Source, r Request, deny bool) Truth {
	answer := field(s.Principals, s.NotPrincipals, func(p string) Truth { return m.principal(p, r) })
	answer = min(answer, field(s.Namespaces, s.NotNamespaces, func(p string) Truth { return m.namespace(p, r) }))
	answer = min(answer, field(s.ServiceAccounts, s.NotServiceAccounts, func(p string) Truth {
		namespace, name, ok := strings.Cut(p, "/")
		if r.Unsure {
			return Maybe
		}
		return truth(r.Principal != "" && ok && strings.HasSuffix(r.Principal, "/ns/"+namespace+"/sa/"+name))
	}))
	if len(s.ServiceAccounts)+len(s.NotServiceAccounts) > 0 {
		answer = min(answer, Maybe) // a short name means the policy's namespace
	}
	answer = min(answer, field(s.IPBlocks, s.NotIPBlocks, func(string) Truth { return Maybe }))
	answer = min(answer, http(len(s.RemoteIPBlocks)+len(s.NotRemoteIPBlocks) > 0, r, deny))
	return min(answer, m.tokens(s.RequestPrincipals, s.NotRequestPrincipals, r, deny))
}

// tokens is what a condition on the principal of a token does: where no
// RequestAuthentication reads tokens, no request has one.
func (m *Mesh) tokens(list, without []string, r Request, deny bool) Truth {
	if len(list)+len(without) == 0 {
		return Yes
	}
	if len(list) > 0 && !r.TCP && !m.ReadsTokens(r.To) {
		return No
	}
	return http(true, r, deny)
}

// ReadsTokens reports whether a RequestAuthentication is for a pod.
func (m *Mesh) ReadsTokens(pod *reach.Peer) bool {
	return slices.ContainsFunc(m.request, func(a inventory.Typed[RequestAuthentication]) bool {
		return len(a.Value.Spec.TargetRef)+len(a.Value.Spec.TargetRefs) > 0 || m.Applies(a.Key.Namespace, a.Value.Spec.Selector, pod)
	})
}

// principal matches the caller against a principal of a policy. A pod that
// users start runs in a namespace that is none of the platform's own.
func (m *Mesh) principal(pattern string, r Request) Truth {
	if !r.Unsure {
		return truth(m.principalMatches(pattern, r.Principal))
	}
	_, rest, ok := strings.Cut(pattern, "/ns/")
	if namespace, _, whole := strings.Cut(rest, "/sa/"); ok && whole && namespace != r.Namespace && m.platform(namespace) {
		return No
	}
	return Maybe
}

func (m *Mesh) namespace(pattern string, r Request) Truth {
	if !r.Unsure {
		return truth(r.Principal != "" && Wildcard(pattern, r.Namespace))
	}
	if pattern != r.Namespace && m.platform(pattern) {
		return No
	}
	return Maybe
}

// platform reports whether the render holds a namespace, so that it is not one
// that users get.
func (m *Mesh) platform(namespace string) bool {
	o := m.Net.View().Get(inventory.GroupKind{Kind: "Namespace"}, "", namespace)
	return o != nil && o.Made == nil
}

// principalMatches compares as Istio does: exact, prefix*, *suffix or *, with
// the aliases of the trust domain.
func (m *Mesh) principalMatches(pattern, principal string) bool {
	if principal == "" {
		return false
	}
	if Wildcard(pattern, principal) {
		return true
	}
	for _, domain := range append([]string{"cluster.local"}, m.TrustDomains...) {
		// cluster.local always stands for the mesh's own trust domain.
		if rest, ok := strings.CutPrefix(pattern, domain+"/"); ok && Wildcard(m.TrustDomains[0]+"/"+rest, principal) {
			return true
		}
	}
	return false
}

// Wildcard matches as Istio does: exact, prefix*, *suffix or *.
func Wildcard(pattern, value string) bool {
	switch {
	case pattern == "*":
		return value != ""
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(value, strings.TrimSuffix(pattern, "*"))
	case strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(value, strings.TrimPrefix(pattern, "*"))
	}
	return pattern == value
}

func operationMatches(o *Operation, r Request, deny bool) Truth {
	answer := field(o.Ports, o.NotPorts, func(p string) Truth {
		if r.Port == 0 {
			return Maybe
		}
		return truth(p == strconv.Itoa(int(r.Port)))
	})
	set := len(o.Hosts)+len(o.NotHosts)+len(o.Methods)+len(o.NotMethods)+len(o.Paths)+len(o.NotPaths) > 0
	return min(answer, http(set, r, deny))
}

func (m *Mesh) whenMatches(key string, values, without []string, r Request, deny bool) Truth {
	switch {
	case key == "source.principal":
		return field(values, without, func(p string) Truth { return m.principal(p, r) })
	case key == "source.namespace":
		return field(values, without, func(p string) Truth { return m.namespace(p, r) })
	case key == "destination.port":
		return operationMatches(&Operation{Ports: values, NotPorts: without}, r, deny)
	case key == "request.auth.principal" || strings.HasPrefix(key, "request.auth."):
		return m.tokens(values, without, r, deny)
	case strings.HasPrefix(key, "request."):
		return http(true, r, deny)
	}
	return Maybe
}
