package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var hostNotServed = &checks.Check{
	ID:       "oidc/host-not-served",
	Severity: checks.Error,
	Doc: `public host that no Gateway serves

Browsers get a 404 from Envoy without any page: the host of the redirect URI, or
one by which users come (by an Ingress before the gateway, say), is in the hosts of no server of the platform's Gateways.
Gateways compare names, with * as the first label or alone; a port does not
count.

Upstream's Gateway serves * and so every host: that is right. Hosts by which
users come are known only if the cluster facts name them. Hosts of other
gateways, such as KServe's, are not looked at.`,
	Fix: "Add the host to the Gateway's servers.",
	Refs: []string{
		"kubeflow/manifests#2664",
		"https://istio.io/latest/docs/reference/config/networking/gateway/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		front := c.Front()
		if len(front) == 0 || c.UsesGatewayAPI() {
			return
		}
		served := func(host string) bool {
			return slices.ContainsFunc(front, func(g *login.Gateway) bool { return g.Serves(host) })
		}
		var hosts []string
		var at inventory.Place
		for _, g := range front {
			for _, s := range g.Servers {
				for _, h := range s.Hosts {
					hosts = append(hosts, h.Show())
					if at.IsZero() {
						at = h.Place
					}
				}
			}
		}
		for _, party := range c.Parties {
			r := party.Redirect()
			if r == nil || r.Host == "" || !r.HostKnown || r.Setting.Secret || c.InCluster(r.Host) || served(r.Host) || c.Published(party.Workload) {
				continue
			}
			pass.Reportf(r.Setting.Place, "%s of %s has users come back to %s, but the platform's Gateways serve %s only", party.Kind(), party.Name(), r.Setting.Show(), list(hosts)).
				See(at, "the hosts of %s", front[0].Key)
		}
		for o := range pass.Render.Of(ingressKind) {
			for i := range o.List("spec", "rules") {
				host := o.String("spec", "rules", i, "host")
				if host != "" && !strings.HasPrefix(host, "*") && leadsToFront(c, o) && !served(host) {
					pass.Reportf(o.At("spec", "rules", i, "host"), "%s leads %s to the platform's Gateways, which serve %s only", o.Key, host, list(hosts)).
						See(at, "the hosts of %s", front[0].Key)
				}
			}
		}
		for _, host := range pass.Cluster.Hosts {
			if !served(host) {
				pass.Reportf(at, "users come by %s, but the platform's Gateways serve %s only", host, list(hosts))
			}
		}
	},
}
