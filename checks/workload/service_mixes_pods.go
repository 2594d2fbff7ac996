package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var serviceMixesPods = &checks.Check{
	ID:       "workload/service-mixes-pods",
	Severity: checks.Error,
	Doc: `service selects pods of another component too

A Service sends each connection to any of the pods that it selects. Where its
selector also fits the pods of another workload, which do not serve the port, every
other request is refused. It happens when the label that tells the components
apart is dropped from the selector, and one that they all share is left.

It is reported where one workload declares the port, and another declares ports,
but not that one, and says nothing of it. A port that is named leads only to pods
that have it, and is left out, as are pods that declare no port at all.`,
	Fix: "Select by the label that only this component's pods carry.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service",
		"https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		checked := false
		for s := range serviceKind.In(pass.Render) {
			pods := n.PodsOfService(s)
			if len(pods) < 2 || s.Value.Spec.ClusterIP == corev1.ClusterIPNone {
				continue
			}
			checked = true
			for i := range s.Value.Spec.Ports {
				p := &s.Value.Spec.Ports[i]
				if p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "" {
					continue
				}
				var serving, stranger *reach.Peer
				for _, pod := range pods {
					number, _ := reach.TargetPort(p, pod)
					switch {
					case slices.ContainsFunc(pod.Ports, func(c corev1.ContainerPort) bool { return c.ContainerPort == number }):
						serving = pod
					case declaresPorts(pod) && !pod.OpenPorts && !isGateway(pod) && !speaksOf(pass.Render, pod, number):
						stranger = pod
					}
				}
				if serving == nil || stranger == nil {
					continue
				}
				pass.Reportf(s.At("spec", "selector"), "%s selects %s, which serves its port %d, and %s, which does not", s.Key, serving.Name, p.Port, stranger.Name).
					See(stranger.Pod.At("metadata", "labels"), "labels that the selector fits").
					See(s.At("spec", "ports", i), "the port")
				break
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// declaresPorts reports whether the pod's own containers declare a port.
func declaresPorts(pod *reach.Peer) bool {
	return slices.ContainsFunc(pod.Pod.Spec.Containers, func(c corev1.Container) bool { return len(c.Ports) > 0 })
}
