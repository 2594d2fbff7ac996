package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var externalUsersBlocked = &checks.Check{
	ID:       "networkpolicy/external-users-blocked",
	Severity: checks.Error,
	Doc: `policy keeps users outside from the gateway

Where the gateway's Service is a LoadBalancer or a NodePort, users come from
addresses outside the cluster, or from those of nodes. A policy on the gateway's
pods that admits pods alone shuts all of them out: connections time out.

Only ports that a Gateway serves count. A policy that admits some address ranges
is taken for what its author wants. Behind a ClusterIP, which is upstream's
default, users come by port forwarding, which no policy sees, or through an
ingress of which the manifests may not know.`,
	Fix:   "Admit the users' addresses, or everybody by a rule without a from list, on the ports of the gateway's pods.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors", "ahmetb/kubernetes-network-policy-recipes#1"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		users := calls.FromOutside(n)
		if len(users) == 0 {
			pass.NotApplicable()
		}
		for _, b := range blocks(n, users) {
			if b.answer.Verdict == reach.Denied {
				b.report(pass)
			}
		}
	},
}
