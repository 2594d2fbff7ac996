package networkpolicy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var portOfNoPod = &checks.Check{
	ID:       "networkpolicy/port-of-no-pod",
	Severity: checks.Warning,
	Doc: `rule opens a port on which no pod listens

The port of a rule is the pod's. Three slips leave it without effect: the port of
the Service, where its targetPort is another; a name that no container gives a
port; and a number that differs from a container's port in one digit (not the last),
where no rule opens that port, or in its protocol.

A number that no container declares is right by itself: containerPort is only
information. It counts as known where a container declares it, a Service leads to
it, a probe asks it or a command line or environment holds it. Rules for pods
that the manifests do not hold are left out.`,
	Fix:   "Write the port on which the pods listen, not the Service's.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-range-of-ports", "kubeflow/pipelines#13139"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		for _, policy := range n.Policies() {
			for _, d := range []reach.Direction{reach.Ingress, reach.Egress} {
				for _, rule := range policy.Rules(d) {
					if pods := destinations(n, policy, rule); len(pods) > 0 {
						for i := range rule.Ports {
							strangePort(pass, n, policy, rule, i, pods)
						}
					}
				}
			}
		}
	},
}

// destinations are the pods that a rule's ports are about, where the manifests
// hold all of them.
func destinations(n *reach.Network, policy *reach.Policy, rule reach.Rule) []*reach.Peer {
	var pods []*reach.Peer
	if rule.Direction == reach.Ingress {
		if ofProfile(n, policy.Key.Namespace) {
			return nil
		}
		for _, pod := range n.PodsIn(policy.Key.Namespace) {
			if policy.Selects(pod) {
				pods = append(pods, pod)
			}
		}
	} else {
		for i := range rule.Peers {
			p := &rule.Peers[i]
			// Other namespaces may hold pods that this render does not.
			if p.IPBlock != nil || p.PodSelector == nil || !reach.Positive(p.PodSelector) {
				return nil
			}
		}
		for _, pod := range n.Pods() {
			if len(rule.Peers) > 0 && rule.Admits(pod) && !ofProfile(n, pod.Namespace) {
				pods = append(pods, pod)
			}
		}
	}
	for _, pod := range pods {
		if pod.OpenPorts {
			return nil
		}
	}
	return pods
}

func strangePort(pass *checks.Pass, n *reach.Network, policy *reach.Policy, rule reach.Rule, i int, pods []*reach.Peer) {
	p := &rule.Ports[i]
	if p.Port == nil || p.EndPort != nil {
		return
	}
	protocol := corev1.ProtocolTCP
	if p.Protocol != nil && *p.Protocol != "" {
		protocol = *p.Protocol
	}
	place := rule.At("ports", i, "port")
	var declared []corev1.ContainerPort
	for _, pod := range pods {
		declared = append(declared, pod.Ports...)
	}
	if p.Port.Type == intstr.String {
		for _, c := range declared {
			if c.Name == p.Port.StrVal && protocolOf(c) == protocol {
				return
			}
		}
		pass.Reportf(place, "%s opens port %s, but no container of %s gives a port that name for %s", policy.Key, p.Port.StrVal, podNames(pods), protocol).
			See(pods[0].Pod.At("spec", "containers"), "the ports that the containers declare")
		return
	}
	number := p.Port.IntVal
	known := reachable(n, pods)
	if slices.Contains(known[protocol], number) {
		return
	}
	if other := otherProtocol(known, protocol, number); other != "" {
		pass.Reportf(rule.At("ports", i, "protocol"), "%s opens %s %d, but %s use that port for %s", policy.Key, protocol, number, podNames(pods), other)
		return
	}
	for _, s := range n.Services() {
		for j := range s.Value.Spec.Ports {
			sp := &s.Value.Spec.Ports[j]
			if sp.Port != number || s.Value.Spec.ClusterIP == corev1.ClusterIPNone {
				continue
			}
			for _, pod := range n.PodsOfService(s) {
				target, ok := reach.TargetPort(sp, pod)
				if !ok || !slices.Contains(pods, pod) || target == number || mentions(pods, number) {
					continue
				}
				pass.Reportf(place, "%s opens port %d, which is that of %s: %s listens on %d", policy.Key, number, s.Key, pod.Name, target).
					See(s.At("spec", "ports", j, "targetPort"), "the Service's port %d leads to the pods' port %d", number, target)
				return
			}
		}
	}
	for _, near := range known[protocol] {
		if slip(number, near) && !opens(n, rule.Direction, near, pods) && !mentions(pods, number) {
			pass.Reportf(place, "%s opens port %d, but %s listens on %d", policy.Key, number, podNames(pods), near).
				See(portPlace(pods, near), "the port that the container declares")
			return
		}
	}
}

