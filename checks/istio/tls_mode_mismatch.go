package istio

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var tlsModeMismatch = &checks.Check{
	ID:       "istio/tls-mode-mismatch",
	Severity: checks.Error,
	Doc: `DestinationRule asks for TLS that the other end does not speak

Callers get 503, "upstream connect error": with ISTIO_MUTUAL or MUTUAL their
proxies open mutual TLS to pods that have no proxy to end it, as when injection is
turned off for a workload or its namespace and the rule stays; with DISABLE or
SIMPLE they send what a PeerAuthentication of mode STRICT refuses. A rule without
tls lets Istio choose, and that is right for both.

Only hosts of Services whose pods the render holds are looked at. Upstream sets
ISTIO_MUTUAL for Services whose pods have a sidecar each.`,
	Fix:   "Drop tls from the rule, or give the pods what it asks for.",
	Refs:  []string{"https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule", "https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings-TLSmode"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		if !m.Present() {
			return // nobody knows which pods have a proxy
		}
		for _, r := range m.Rules {
			host := m.Resolve(r.Value.Spec.Host, r.Key.Namespace)
			for _, s := range m.Net.Services() {
				if !mesh.HostCovers(host, m.FQDN(s.Key.Namespace, s.Key.Name)) || s.Made != nil {
					continue
				}
				if tlsMismatch(pass, m, r, s) {
					break // one finding for the rule
				}
			}
		}
	},
}

// tlsMismatch looks at the ports of one Service that a rule is for.
func tlsMismatch(pass *checks.Pass, m *mesh.Mesh, r inventory.Typed[mesh.DestinationRule], s inventory.Typed[corev1.Service]) bool {
	fqdn := m.FQDN(s.Key.Namespace, s.Key.Name)
	for _, p := range s.Value.Spec.Ports {
		mode, place := m.ClientTLS(fqdn, r.Key.Namespace, p.Port)
		if place.Object != r.Object {
			continue
		}
		for _, b := range m.Net.Backends(s, p.Port, p.Protocol) {
			if b.Peer.Pod == nil || len(b.Port.Numbers) != 1 {
				continue
			}
			port := b.Port.Numbers[0]
			proxied := mesh.Proxied(b.Peer) && mesh.Intercepted(b.Peer.Pod, port)
			switch mode {
			case "ISTIO_MUTUAL":
				if !proxied {
					pass.Reportf(place, "%s has callers of %s use mutual TLS, but %s has no proxy that ends it on port %d", r.Key, s.Key, b.Peer.Name, port).
						See(b.Peer.Pod.At("metadata"), "the pods of the Service")
					return true
				}
			case "DISABLE", "SIMPLE":
				if strict, at := m.Accepts(b.Peer, port); proxied && strict == "STRICT" && !mesh.IsGateway(b.Peer) {
					pass.Reportf(place, "%s has callers of %s use TLS mode %s, but %s accepts mutual TLS only", r.Key, s.Key, mode, at.Object.Key).
						See(at, "the mode that the pods of %s accept", s.Key)
					return true
				}
			}
		}
	}
	return false
}
