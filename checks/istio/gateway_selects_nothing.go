package istio

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var gatewaySelectsNothing = &checks.Check{
	ID:       "istio/gateway-selects-nothing",
	Severity: checks.Error,
	Doc: `Gateway whose selector matches no pods

Nothing listens for it: no route bound to it is served, and connections are
refused or get a 404. The selector takes labels of the gateway's pods, in any
namespace, not of their Service; the pods of Istio's own ingress gateway carry
istio: ingressgateway, those of Kubeflow's cluster-local gateway both app and
istio: cluster-local-gateway.

Where the render has no gateway pods at all they may be installed apart: then the
answer is undecided.`,
	Fix:   "Write the labels that the gateway's pods carry.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0101/", "https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		gateways := slices.DeleteFunc(m.Net.Pods(), func(p *reach.Peer) bool { return !mesh.IsGateway(p) })
		for _, g := range m.Gateways {
			if len(g.Pods) > 0 {
				continue
			}
			set := g.Value.Spec.Selector
			place := g.At("spec", "selector")
			if len(set) == 1 {
				for name := range set {
					place = place.At(name)
				}
			}
			if len(set) == 0 {
				continue // all proxies
			}
			if len(gateways) == 0 {
				pass.Undecidedf(place, "%s is for pods that the render does not hold: it has no gateway", g.Key)
				continue
			}
			said := ""
			for _, pod := range gateways {
				if path, text, ok := mesh.Slip(set, pod); ok {
					place, said = g.At("spec", "selector", path), ": "+text
					break
				}
			}
			seeLabels(pass.Reportf(place, "%s selects no pods%s", g.Key, said), gateways)
		}
	},
}
