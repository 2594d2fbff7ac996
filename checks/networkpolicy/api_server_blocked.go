package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var apiServerBlocked = &checks.Check{
	ID:       "networkpolicy/api-server-blocked",
	Severity: checks.Error,
	Doc: `egress policy keeps a program from the API server

Controllers live by the API server, which is no pod: selectors of pods and
namespaces in an egress rule never match it. A pod under an egress policy reaches
it only by a rule without a to list, or by an ipBlock that holds its address, on
the port on which it really listens (6443 or 443, whatever the Service kubernetes
says). Without it the program restarts over and over with "i/o timeout" on the
Service's address.

Reported are pods whose ServiceAccount is bound to some role and whose token is
mounted. What depends on the API server's address or port is undecided: neither
is in the manifests. Upstream has no egress policies.`,
	Fix:   "Add an egress rule with an ipBlock that holds the API server, on its port.",
	Refs:  []string{"projectcalico/libcalico-go#1060", "cilium/cilium#20550", "https://kubernetes.io/docs/concepts/services-networking/network-policies/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		report(pass, n, calls.ToAPIServer(n))
	},
}
