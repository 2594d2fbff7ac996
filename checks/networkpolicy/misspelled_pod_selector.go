package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var misspelledPodSelector = &checks.Check{
	ID:       "networkpolicy/misspelled-pod-selector",
	Severity: checks.Warning,
	Doc: `policy selects nothing, but nearly selects a component

A policy whose podSelector matches no pod has no effect, and nobody says so. It
is reported where all that keeps it from a pod of its namespace is one label that
is spelled nearly alike: app: katib_ui for app: katib-ui, or the right value
under app.kubernetes.io/name instead of app.

Policies that match nothing and resemble nothing are right: upstream ships some
for components that are optional or gone (model-registry, seldon). Labels that
differ in whole words (ml-pipeline, ml-pipeline-ui) or in digits are names of
different things. In namespaces of profiles users start pods that the manifests
do not hold: policies there are left out.`,
	Fix:   "Write the label as the pods carry it.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource"},
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
			for _, pod := range n.PodsIn(policy.Key.Namespace) {
				path, said, ok := reach.Misspelled(&policy.Value.Spec.PodSelector, pod.Labels)
				if !ok {
					continue
				}
				pass.Reportf(policy.At("spec", "podSelector", path), "%s selects no pod, but nearly %s: %s", policy.Key, pod.Name, said).
					See(pod.Pod.At("metadata", "labels"), "the labels that the pods carry")
				break
			}
		}
	},
}
