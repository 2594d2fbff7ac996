package webhook

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var noPodBehind = &checks.Check{
	ID:       "webhook/no-pod-behind",
	Severity: checks.Error,
	Doc: `webhook is called at a Service that no pod answers for

The Service is there, but it selects no pod, its port leads to none, or the
workload behind it is scaled to zero: the API server answers ` + "`no endpoints available for service`" + ` to every
request that the webhook is for, often to every pod.

This stands beside the finding about the Service itself, because what breaks is
not what the Service is part of. Pods in a namespace that is not rendered are
left out, as are Services whose endpoints are given by hand.`,
	Fix: "Make the Service lead to the pods that answer the webhook, or remove the webhook along with them.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
		"kubeflow/manifests#2689",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		type answered struct {
			service string
			port    int32
		}
		seen := map[answered]bool{}
		// Once for each port of a Service, at what is wrong: several webhooks are
		// often called at it, and none of them is at fault.
		each(pass, func(c *call) {
			s, ok := n.Service(c.service.Namespace, c.service.Name)
			if !ok || s.Made != nil || s.Value.Spec.Type == corev1.ServiceTypeExternalName || len(s.Value.Spec.Selector) == 0 {
				return
			}
			report := func(place inventory.Place, format string, args ...any) {
				key := answered{s.Key.String(), c.service.port()}
				if seen[key] {
					return
				}
				seen[key] = true
				text := fmt.Sprintf(format, args...)
				c.severity(pass.Reportf(place, "%s is called at %s, %s: %s", c.what, s.Key, text, c.effect)).
					See(c.serviceAt("name"), "what is called there")
			}
			pods := n.PodsOfService(s)
			if len(pods) == 0 {
				if pass.Render.Get(namespaceKind, "", c.service.Namespace) == nil && len(n.PodsIn(c.service.Namespace)) == 0 {
					return
				}
				report(s.At("spec", "selector"), "which selects no pod")
				return
			}
			if none(pods) {
				report(pods[0].Pod.Owner.At("spec", "replicas"), "whose pods are scaled to zero by %s", pods[0].Pod.Owner.Key)
				return
			}
			for i, p := range s.Value.Spec.Ports {
				if p.Port == c.service.port() && len(n.Backends(s, p.Port, corev1.ProtocolTCP)) == 0 {
					report(s.At("spec", "ports", i, "targetPort"), "whose port %d leads to port %s, which no pod has", p.Port, p.TargetPort.String())
				}
			}
		})
	},
}

// none reports whether all workloads are scaled to zero for good: no
// autoscaler starts one from there.
func none(pods []*reach.Peer) bool {
	for _, pod := range pods {
		if pod.Pod.Replicas != 0 || pod.Pod.Owner.Get(inventory.Path{"spec", "replicas"}) == nil {
			return false
		}
	}
	return true
}
