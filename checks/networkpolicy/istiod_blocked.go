package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var istiodBlocked = &checks.Check{
	ID:       "networkpolicy/istiod-blocked",
	Severity: checks.Error,
	Doc: `policy keeps proxies from istiod

Sidecars and gateways get their configuration and their certificates from the
mesh's discovery address (istiod, port 15012). A policy in istio-system that
closes it, or an egress policy that does not open it, keeps each proxy from
becoming ready, and with it the pod.

The address is that of the mesh configuration's defaultConfig. A proxy that
overrides it by annotation is not looked at.`,
	Fix:   "Admit all namespaces with a proxy on istiod's port 15012, and let restricted pods out to it.",
	Refs:  []string{"https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio", "istio/istio#31717"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		discovery := calls.Discovery(n)
		if len(discovery) == 0 {
			pass.NotApplicable()
		}
		report(pass, n, discovery)
	},
}
