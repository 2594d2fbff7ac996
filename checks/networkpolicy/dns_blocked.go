package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var dnsBlocked = &checks.Check{
	ID:       "networkpolicy/dns-blocked",
	Severity: checks.Error,
	Doc: `egress policy leaves no way to the cluster's DNS

Once an egress policy selects a pod, look-ups need a rule of their own: UDP 53 to
the pods labelled k8s-app=kube-dns in kube-system. Without it every call by name
fails, although rules let the call itself pass.

Only pods that surely look names up are reported: those that call a Service by
name and those with Istio's proxy. A database that calls nobody may do without.
A rule that asks for a label of kube-system other than kubernetes.io/metadata.name
is undecided, as that namespace is not in the manifests. A rule that admits what
serves DNS in other clusters, the cache of a node (169.254.20.10) or the pods of
openshift-dns on 5353, is taken for what its cluster needs. Upstream has
no egress policies.`,
	Fix:   "Add an egress rule to namespace kube-system for UDP and TCP 53.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-egress-traffic", "kubernetes/website#54997", "aws/aws-network-policy-agent#230"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		report(pass, n, calls.DNS(n))
	},
}
