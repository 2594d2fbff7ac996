package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
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
			hosts := pass.Cluster.Hosts
			if host != "" {
				hosts = []string{host}
			}
			problem := atAnyFront(c, loginPaths(dex), hosts, &dex.Workload, at, func(*login.Gateway, string) bool { return false })
			if problem != nil && seen.first(problem.place, "") {
				problem.report(pass).See(at, "where %s sends browsers", party.Name())
			}
		}
	},
}