func protocolOf(p corev1.ContainerPort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}

func podNames(pods []*reach.Peer) string {
	if len(pods) == 1 {
		return pods[0].Name
	}
	return fmt.Sprintf("%s and %d more", pods[0].Name, len(pods)-1)
}

// reachable are the ports of pods that something speaks of, by protocol:
// containers, Services and probes.
func reachable(n *reach.Network, pods []*reach.Peer) map[corev1.Protocol][]int32 {
	known := map[corev1.Protocol][]int32{}
	add := func(protocol corev1.Protocol, number int32) {
		if !slices.Contains(known[protocol], number) {
			known[protocol] = append(known[protocol], number)
		}
	}
	for _, pod := range pods {
		for _, p := range pod.Ports {
			add(protocolOf(p), p.ContainerPort)
		}
		for _, c := range pod.Pod.Containers() {
			for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
				if probe == nil {
					continue
				}
				if probe.HTTPGet != nil {
					add(corev1.ProtocolTCP, probe.HTTPGet.Port.IntVal)
				}
				if probe.TCPSocket != nil {
					add(corev1.ProtocolTCP, probe.TCPSocket.Port.IntVal)
				}
				if probe.GRPC != nil {
					add(corev1.ProtocolTCP, probe.GRPC.Port)
				}
			}
		}
	}
	for _, s := range n.Services() {
		for _, pod := range n.PodsOfService(s) {
			if !slices.Contains(pods, pod) {
				continue
			}
			for i := range s.Value.Spec.Ports {
				p := &s.Value.Spec.Ports[i]
				if number, ok := reach.TargetPort(p, pod); ok {
					protocol := p.Protocol
					if protocol == "" {
						protocol = corev1.ProtocolTCP
					}
					add(protocol, number)
				}
			}
		}
	}
	return known
}

func otherProtocol(known map[corev1.Protocol][]int32, protocol corev1.Protocol, number int32) corev1.Protocol {
	for _, other := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
		if other != protocol && slices.Contains(known[other], number) {
			return other
		}
	}
	return ""
}

var digits = regexp.MustCompile(`[0-9]+`)

// mentions reports whether a command line or an environment holds a number.
func mentions(pods []*reach.Peer, number int32) bool {
	text := strconv.Itoa(int(number))
	for _, pod := range pods {
		for _, c := range pod.Pod.Containers() {
			words := slices.Concat(c.Command, c.Args)
			for _, e := range c.Env {
				words = append(words, e.Value)
			}
			for _, word := range words {
				if slices.Contains(digits.FindAllString(word, -1), text) {
					return true
				}
			}
		}
	}
	return false
}

// slip reports whether one number is another with one digit replaced or two
// neighbours swapped. Ports that differ in their last digit alone (8080 and
// 8081, 9000 and 9001) are often two of one program.
func slip(a, b int32) bool {
	x, y := strconv.Itoa(int(a)), strconv.Itoa(int(b))
	if len(x) != len(y) || len(x) < 3 {
		return false
	}
	var at []int
	for i := range len(x) {
		if x[i] != y[i] {
			at = append(at, i)
		}
	}
	switch len(at) {
	case 1:
		return at[0] < len(x)-1
	case 2:
		return at[1] == at[0]+1 && x[at[0]] == y[at[1]] && x[at[1]] == y[at[0]]
	}
	return false
}

// opens reports whether some rule opens a port of the pods: of any policy that
// selects them, or, for egress, of any at all.
func opens(n *reach.Network, d reach.Direction, number int32, pods []*reach.Peer) bool {
	covers := func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return slices.ContainsFunc(pods, func(pod *reach.Peer) bool {
				return slices.ContainsFunc(pod.Ports, func(c corev1.ContainerPort) bool {
					return c.Name == p.Port.StrVal && c.ContainerPort == number
				})
			})
		case p.EndPort != nil:
			return p.Port.IntVal <= number && number <= *p.EndPort
		}
		return p.Port.IntVal == number
	}
	return slices.ContainsFunc(n.Policies(), func(policy *reach.Policy) bool {
		if d == reach.Ingress && !slices.ContainsFunc(pods, policy.Selects) {
			return false
		}
		return slices.ContainsFunc(policy.Rules(d), func(rule reach.Rule) bool {
			return slices.ContainsFunc(rule.Ports, covers)
		})
	})
}

// portPlace names the port of a container, the zero place where none declares
// it.
func portPlace(pods []*reach.Peer, number int32) inventory.Place {
	for _, pod := range pods {
		for place, c := range pod.Pod.Containers() {
			for i, p := range c.Ports {
				if p.ContainerPort == number {
					return place.At("ports", i, "containerPort")
				}
			}
		}
	}
	return inventory.Place{}
}
