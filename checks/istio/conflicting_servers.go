package istio

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var conflictingServers = &checks.Check{
	ID:       "istio/conflicting-servers",
	Severity: checks.Error,
	Doc: `two Gateways want one port of a proxy for different protocols

Istiod keeps the Gateway that is older and drops the server of the other: its
hosts are not served. A port of the same pods is either plain HTTP or TLS, and
with TLS each host is served with one certificate: a second server with a host of
the first is dropped too.

Several Gateways with HTTP on one port and the same hosts are merged: upstream
has istio-ingressgateway and kubeflow-gateway on port 80 for *, and that is right.`,
	Fix:   "Give the servers of one port the same protocol, and each TLS host to one of them.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0145/", "https://istio.io/latest/docs/ops/common-problems/network-issues/#404-errors-occur-when-multiple-gateways-configured-with-same-tls-certificate"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		type server struct {
			g *mesh.Gateway
			i int
		}
		var all []server
		for _, g := range m.Gateways {
			for i := range g.Value.Spec.Servers {
				all = append(all, server{g, i})
			}
		}
		for n, b := range all {
			for _, a := range all[:n] {
				if !slices.ContainsFunc(a.g.Pods, func(p *reach.Peer) bool { return contains(b.g.Pods, p) }) {
					continue
				}
				one, two := &a.g.Value.Spec.Servers[a.i], &b.g.Value.Spec.Servers[b.i]
				if one.Port.Number != two.Port.Number || one.Bind != two.Bind {
					continue
				}
				if kind(one.Port.Protocol) != kind(two.Port.Protocol) {
					pass.Reportf(b.g.At("spec", "servers", b.i, "port", "protocol"), "%s serves port %d as %s, but %s serves it as %s on the same pods", b.g.Key, two.Port.Number, two.Port.Protocol, a.g.Key, one.Port.Protocol).
						See(a.g.At("spec", "servers", a.i, "port", "protocol"), "the other protocol")
					continue
				}
				if kind(one.Port.Protocol) != "TLS" {
					continue
				}
				for j, host := range two.Hosts {
					_, bare := mesh.SplitHost(host)
					same := slices.ContainsFunc(one.Hosts, func(other string) bool {
						_, otherBare := mesh.SplitHost(other)
						return strings.EqualFold(bare, otherBare)
					})
					if same {
						pass.Reportf(b.g.At("spec", "servers", b.i, "hosts", j), "%s serves %s on port %d by TLS, as %s does on the same pods: only one of them is kept", b.g.Key, bare, two.Port.Number, a.g.Key).
							See(a.g.At("spec", "servers", a.i, "hosts"), "the other server")
					}
				}
			}
		}
	},
}

// kind is what a proxy can share a port among.
func kind(protocol string) string {
	switch p := strings.ToUpper(protocol); {
	case mesh.HTTP(p):
		return "HTTP"
	case p == "HTTPS", p == "TLS":
		return "TLS"
	default:
		return "TCP"
	}
}
