package istio

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var portNotOnService = &checks.Check{
	ID:       "istio/port-not-on-service",
	Severity: checks.Error,
	Doc: `route leads to a port that the Service does not have

Requests that take the route are answered with 503: istiod makes one cluster for
each port of a Service, by its port and not by its targetPort, and the route
names none of them. Often the number is that on which the container listens.
A route without a port needs a Service with one port only; with several, Istio
takes the port on which the request came in, that of the Gateway's server.

Services that the render does not hold are left out.`,
	Fix:   "Name a port of the Service in the route's destination.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, vs := range m.VirtualServices {
			for _, t := range vs.Targets() {
				s, ok := m.Service(m.Resolve(t.Destination.Host, vs.Key.Namespace))
				if !ok || len(s.Value.Spec.Ports) == 0 {
					continue
				}
				if t.Destination.Port == nil || t.Destination.Port.Number == 0 {
					withoutPort(pass, m, t, s)
					continue
				}
				number := t.Destination.Port.Number
				if mesh.PortOf(s, number) != nil {
					continue
				}
				hint := ""
				for _, p := range s.Value.Spec.Ports {
					if mesh.TargetsNumber(p, number) {
						hint = fmt.Sprintf("; it is the targetPort of port %d", p.Port)
					}
				}
				pass.Reportf(t.At("port", "number"), "%s routes to port %d of %s, which has %s%s", vs.Key, number, s.Key, ports(s), hint).
					See(s.At("spec", "ports"), "the ports of %s", s.Key)
			}
		}
	},
}

func ports(s inventory.Typed[corev1.Service]) string {
	var numbers []string
	for _, p := range s.Value.Spec.Ports {
		numbers = append(numbers, fmt.Sprint(p.Port))
	}
	return strings.Join(numbers, ", ")
}

// withoutPort looks at a destination without a port: of several the port of the
// Gateway's server is taken.
func withoutPort(pass *checks.Pass, m *mesh.Mesh, t mesh.Target, s inventory.Typed[corev1.Service]) {
	if len(s.Value.Spec.Ports) < 2 {
		return
	}
	for _, g := range m.BoundGateways(t.VirtualService) {
		for i, server := range g.Value.Spec.Servers {
			if mesh.PortOf(s, server.Port.Number) != nil {
				continue
			}
			pass.Reportf(t.At("host"), "%s routes to %s without a port, and of its ports %s none is %d, that of %s", t.VirtualService.Key, s.Key, ports(s), server.Port.Number, g.Key).
				See(g.At("spec", "servers", i, "port", "number"), "the port on which requests come in")
			return
		}
	}
}
