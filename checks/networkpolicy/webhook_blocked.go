package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var webhookBlocked = &checks.Check{
	ID:       "networkpolicy/webhook-blocked",
	Severity: checks.Error,
	Doc: `policy keeps the API server from a webhook

The API server calls admission webhooks, conversion webhooks of CRDs and
aggregated APIs from outside the pod network. A NetworkPolicy lets it in only by
a rule without a from list, or by an ipBlock that holds its address; selectors of
pods and namespaces, even an empty one, never match it. The port that counts is
the one on which the pod listens, not the Service's. Where the way is closed,
every request that the webhook covers waits until it times out and is then
refused, or passes unchanged where failurePolicy is Ignore.

The webhooks are those of the render that call a Service of the render. Whether
an ipBlock holds the API server's address is undecided, as that is not in the
manifests; 0.0.0.0/0 does. A cluster whose API server tunnels its calls through
pods (konnectivity) may let some of them pass, which this check does not count on.
Nor does any check of this family know whether the cluster's network plugin
enforces policies at all.

Upstream's own policies open the webhooks' ports by rules with ports and no from
list. A policy that admits some namespaces alone is right for pods that serve no
webhook, as ml-pipeline's are before its PipelineVersion webhook came.`,
	Fix: "Add an ingress rule with the port of the webhook's pod and no from list.",
	Refs: []string{
		"kubeflow/manifests#3580", "kubeflow/pipelines#13139", "kubeflow/manifests#2189", "kubeflow/katib#1803",
		"https://www.elastic.co/guide/en/cloud-on-k8s/1.1/k8s-webhook-network-policies.html",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		webhooks := calls.Webhooks(n)
		if len(webhooks) == 0 {
			pass.NotApplicable()
		}
		report(pass, n, webhooks)
	},
}
