package istio

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var gatewayPortNotExposed = &checks.Check{
	ID:       "istio/gateway-port-not-exposed",
	Severity: checks.Error,
	Doc: `Gateway serves a port that no Service leads to

Clients cannot connect. A port of a Gateway is that of a Service of the gateway's
pods; where no Service has it, the proxy listens on that very number, and a
Service's targetPort must lead there. A Gateway for port 443 needs a Service with
port 443.

Kubeflow's knative-local-gateway serves 8081, which is the targetPort of the
Service knative-local-gateway: that is right. Pods without any Service in the
render, and pods that open the port on their node, are left out.`,
	Fix:   "Add the port to the gateway's Service, or serve one that it has.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0104/", "https://istio.io/latest/docs/reference/config/networking/gateway/#Port"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, g := range m.Gateways {
			for i, server := range g.Value.Spec.Servers {
				for _, pod := range g.Pods {
					services := m.ServicesOf(pod)
					if len(services) == 0 || pod.HostNetwork || hostPort(pod.Pod.Spec.Containers, server.Port.Number) || !mesh.IsGateway(pod) {
						continue
					}
					port, reached := m.ListenerPort(pod, server.Port.Number)
					if len(reached) > 0 {
						continue
					}
					f := pass.Reportf(g.At("spec", "servers", i, "port", "number"), "%s serves port %d, but no Service leads to port %d of %s", g.Key, server.Port.Number, port, pod.Name)
					for _, s := range services {
						f.See(s.At("spec", "ports"), "%s has %s", s.Key, ports(s))
					}
					break
				}
			}
		}
	},
}

// hostPort reports whether a container opens a port on its node.
func hostPort(containers []corev1.Container, number int32) bool {
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.HostPort != 0 && (p.HostPort == number || p.ContainerPort == number) {
				return true
			}
		}
	}
	return false
}
