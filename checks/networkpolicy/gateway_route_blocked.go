package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var gatewayRouteBlocked = &checks.Check{
	ID:       "networkpolicy/gateway-route-blocked",
	Severity: checks.Error,
	Doc: `policy keeps the gateway from a Service that it routes to

A VirtualService that is bound to a Gateway makes that Gateway's proxies call the
Services it routes to. If a NetworkPolicy of the target admits other pods alone,
or one of the proxies' own lets them out to others alone, the route answers
"upstream connect error" or 503 although everything is configured.

The proxies are the pods that the Gateway's selector matches in any namespace.
Routes of Gateways that are not rendered, those within the mesh alone, and those
of Ingress and HTTPRoute objects are left out.

Upstream routes /kfam/ to profiles-kfam and has never let the gateway in: the
dashboard calls it inside the cluster. That is information.`,
	Fix:   "Admit the namespace of the gateway's pods in an ingress rule of the target's policy.",
	Refs:  []string{"kubeflow/manifests#2205", "https://istio.io/latest/docs/reference/config/networking/virtual-service/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		routes := calls.Routes(n)
		if len(routes) == 0 {
			pass.NotApplicable()
		}
		report(pass, n, routes)
	},
}
