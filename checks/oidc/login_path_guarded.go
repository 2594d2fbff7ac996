package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var loginPathGuarded = &checks.Check{
	ID:       "oidc/login-path-guarded",
	Severity: checks.Error,
	Doc: `login page that itself needs a login

The browser says "too many redirects", or gets "RBAC: access denied" before
anybody could log in. The pages of Dex and the proxy's own pages must be open:
neither the CUSTOM policy that asks the relying party (unless skip_auth_routes
lets them through) nor a DENY policy for requests without a token may cover them,
and if any ALLOW policy applies to the gateway, one must let them in. The same
holds for a Dex with a sidecar, behind the mesh's own policies.

The policies are evaluated as Istio does, for a request without token; a rule
that depends on more than the path is given the benefit of the doubt. The
proxy's own paths may be covered by the policy that asks it: it answers them
itself.`,
	Fix: "Leave /dex/* and /oauth2/* out of the policies that want a login.",
	Refs: []string{
		"kubeflow/manifests#2868",
		"https://istio.io/latest/docs/concepts/security/#authorization-policies",
		"https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, party := range c.Parties {
			providers, filters := c.Asks(party)
			var pages []string
			dex := c.DexOf(party)
			if dex != nil && dex.Issuer.Known() {
				if host, ok := browserHost(c, party); ok && !c.Published(&dex.Workload) && servedByFront(c, host) {
					pages = loginPaths(dex)
				}
			}
			for _, pod := range c.FrontPods() {
				for _, page := range pages {
					guardedAtGateway(pass, c, party, providers, filters, pod, page, seen)
				}
				if party.Proxy != nil && !c.Published(party.Workload) {
					for _, page := range []string{"/start", "/callback"} {
						page = party.Proxy.Prefix() + page
						v := c.Judge(pod, login.Request{Path: page})
						if v.Asked == login.No && v.Denied == login.Yes && seen.first(v.Place, "denied") {
							reportDenied(pass, v, pod, page, "which "+party.Name()+" needs for a login")
						}
					}
				}
			}
			if dex != nil && dex.Pod.HasSidecar() && len(pages) > 0 {
				v := c.Judge(dex.Pod, login.Request{Path: pages[0], Peer: true})
				if v.Denied == login.Yes && seen.first(v.Place, "denied") {
					reportDenied(pass, v, dex.Pod, pages[0], "the login page")
				}
			}
		}
	},
}

func servedByFront(c *login.Chain, host string) bool {
	if host == "" {
		return true
	}
	for _, g := range c.Front() {
		if g.Serves(host) {
			return true
		}
	}
	return false
}

func guardedAtGateway(pass *checks.Pass, c *login.Chain, party *login.Party, providers []*login.Provider, filters []*login.Filter, pod *kubeflow.Pod, page string, seen reported) {
	v := c.Judge(pod, login.Request{Path: page})
	if v.Asked == login.Yes && !party.Skips(page) {
		for _, p := range providers {
			if p.Name == v.Asker.Provider && seen.first(v.AskerPlace, "asked") {
				pass.Reportf(notPathsPlace(v.Asker, v.AskerPlace), "%s has %s ask %s about %s, the login page itself: it sends the browser there again and again",
					v.Asker.Key, pod.Owner.Key, party.Name(), page).
					See(party.Place, "no skip_auth_routes of the proxy lets the page through")
			}
		}
	}
	for _, f := range filters {
		if c.Applies(f.Object, pod) && !party.Skips(page) && seen.first(f.Place, "asked") {
			at := party.Place
			if party.Auth != nil {
				if s := party.Auth.Setting("SKIP_AUTH_URLS", "SKIP_AUTH_URI"); s != nil {
					at = s.Place
				}
			}
			pass.Reportf(at, "%s has %s ask %s about %s, the login page itself, and nothing lets it through",
				f.Object.Key, pod.Owner.Key, party.Name(), page).
				See(f.Place, "the filter that asks")
		}
	}
	if v.Denied == login.Yes && seen.first(v.Place, "denied") {
		reportDenied(pass, v, pod, page, "the login page")
	}
}

func reportDenied(pass *checks.Pass, v login.Verdict, pod *kubeflow.Pod, page, what string) {
	if v.NoAllow {
		pass.Reportf(v.Place, "no ALLOW policy lets %s, %s, in at %s: %s alone closes it", page, what, pod.Owner.Key, v.By.Key)
		return
	}
	pass.Reportf(notPathsPlace(v.By, v.Place), "%s denies %s, %s, to everybody without a token", v.By.Key, page, what)
}

// notPathsPlace is the list of paths that a rule leaves out, where it has one.
func notPathsPlace(p *login.Policy, rule inventory.Place) inventory.Place {
	for i := range p.List(rule.Path.Join("to")) {
		for _, field := range []string{"notPaths", "paths"} {
			if p.Get(rule.Path.Join("to", i, "operation", field)) != nil {
				return rule.At("to", i, "operation", field)
			}
		}
	}
	return rule
}
