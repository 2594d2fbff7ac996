package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
)

var loginPageNotRouted = &checks.Check{
	ID:       "oidc/login-page-not-routed",
	Severity: checks.Error,
	Doc: `login page that the gateway does not lead to Dex

Instead of Dex's login page the browser gets a 404 or 503, or the dashboard asks
to log in again: the relying party sends browsers to Dex on the platform's own
host, and no VirtualService leads Dex's paths to Dex's Service and port. All
pages below the issuer's path are needed: a route for /dex/auth alone shows a
form that leads nowhere.

A Dex with an Ingress or a load balancer of its own is left out, and so are
renders that route by the Gateway API, and logins at another host that no
Gateway serves.`,
	Fix: "Route the issuer's path, with all below it and unchanged, to Dex's Service.",
	Refs: []string{
		"https://dexidp.io/docs/configuration/",
		"canonical/bundle-kubeflow#833",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil || !dex.Issuer.Known() || c.UsesGatewayAPI() || c.Published(&dex.Workload) {
				continue
			}
			host, ok := browserHost(c, party)
			if !ok {
				continue
			}
			at := place(dex.Issuer, &dex.Workload)
			if s := party.LoginURL(); s != nil {
				at = s.Place
			}
			for _, g := range c.Front() {
				if host != "" && !g.Serves(host) {
					continue
				}
				for _, requestPath := range loginPaths(dex) {
					problem := notRouted(c, g, requestPath, host, &dex.Workload, at)
					if problem == nil {
						continue
					}
					if seen.first(problem.place, "") {
						problem.report(pass).See(at, "where %s sends browsers", party.Name())
					}
					break
				}
			}
		}
	},
}
