package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var knativeBlocked = &checks.Check{
	ID:       "networkpolicy/knative-blocked",
	Severity: checks.Error,
	Doc: `policy keeps Knative and the gateways from each other

net-istio-controller probes each new route at the pods of the gateways that
config-istio names, and calls it ready only when all of them answer: where a
policy closes the gateways to it, no Knative Service and no InferenceService
becomes ready, with "Waiting for load balancer to be ready". The gateways in turn
pass requests for services that are scaled to zero to the activator's port 8012.

Calls of the activator and the autoscaler to revisions are with
profile-blocked; those between Knative's components with service-call-blocked.`,
	Fix:   "Admit knative-serving on the ports of the gateways' pods, and the gateways on the activator's.",
	Refs:  []string{"https://github.com/knative/networking/blob/main/pkg/status/status.go", "knative-extensions/net-istio#700"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		knative := calls.Knative(n)
		if len(knative) == 0 {
			pass.NotApplicable()
		}
		report(pass, n, knative)
	},
}
