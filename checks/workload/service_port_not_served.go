package workload

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var servicePortNotServed = &checks.Check{
	ID:       "workload/service-port-not-served",
	Severity: checks.Error,
	Doc: `service leads to a port that its pods do not have

A targetPort that is a name leads nowhere unless a container of the pod declares
a port of that name and protocol: the Service has no endpoints for it. A number
needs no declaration, so that it is only reported where nothing of the pod speaks
of that number (ports, command, environment, probes, configuration) and a port
that the pod does declare is reached by no Service: the Service surely means that
one.

Upstream's Services for ports that are not declared are right: a gateway's
listeners, istiod's, the activator's for TLS. So is a headless Service, whose
clients connect to the pod themselves.`,
	Fix: "Name a port that the container declares and listens on.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
		"https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-service-defined-correctly",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		reached := reachedPorts(n)
		checked := false
		for s := range serviceKind.In(pass.Render) {
			pods := n.PodsOfService(s)
			if len(pods) == 0 {
				continue
			}
			checked = true
			for i := range s.Value.Spec.Ports {
				p := &s.Value.Spec.Ports[i]
				if p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "" {
					namedPort(pass, s, i, pods)
				} else if s.Value.Spec.ClusterIP != corev1.ClusterIPNone {
					numberedPort(pass, s, i, pods, reached)
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

func namedPort(pass *checks.Pass, s inventory.Typed[corev1.Service], i int, pods []*reach.Peer) {
	p := &s.Value.Spec.Ports[i]
	var names, protocols []string
	for _, pod := range pods {
		if _, ok := reach.TargetPort(p, pod); ok || pod.OpenPorts {
			return
		}
		for _, declared := range pod.Ports {
			if declared.Name == p.TargetPort.StrVal {
				protocols = append(protocols, string(protocolOf(declared.Protocol)))
			} else if declared.Name != "" {
				names = append(names, declared.Name)
			}
		}
	}
	place := s.At("spec", "ports", i, "targetPort")
	text := fmt.Sprintf("%s leads to port %s, which no container of %s declares", s.Key, p.TargetPort.StrVal, podsText(pods))
	var f *checks.Finding
	if len(protocols) > 0 {
		f = pass.Reportf(place, "%s for %s: it is %s there", text, protocolOf(p.Protocol), protocols[0])
	} else {
		slices.Sort(names)
		hint := near.Hint(p.TargetPort.StrVal, slices.Compact(names))
		if hint == "" && len(names) > 0 {
			hint = "; it has " + strings.Join(slices.Compact(names), ", ")
		}
		f = pass.Reportf(place, "%s%s", text, hint)
	}
	f.See(pods[0].Pod.ContainerAt("containers", 0, "ports"), "the ports that the pods declare")
}

func numberedPort(pass *checks.Pass, s inventory.Typed[corev1.Service], i int, pods []*reach.Peer, reached map[*reach.Peer][]int32) {
	p := &s.Value.Spec.Ports[i]
	var meant []corev1.ContainerPort
	var first *reach.Peer
	for _, pod := range pods {
		number, _ := reach.TargetPort(p, pod)
		if pod.OpenPorts || len(pod.Ports) == 0 || isGateway(pod) || speaksOf(pass.Render, pod, number) {
			return
		}
		for _, declared := range pod.Ports {
			if protocolOf(declared.Protocol) == protocolOf(p.Protocol) && !slices.Contains(reached[pod], declared.ContainerPort) && !auxiliary(pod, declared) {
				meant = append(meant, declared)
				if first == nil {
					first = pod
				}
			}
		}
	}
	if first == nil {
		return
	}
	number, _ := reach.TargetPort(p, first)
	f := pass.Reportf(s.At("spec", "ports", i, "targetPort"), "%s leads to port %d of %s, which declares %d and says nothing of %d", s.Key, number, podsText(pods), meant[0].ContainerPort, number).
		See(first.Pod.ContainerAt("containers", 0, "ports"), "the ports that the pods declare")
	if len(s.Value.Spec.Ports) > 1 {
		f.As(checks.Warning)
	}
}

// reachedPorts are the ports of each pod that some Service leads to.
func reachedPorts(n *reach.Network) map[*reach.Peer][]int32 {
	reached := map[*reach.Peer][]int32{}
	for _, s := range n.Services() {
		for _, pod := range n.PodsOfService(s) {
			for i := range s.Value.Spec.Ports {
				if number, ok := reach.TargetPort(&s.Value.Spec.Ports[i], pod); ok {
					reached[pod] = append(reached[pod], number)
				}
			}
		}
	}
	return reached
}

// isGateway reports whether a pod is a gateway of the mesh, which listens on
// what Gateways say.
func isGateway(pod *reach.Peer) bool {
	return pod.Pod == nil || slices.ContainsFunc(pod.Pod.Spec.Containers, func(c corev1.Container) bool {
		return strings.Contains(c.Image, "proxyv2") || strings.Contains(c.Image, "envoy")
	})
}

// auxiliary reports whether a port is for probes or metrics, which need no
// Service.
func auxiliary(pod *reach.Peer, port corev1.ContainerPort) bool {
	for _, word := range []string{"metric", "prom", "health", "prof", "probe", "debug", "admin", "stat"} {
		if strings.Contains(port.Name, word) {
			return true
		}
	}
	if len(pod.Ports) == 1 {
		return false
	}
	for _, c := range pod.Pod.Containers() {
		for _, probe := range probesOf(c) {
			if probe.port.IntVal == port.ContainerPort || port.Name != "" && probe.port.StrVal == port.Name {
				return true
			}
		}
	}
	return false
}

// numbers are written with their words' ends.
var numbers = regexp.MustCompile(`[0-9]+`)

// speaksOf reports whether anything of a pod holds a number: ports, command,
// environment, probes, annotations and the ConfigMaps that it takes.
func speaksOf(v *inventory.View, pod *reach.Peer, number int32) bool {
	text := strconv.Itoa(int(number))
	holds := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool {
			return strings.Contains(word, text) && slices.Contains(numbers.FindAllString(word, -1), text)
		})
	}
	for _, p := range pod.Ports {
		if p.ContainerPort == number {
			return true
		}
	}
	for _, value := range pod.Pod.Annotations {
		if holds(value) {
			return true
		}
	}
	for _, c := range pod.Pod.Containers() {
		if holds(c.Command...) || holds(c.Args...) {
			return true
		}
		for _, e := range c.Env {
			if holds(e.Value) {
				return true
			}
		}
		for _, probe := range probesOf(c) {
			if probe.port.IntVal == number {
				return true
			}
		}
	}
	for _, ref := range refsOf(pod.Pod) {
		o := v.Get(ref.Kind, pod.Namespace, ref.Name)
		if o == nil {
			return true // what it configures is not known
		}
		for _, field := range []string{"data", "stringData"} {
			for _, value := range o.Map(field) {
				if s, ok := value.(string); ok && holds(s) {
					return true
				}
			}
		}
	}
	return false
}

func protocolOf(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}

func podsText(pods []*reach.Peer) string {
	if len(pods) == 1 {
		return pods[0].Name
	}
	return fmt.Sprintf("%s and %d more", pods[0].Name, len(pods)-1)
}
