package istio

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var plaintextRefused = &checks.Check{
	ID:       "istio/plaintext-refused",
	Severity: checks.Error,
	Doc: `strict mutual TLS keeps out a caller without sidecar

The connection is reset: a PeerAuthentication of mode STRICT lets only callers
with a proxy in. The API server never has one, so that a webhook in a pod with a
sidecar fails and takes every request with it that it is called for; workloads
with sidecar.istio.io/inject: "false", or in namespaces without injection, have
none either. Of the PeerAuthentications the one with a selector counts before the
namespace's and that before the root namespace's; a mode for a port counts first.

The ports of gateways, targets without sidecar and ports that an annotation
leaves out take plaintext all the same. Metrics that Prometheus cannot read are a
warning, and so are calls from profiles: their notebooks have sidecars, their
pipeline steps and trials have none.

Upstream is permissive: no PeerAuthentication of its own is STRICT, and those of
Knative's webhooks keep their port PERMISSIVE if somebody adds one.`,
	Fix:   "Make the port PERMISSIVE with portLevelMtls, or give the caller a sidecar.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/security/peer_authentication/", "https://istio.io/latest/docs/ops/common-problems/injection/", "knative/serving#11014"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		if len(m.PeerAuthentications()) == 0 {
			return
		}
		var found []*denial
		profiles, scrapes := calls.FromProfiles(m.Net), calls.Scrapes(m.Net)
		mark := len(needed(m)) - len(profiles)
		for i, c := range slices.Concat(needed(m), scrapes) {
			to := c.To.Peer
			if !mesh.Proxied(to) || mesh.IsGateway(to) || mesh.Proxied(c.From) || len(c.To.Port.Numbers) != 1 {
				continue
			}
			port := c.To.Port.Numbers[0]
			if !mesh.Intercepted(to.Pod, port) || port == 15020 || port == 15021 || port == 15090 {
				continue
			}
			if mode, place := m.Accepts(to, port); mode == "STRICT" {
				c.Minor = i >= mark
				found = append(found, &denial{calls: []calls.Call{c}, place: place, why: ""})
			}
		}
		for _, d := range merged(found) {
			f := pass.Reportf(d.place, "%s cannot call %s: it has no sidecar, and %s accepts mutual TLS only",
				names(d.calls, func(c calls.Call) string { return c.From.Name }),
				names(d.calls, func(c calls.Call) string { return c.To.Peer.Name + " on " + c.To.Port.String() }), d.place.Object.Key)
			if d.calls[0].Minor {
				f.As(checks.Warning)
			}
			for i, c := range d.calls {
				if i < 4 && c.Because != "" {
					f.See(c.Place, "%s", c.Because)
				}
			}
		}
	},
}
