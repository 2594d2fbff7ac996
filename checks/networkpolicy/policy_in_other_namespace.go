package networkpolicy

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var policyInOtherNamespace = &checks.Check{
	ID:       "networkpolicy/policy-in-other-namespace",
	Severity: checks.Warning,
	Doc: `policy selects pods that run in another namespace

A NetworkPolicy applies to pods of its own namespace. One whose podSelector
matches no pod there, and does match pods elsewhere, protects nothing and admits
nobody: often a namespace line in a kustomization has moved it. The API server
takes it without a word.

Policies of namespaces of profiles are left out: users start pods there that the
manifests do not hold. So are policies without any label to look for, and those
that match nothing anywhere: upstream ships some for components that are optional
or gone (model-registry, seldon).`,
	Fix:   "Put the policy into the namespace of the pods that it is for.",
	Refs:  []string{"kubeflow/manifests#3342"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		for _, policy := range n.Policies() {
			if !idle(n, policy) {
				continue
			}
			var elsewhere *reach.Peer
			more := 0
			for _, pod := range n.Pods() {
				if surely, _ := reach.Match(&policy.Value.Spec.PodSelector, pod.Labels); surely {
					if elsewhere == nil {
						elsewhere = pod
					} else {
						more++
					}
				}
			}
			if elsewhere == nil {
				continue
			}
			others := ""
			if more > 0 {
				others = fmt.Sprintf(" and %d more", more)
			}
			pass.Reportf(policy.At("metadata", "namespace"), "%s selects no pod of its namespace, but would select %s%s",
				policy.Key, elsewhere.Name, others).
				See(elsewhere.Pod.At("metadata", "labels"), "these pods carry the labels, in namespace %s", elsewhere.Namespace)
		}
	},
}

// idle reports whether a policy asks for some label and surely selects no pod:
// neither a rendered one nor, in the namespace of a profile, a user's.
func idle(n *reach.Network, policy *reach.Policy) bool {
	if !reach.Positive(&policy.Value.Spec.PodSelector) || ofProfile(n, policy.Key.Namespace) {
		return false
	}
	for _, pod := range n.PodsIn(policy.Key.Namespace) {
		if policy.MaySelect(pod) {
			return false
		}
	}
	return true
}

// ofProfile reports whether users start pods in a namespace.
func ofProfile(n *reach.Network, namespace string) bool {
	set := n.NamespaceLabels(namespace).Set
	return set["app.kubernetes.io/part-of"] == "kubeflow-profile"
}
