package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var callbackNotRouted = &checks.Check{
	ID:       "oidc/callback-not-routed",
	Severity: checks.Error,
	Doc: `callback of the login that does not lead to the relying party

After the login at Dex the browser gets an empty page, a 404 of the dashboard,
or the login page again: the path of the redirect URI is answered by somebody
else than the relying party. Either oauth2-proxy is sent back to another path
than proxy_prefix/callback, the only one on which it takes answers, or no
VirtualService leads the path from the gateway to its Service and port.

A relying party that the gateway asks about that path by external authorization
answers it there, as oidc-authservice did up to Kubeflow 1.8: that is right.
Renders that route by the Gateway API, and relying parties with an Ingress or a
load balancer of their own, are left out.`,
	Fix: "Route the redirect URI's path to the relying party, and send it to proxy_prefix/callback.",
	Refs: []string{
		"awslabs/kubeflow-manifests#702",
		"kubeflow/manifests#2812",
		"https://oauth2-proxy.github.io/oauth2-proxy/features/endpoints/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, party := range c.Parties {
			redirect := party.Redirect()
			if redirect == nil || c.UsesGatewayAPI() || c.Published(party.Workload) {
				continue
			}
			at := place(redirect.Setting, party.Workload)
			if party.Proxy != nil && redirect.Path != party.Proxy.CallbackPath() {
				if s := party.Proxy.Setting("proxy_prefix"); s == nil || s.Known() {
					pass.Reportf(at, "%s of %s has users come back to %s, but takes them on %s only", party.Kind(), party.Name(), quotedPath(redirect), party.Proxy.CallbackPath()).
						See(place(s, party.Workload), "the prefix of the proxy's own paths")
					continue
				}
			}
			hosts := pass.Cluster.Hosts
			if !redirect.Relative && redirect.Host != "" {
				hosts = []string{redirect.Host}
			}
			problem := atAnyFront(c, []string{redirect.Path}, hosts, party.Workload, at, func(g *login.Gateway, requestPath string) bool {
				return answeredByAuthorizer(c, g, party, requestPath)
			})
			if problem != nil && seen.first(problem.place, problem.text) {
				problem.report(pass).See(at, "the redirect URI")
			}
		}
	},
}

func quotedPath(r *login.Redirect) string {
	if r.Setting != nil && r.Setting.Secret {
		return "the path of " + r.Setting.Show()
	}
	return r.Path
}

// answeredByAuthorizer reports whether a gateway asks the party itself about a
// path, or may do so.
func answeredByAuthorizer(c *login.Chain, g *login.Gateway, party *login.Party, requestPath string) bool {
	providers, filters := c.Asks(party)
	for _, pod := range g.Pods {
		for _, f := range filters {
			if c.Applies(filterScope(f), pod) {
				return true
			}
		}
		v := c.Judge(pod, login.Request{Path: requestPath})
		if v.Asked == login.No {
			continue
		}
		for _, p := range providers {
			if v.Asker.Provider == p.Name {
				return true
			}
		}
	}
	return false
}

// filterScope is the EnvoyFilter whose workload selector counts.
func filterScope(f *login.Filter) *inventory.Object { return f.Object }
