package networkpolicy

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var serviceCallBlocked = &checks.Check{
	ID:       "networkpolicy/service-call-blocked",
	Severity: checks.Error,
	Doc: `policy keeps a workload from a Service that it calls

A workload calls the Services that its environment, its command line and its
configuration name: as service:port, as service.namespace, as a URL, or as a host
and a port in settings of their own (DB_HOST and DB_PORT). Istio's external
authorization, the issuers whose keys istiod fetches, metacontroller's hooks and
the calls that Kubeflow's images make by default belong to them. A NetworkPolicy
of the target, or an egress policy of the caller, that admits others alone makes
these calls time out.

Only addresses of Services that the render holds count, and of ConfigMaps only
those that a pod uses. Values of Secrets and programs in ConfigMaps are not read.
A pod's calls to itself are let pass.

In upstream, the policy default-allow-same-namespace lets the components of
Kubeflow reach each other, and is enough for all of them.`,
	Fix:   "Admit the caller's pods and the target pod's port in the policy that is named.",
	Refs:  []string{"kubeflow/manifests#2205", "https://kubernetes.io/docs/concepts/services-networking/network-policies/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		report(pass, n, serviceCalls(n))
	},
}

// serviceCalls are the calls of workloads that no other check is about, each
// with its effect.
func serviceCalls(n *reach.Network) []calls.Call {
	all := slices.Concat(calls.Configured(n), calls.Implied(n), calls.Addresses(n))
	discovery := calls.Discovery(n)
	var distinct []calls.Call
	for _, call := range all {
		same := func(other calls.Call) bool {
			return other.From == call.From && other.To.Peer == call.To.Peer && slices.Equal(other.To.Port.Numbers, call.To.Port.Numbers)
		}
		if slices.ContainsFunc(discovery, same) || slices.ContainsFunc(distinct, same) {
			continue
		}
		if call.Effect == "" {
			call.Effect = "what it calls there for fails"
		}
		distinct = append(distinct, call)
	}
	return distinct
}
