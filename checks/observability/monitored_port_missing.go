package observability

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var monitoredPortMissing = &checks.Check{
	ID:       "observability/monitored-port-missing",
	Severity: checks.Error,
	Doc: `monitor asks for a port that nothing it selects has

The port of a ServiceMonitor's endpoint is the name of a port of the Service, not
that of the container and no number; the port of a PodMonitor's is the name of a
container's port. One that nothing selected has drops every target: Prometheus
shows 0 of n targets up and no error.

One selected Service or pod with the port is enough: monitors for several kinds of
targets are usual. Endpoints without a port, such as those of Istio's monitor for
sidecars, which rewrite the address themselves, are left out. So are monitors that
select nothing (workload/dangling-target, observability/monitor-in-other-namespace)
and pods to which a controller adds containers.`,
	Fix: "Name the port as the Service, or for a PodMonitor the container, names it.",
	Refs: []string{
		"https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.Endpoint",
		"https://prometheus-operator.dev/docs/platform/troubleshooting/#troubleshooting-servicemonitor-changes",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		checked := false
		for m := range monitors(pass.Render) {
			if m.Value.Spec.Selector == nil {
				continue
			}
			if ofServices(m) {
				checked = servicePorts(pass, n, m) || checked
			} else {
				checked = podPorts(pass, n, m) || checked
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

func servicePorts(pass *checks.Pass, n *reach.Network, m inventory.Typed[monitor]) bool {
	services := servicesOf(n, m)
	services = slices.DeleteFunc(services, func(s inventory.Typed[corev1.Service]) bool { return !within(m, s.Key.Namespace) })
	if len(services) == 0 {
		return false
	}
	var names []string
	var pods []*reach.Peer
	for _, s := range services {
		for _, p := range s.Value.Spec.Ports {
			if p.Name != "" {
				names = append(names, p.Name)
			}
		}
		selected := n.PodsOfService(s)
		if len(selected) == 0 {
			pods = append(pods, nil) // who stands behind it is not known
		}
		pods = append(pods, selected...)
	}
	names = distinct(names)
	for i, e := range m.Value.Spec.Endpoints {
		switch {
		case e.Port != "" && !slices.Contains(names, e.Port):
			hint := near.Hint(e.Port, names)
			if hint == "" {
				if name := meant(services, e.Port); name != "" {
					hint = "; that one is named " + name
				} else if len(names) > 0 {
					hint = "; it has " + strings.Join(names, ", ")
				} else {
					hint = "; its port has no name"
				}
			}
			pass.Reportf(m.At("spec", "endpoints", i, "port"), "%s asks for port %s, which %s does not have%s", m.Key, e.Port, servicesText(services), hint).
				See(services[0].At("spec", "ports"), "the ports of the Service")
		case e.Port == "" && e.TargetPort != nil:
			containerPort(pass, m, m.At("spec", "endpoints", i, "targetPort"), *e.TargetPort, pods)
		}
	}
	return true
}

// meant is the Service port that leads to what a monitor names by the target's
// name or by a number.
func meant(services []inventory.Typed[corev1.Service], port string) string {
	for _, s := range services {
		for _, p := range s.Value.Spec.Ports {
			if number := intstr.FromInt32(p.Port); p.Name != "" && (p.TargetPort.String() == port || number.String() == port) {
				return p.Name
			}
		}
	}
	return ""
}

func servicesText(services []inventory.Typed[corev1.Service]) string {
	if len(services) == 1 {
		return services[0].Key.String()
	}
	return "none of the Services that it selects (" + services[0].Key.String() + " for one)"
}

func podPorts(pass *checks.Pass, n *reach.Network, m inventory.Typed[monitor]) bool {
	pods := slices.DeleteFunc(podsOf(n, m), func(p *reach.Peer) bool { return !within(m, p.Namespace) })
	if len(pods) == 0 {
		return false
	}
	for i, e := range m.Value.Spec.PodMetricsEndpoints {
		switch {
		case e.Port != "":
			containerPort(pass, m, m.At("spec", "podMetricsEndpoints", i, "port"), intstr.FromString(e.Port), pods)
		case e.PortNumber != nil:
			containerPort(pass, m, m.At("spec", "podMetricsEndpoints", i, "portNumber"), intstr.FromInt32(*e.PortNumber), pods)
		case e.TargetPort != nil:
			containerPort(pass, m, m.At("spec", "podMetricsEndpoints", i, "targetPort"), *e.TargetPort, pods)
		}
	}
	return true
}

// containerPort reports a port that none of the pods declares. The operator
// finds targets by what pods declare, so that a number must be declared too.
func containerPort(pass *checks.Pass, m inventory.Typed[monitor], place inventory.Place, port intstr.IntOrString, pods []*reach.Peer) {
	var names []string
	var seen *reach.Peer
	for _, pod := range pods {
		if pod == nil || pod.OpenPorts || pod.Pod == nil {
			return
		}
		seen = pod
		for _, p := range pod.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return
			}
			if p.Name != "" {
				names = append(names, p.Name)
			}
		}
	}
	if seen == nil {
		return
	}
	names = distinct(names)
	hint := near.Hint(port.String(), names)
	if hint == "" && len(names) > 0 {
		hint = "; declared are " + strings.Join(names, ", ")
	}
	pass.Reportf(place, "%s asks for port %s, which no container of %s declares%s", m.Key, port.String(), seen.Name, hint).
		See(seen.Pod.ContainerAt("containers", 0, "ports"), "the ports of the pod")
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
