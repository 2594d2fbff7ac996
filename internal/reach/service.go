package reach

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Backend is where connections to a Service end: a pod, or an address that
// is none, and the port there.
type Backend struct {
	Peer *Peer
	Port Port
	// Place is the Service's field that leads to the port.
	Place inventory.Place
}

var (
	endpointsKind     = inventory.Kind[corev1.Endpoints]{Group: corev1.GroupName, Name: "Endpoints"} //nolint:staticcheck // still served, and still written by hand
	endpointSliceKind = inventory.Kind[discoveryv1.EndpointSlice]{Group: discoveryv1.GroupName, Name: "EndpointSlice"}
)

// Service finds a Service.
func (n *Network) Service(namespace, name string) (inventory.Typed[corev1.Service], bool) {
	s, ok := n.services[[2]string{namespace, name}]
	return s, ok
}

// Services are those of the render, in its order.
func (n *Network) Services() []inventory.Typed[corev1.Service] {
	return slices.Collect(serviceKind.Live(n.view))
}

// PodsOfService are the pods that a Service selects.
func (n *Network) PodsOfService(s inventory.Typed[corev1.Service]) []*Peer {
	if len(s.Value.Spec.Selector) == 0 || s.Value.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	selector := labels.SelectorFromSet(s.Value.Spec.Selector)
	var pods []*Peer
	for _, pod := range n.byNS[s.Key.Namespace] {
		if selector.Matches(pod.Labels.Set) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// Lookup finds the Service that a host name means to a pod of a namespace:
// service, service.namespace, service.namespace.svc, with or without the
// cluster's domain, or a pod's own name before those of a headless Service.
func (n *Network) Lookup(host, from string) (inventory.Typed[corev1.Service], bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	parts := strings.Split(strings.TrimSuffix(host, "."+n.options.Domain), ".")
	qualified := len(parts) >= 3 && parts[len(parts)-1] == "svc"
	if strings.HasSuffix(host, "."+n.options.Domain) && !qualified {
		return inventory.Typed[corev1.Service]{}, false
	}
	if qualified {
		parts = parts[:len(parts)-1]
	}
	switch {
	case len(parts) == 1:
		return n.Service(from, parts[0])
	case len(parts) == 2:
		return n.Service(parts[1], parts[0])
	case len(parts) == 3 && qualified: // pod.service.namespace.svc
		if s, ok := n.Service(parts[2], parts[1]); ok && s.Value.Spec.ClusterIP == corev1.ClusterIPNone {
			return s, true
		}
	}
	return inventory.Typed[corev1.Service]{}, false
}

// OnlyPort is the port of a Service that has exactly one of a protocol.
func OnlyPort(s inventory.Typed[corev1.Service], protocol corev1.Protocol) (int32, bool) {
	var found []int32
	for i := range s.Value.Spec.Ports {
		if serviceProtocol(&s.Value.Spec.Ports[i]) == protocol {
			found = append(found, s.Value.Spec.Ports[i].Port)
		}
	}
	if len(found) != 1 {
		return 0, false
	}
	return found[0], true
}

func serviceProtocol(p *corev1.ServicePort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}

// Backends are where connections to a Service's port end. There are none where
// the Service has no such port, or nothing behind it.
func (n *Network) Backends(s inventory.Typed[corev1.Service], port int32, protocol corev1.Protocol) []Backend {
	return n.backends(s, port, protocol, 0)
}

func (n *Network) backends(s inventory.Typed[corev1.Service], port int32, protocol corev1.Protocol, depth int) []Backend {
	if protocol == "" {
		protocol = corev1.ProtocolTCP
	}
	spec := &s.Value.Spec
	if spec.Type == corev1.ServiceTypeExternalName {
		// A name of another Service stands for it; the port is the caller's.
		if next, ok := n.Lookup(spec.ExternalName, ""); ok && depth < 4 && strings.Contains(spec.ExternalName, ".") {
			return n.backends(next, port, protocol, depth+1)
		}
		return []Backend{{n.Outside(spec.ExternalName), Port{protocol, []int32{port}}, s.At("spec", "externalName")}}
	}
	index := slices.IndexFunc(spec.Ports, func(p corev1.ServicePort) bool {
		return p.Port == port && serviceProtocol(&p) == protocol
	})
	headless := spec.ClusterIP == corev1.ClusterIPNone
	if index < 0 && !headless {
		return nil
	}
	if len(spec.Selector) == 0 {
		return n.endpoints(s, index, port, protocol)
	}
	var backends []Backend
	for _, pod := range n.PodsOfService(s) {
		if headless {
			// Its name gives the pods' addresses: nothing translates the port.
			backends = append(backends, Backend{pod, Port{protocol, []int32{port}}, s.At("spec", "clusterIP")})
			continue
		}
		if number, ok := TargetPort(&spec.Ports[index], pod); ok {
			place := s.At("spec", "ports", index, "targetPort")
			backends = append(backends, Backend{pod, Port{protocol, []int32{number}}, place})
		}
	}
	return backends
}

// TargetPort is the pod's port that a Service's port leads to. A name that the
// pod does not have leads nowhere.
func TargetPort(p *corev1.ServicePort, pod *Peer) (int32, bool) {
	if p.TargetPort.Type == intstr.Int {
		if p.TargetPort.IntVal == 0 {
			return p.Port, true
		}
		return p.TargetPort.IntVal, true
	}
	if p.TargetPort.StrVal == "" {
		return p.Port, true
	}
	for _, declared := range pod.Ports {
		if declared.Name == p.TargetPort.StrVal && protocolOfPort(declared) == serviceProtocol(p) {
			return declared.ContainerPort, true
		}
	}
	return 0, false
}

// endpoints reads where a Service without selector leads: its Endpoints and
// EndpointSlices.
func (n *Network) endpoints(s inventory.Typed[corev1.Service], index int, port int32, protocol corev1.Protocol) []Backend {
	name := ""
	if index >= 0 {
		name = s.Value.Spec.Ports[index].Name
	}
	var backends []Backend
	add := func(address string, number int32, place inventory.Place) {
		addr, err := netip.ParseAddr(address)
		if err != nil {
			return
		}
		peer := n.Outside(address, netip.PrefixFrom(addr, addr.BitLen()))
		backends = append(backends, Backend{peer, Port{protocol, []int32{number}}, place})
	}
	if e, ok := endpointsKind.Get(n.view, s.Key.Namespace, s.Key.Name); ok {
		for i, subset := range e.Value.Subsets {
			for _, p := range subset.Ports {
				if p.Name != name || p.Protocol != "" && p.Protocol != protocol {
					continue
				}
				for _, address := range subset.Addresses {
					add(address.IP, p.Port, e.At("subsets", i))
				}
			}
		}
	}
	for e := range endpointSliceKind.Live(n.view) {
		if e.Key.Namespace != s.Key.Namespace || e.Labels()[discoveryv1.LabelServiceName] != s.Key.Name {
			continue
		}
		for i, endpoint := range e.Value.Endpoints {
			for _, p := range e.Value.Ports {
				if p.Port == nil || valueOr(p.Name, "") != name || valueOr(p.Protocol, corev1.ProtocolTCP) != protocol {
					continue
				}
				for _, address := range endpoint.Addresses {
					add(address, *p.Port, e.At("endpoints", i))
				}
			}
		}
	}
	return backends
}

func valueOr[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}
