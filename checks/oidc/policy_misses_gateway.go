package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var policyMissesGateway = &checks.Check{
	ID:       "oidc/policy-misses-gateway",
	Severity: checks.Error,
	Doc: `login policy that does not apply to the gateway

Nobody is asked to log in: the dashboard is open to everybody, or says "RBAC:
access denied" to everybody, because the CUSTOM policy that asks the relying
party, or the RequestAuthentication that takes its tokens, selects no pod of the
gateway by which users come. A policy applies to pods of its own namespace, and
of all namespaces only from the mesh's root namespace. The same holds where the
mesh declares the relying party as a provider and no policy at all names it, and
where the CUSTOM policy's rules match no browser that opens the dashboard, or
where a policy denies whoever shows no token and nothing verifies tokens.

Gateways whose pods the render does not hold are left out, and so are policies
that are attached by targetRefs.`,
	Fix: "Let the policy's namespace and selector match the gateway's pods.",
	Refs: []string{
		"https://istio.io/latest/docs/reference/config/type/workload-selector/",
		"https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		pods := c.FrontPods()
		if len(pods) == 0 {
			return
		}
		for _, party := range c.Parties {
			providers, filters := c.Asks(party)
			if len(providers)+len(filters) == 0 {
				continue
			}
			var asking []*login.Policy
			for _, p := range c.Policies {
				if p.Action == "CUSTOM" && slices.ContainsFunc(providers, func(provider *login.Provider) bool { return provider.Name == p.Provider }) {
					asking = append(asking, p)
				}
			}
			applied := slices.ContainsFunc(asking, func(p *login.Policy) bool { return attached(p.Object) || appliesToAny(c, p.Object, pods) })
			for _, f := range filters {
				applied = applied || appliesToAny(c, f.Object, pods)
			}
			if applied {
				asksAboutNothing(pass, c, asking, filters, pods)
				continue
			}
			for _, p := range asking {
				missed(pass, c, p.Object, pods)
			}
			for _, f := range filters {
				missed(pass, c, f.Object, pods)
			}
			if len(asking)+len(filters) == 0 && !asksUndeclared(c, pods) {
				pass.Reportf(providers[0].Place, "no CUSTOM policy names the provider %s: %s asks nobody to log in at %s", providers[0].Name, pods[0].Owner.Key, party.Name())
			}
		}
		// The rules for the tokens that the relying parties hand on.
		for _, issuer := range issuers(c) {
			var of []*inventory.Object
			applied := false
			for _, r := range c.Rules {
				if r.Issuer.Value() == issuer {
					of = append(of, r.Object)
					applied = applied || attached(r.Object) || appliesToAny(c, r.Object, pods)
				}
			}
			if applied {
				continue
			}
			for _, o := range slices.Compact(of) {
				missed(pass, c, o, pods)
			}
		}
		unverified(pass, c, pods)
	},
}

// asksUndeclared reports whether a CUSTOM policy of the gateway names a provider
// that the mesh does not declare. Istio then denies everything, and another
// check speaks of it.
func asksUndeclared(c *login.Chain, pods []*kubeflow.Pod) bool {
	return slices.ContainsFunc(c.Policies, func(p *login.Policy) bool {
		return p.Action == "CUSTOM" && appliesToAny(c, p.Object, pods) &&
			!slices.ContainsFunc(c.Mesh.Providers, func(provider *login.Provider) bool { return provider.Name == p.Provider })
	})
}

// asksAboutNothing reports policies that ask a relying party at the gateway,
// but about no page that a browser without token opens.
func asksAboutNothing(pass *checks.Pass, c *login.Chain, asking []*login.Policy, filters []*login.Filter, pods []*kubeflow.Pod) {
	if len(asking) == 0 || len(filters) > 0 || slices.ContainsFunc(asking, func(p *login.Policy) bool { return attached(p.Object) }) {
		return
	}
	for _, pod := range pods {
		for _, p := range asking {
			if !c.Applies(p.Object, pod) {
				continue
			}
			if answer, _ := p.Matches(login.Request{Path: "/"}); answer != login.No {
				return
			}
		}
	}
	pass.Reportf(asking[0].At("spec", "rules"), "no rule of %s matches a browser that opens / without a token: nobody is asked to log in", asking[0].Key)
}

// unverified reports policies that deny whoever shows no verified token at a
// gateway where nothing verifies one.
func unverified(pass *checks.Pass, c *login.Chain, pods []*kubeflow.Pod) {
	for _, pod := range pods {
		if len(c.RulesAt(pod)) > 0 {
			continue
		}
		for _, p := range c.Policies {
			if p.Action != "DENY" || !c.Applies(p.Object, pod) {
				continue
			}
			for i := range p.List("spec", "rules") {
				for j := range p.List("spec", "rules", i, "from") {
					at := inventory.Path{"spec", "rules", i, "from", j, "source", "notRequestPrincipals"}
					if slices.Contains(p.List(at), any("*")) && !slices.ContainsFunc(c.Rules, func(r *login.JWTRule) bool { return missesOnly(r, issuers(c)) }) {
						pass.Reportf(p.At(at), "%s denies whoever shows no verified token, and no RequestAuthentication verifies any at %s", p.Key, pod.Owner.Key)
					}
				}
			}
		}
	}
}

// missesOnly reports whether a rule for an issuer of the login exists, and so
// was reported for where it applies.
func missesOnly(r *login.JWTRule, issuers []string) bool {
	return slices.Contains(issuers, r.Issuer.Value())
}

// issuers are those whose tokens relying parties behind a provider hand on.
func issuers(c *login.Chain) []string {
	var all []string
	for _, party := range c.Parties {
		providers, filters := c.Asks(party)
		if len(providers)+len(filters) == 0 {
			continue
		}
		issuer := party.Issuer().Value()
		if dex := c.DexOf(party); dex != nil {
			issuer = dex.Issuer.Value()
		}
		if issuer != "" && !slices.Contains(all, issuer) {
			all = append(all, issuer)
		}
	}
	return all
}

func attached(o *inventory.Object) bool {
	return o.Get("spec", "targetRefs") != nil || o.Get("spec", "targetRef") != nil
}

func appliesToAny(c *login.Chain, o *inventory.Object, pods []*kubeflow.Pod) bool {
	return slices.ContainsFunc(pods, func(pod *kubeflow.Pod) bool { return c.Applies(o, pod) })
}

func missed(pass *checks.Pass, c *login.Chain, o *inventory.Object, pods []*kubeflow.Pod) {
	pod := pods[0]
	if o.Key.Namespace != pod.Namespace && o.Key.Namespace != c.Mesh.RootNamespace {
		pass.Reportf(o.At("metadata", "namespace"), "%s applies to pods of its own namespace only, and %s is in %s", o.Key, pod.Owner.Key, pod.Namespace).
			See(pod.At("metadata", "labels"), "the gateway's pods")
		return
	}
	at := o.At("spec", "selector", "matchLabels")
	for _, spec := range []string{"selector", "workloadSelector"} {
		for _, field := range []string{"matchLabels", "labels"} {
			for name, value := range o.Map("spec", spec, field) {
				if s, ok := value.(string); ok && pod.Labels[name] != s && len(o.Map("spec", spec, field)) == 1 {
					at = o.At("spec", spec, field, name)
				} else if ok && pod.Labels[name] != s {
					at = o.At("spec", spec, field)
				}
			}
		}
	}
	pass.Reportf(at, "%s selects no pod of %s, the gateway by which users come", o.Key, pod.Owner.Key).
		See(pod.At("metadata", "labels"), "the labels of the gateway's pods")
}
