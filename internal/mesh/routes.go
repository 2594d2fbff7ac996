package mesh

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// A Gateway is a Gateway with the pods that serve it.
type Gateway struct {
	inventory.Typed[GatewayObject]
	Pods []*reach.Peer
}

// gateway finds the pods of a Gateway: those that its selector matches in any
// namespace (unless PILOT_SCOPE_GATEWAY_TO_NAMESPACE is set, which nobody does
// with Kubeflow: its Gateway is not where the proxies are).
func (m *Mesh) gateway(o inventory.Typed[GatewayObject]) *Gateway {
	g := &Gateway{Typed: o}
	if len(o.Value.Spec.Selector) > 0 {
		g.Pods = append(g.Pods, m.PodsMatching("", o.Value.Spec.Selector)...)
	}
	return g
}

// HTTP reports whether a server of the gateway reads HTTP requests, so that
// routes by path apply.
func HTTP(protocol string) bool {
	switch strings.ToUpper(protocol) {
	case "HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY":
		return true
	}
	return false
}

// SplitHost takes a host of a Gateway's server apart: namespace/host.
func SplitHost(host string) (namespace, bare string) {
	if namespace, bare, ok := strings.Cut(host, "/"); ok {
		return namespace, bare
	}
	return "*", host
}

// Gateway finds a Gateway.
func (m *Mesh) Gateway(namespace, name string) *Gateway {
	i := slices.IndexFunc(m.Gateways, func(g *Gateway) bool { return g.Key.Namespace == namespace && g.Key.Name == name })
	if i < 0 {
		return nil
	}
	return m.Gateways[i]
}

// A VirtualService is one of the render.
type VirtualService struct {
	inventory.Typed[VirtualServiceObject]
}

// GatewayName makes a name in gateways a namespace and a name; mesh stands for
// the sidecars and has no namespace.
func (vs *VirtualService) GatewayName(name string) (namespace, bare string) {
	if name == "mesh" {
		return "", name
	}
	if namespace, bare, ok := strings.Cut(name, "/"); ok {
		if namespace == "." {
			namespace = vs.Key.Namespace
		}
		return namespace, bare
	}
	return vs.Key.Namespace, name
}

// Delegate reports whether the VirtualService has no hosts, so that others
// delegate to it.
func (vs *VirtualService) Delegate() bool { return len(vs.Value.Spec.Hosts) == 0 }

// A Target is a destination of a route with its place.
type Target struct {
	VirtualService *VirtualService
	Path           inventory.Path // of the destination
	Destination    Destination
}

// At names a field of the destination.
func (t Target) At(steps ...any) inventory.Place {
	return t.VirtualService.At(t.Path, inventory.MakePath(steps...))
}

// Targets are the destinations of all routes, mirrors included.
func (vs *VirtualService) Targets() []Target {
	var found []Target
	add := func(d Destination, steps ...any) {
		found = append(found, Target{vs, inventory.MakePath(steps...), d})
	}
	for i, r := range vs.Value.Spec.HTTP {
		for j, d := range r.Route {
			add(d.Destination, "spec", "http", i, "route", j, "destination")
		}
		if r.Mirror != nil {
			add(*r.Mirror, "spec", "http", i, "mirror")
		}
		for j, d := range r.Mirrors {
			add(d.Destination, "spec", "http", i, "mirrors", j, "destination")
		}
	}
	for _, list := range []struct {
		field  string
		routes []Raw
	}{{"tcp", vs.Value.Spec.TCP}, {"tls", vs.Value.Spec.TLS}} {
		for i, r := range list.routes {
			for j, d := range r.Route {
				add(d.Destination, "spec", list.field, i, "route", j, "destination")
			}
		}
	}
	return found
}

// BoundGateways are the Gateways of the render that the VirtualService names.
func (m *Mesh) BoundGateways(vs *VirtualService) []*Gateway {
	var found []*Gateway
	for _, name := range vs.Value.Spec.Gateways {
		namespace, bare := vs.GatewayName(name)
		if g := m.Gateway(namespace, bare); g != nil {
			found = append(found, g)
		}
	}
	return found
}

// Served reports whether a server's hosts have one in common with a host of a
// VirtualService of a namespace, and whether they would have but for the
// namespace that they are kept for.
func (m *Mesh) Served(g *Gateway, serverHost, host, namespace string) (served, elsewhere bool) {
	scope, bare := SplitHost(serverHost)
	if !HostsOverlap(bare, host) {
		return false, false
	}
	if scope == "*" || scope == namespace || scope == "." && g.Key.Namespace == namespace {
		return true, false
	}
	return false, true
}

// Exported reports whether an object with exportTo can be seen in a namespace.
func Exported(exportTo []string, own, namespace string) bool {
	if len(exportTo) == 0 {
		return true
	}
	return slices.Contains(exportTo, "*") || slices.Contains(exportTo, namespace) || slices.Contains(exportTo, ".") && own == namespace
}

// RulesFor are the DestinationRules for a host, those with the host itself
// before those with a wildcard.
func (m *Mesh) RulesFor(fqdn string) []inventory.Typed[DestinationRule] {
	var exact, wild []inventory.Typed[DestinationRule]
	for _, r := range m.Rules {
		host := m.Resolve(r.Value.Spec.Host, r.Key.Namespace)
		switch {
		case host == fqdn:
			exact = append(exact, r)
		case strings.HasPrefix(host, "*") && HostCovers(host, fqdn):
			wild = append(wild, r)
		}
	}
	return append(exact, wild...)
}

// ListenerPort is the port of its own on which a gateway's pod serves a port of
// a Gateway: where a Service of the pod has that port, its target port (mergeGateways
// in istio/istio pilot/pkg/model/gateway.go). reached tells whether some Service
// leads to it, and through which.
func (m *Mesh) ListenerPort(pod *reach.Peer, number int32) (port int32, reached []inventory.Typed[corev1.Service]) {
	services := m.ServicesOf(pod)
	port = number
	for _, s := range services {
		for i := range s.Value.Spec.Ports {
			if p := &s.Value.Spec.Ports[i]; p.Port == number {
				if target, ok := reach.TargetPort(p, pod); ok {
					port = target
				}
			}
		}
	}
	for _, s := range services {
		for i := range s.Value.Spec.Ports {
			p := &s.Value.Spec.Ports[i]
			if target, ok := reach.TargetPort(p, pod); ok && target == port {
				reached = append(reached, s)
			}
		}
	}
	return port, reached
}

// ServicesOf are the Services that select a pod.
func (m *Mesh) ServicesOf(pod *reach.Peer) []inventory.Typed[corev1.Service] {
	var found []inventory.Typed[corev1.Service]
	for _, s := range m.Net.Services() {
		if s.Key.Namespace == pod.Namespace && slices.Contains(m.Net.PodsOfService(s), pod) {
			found = append(found, s)
		}
	}
	return found
}

// PortOf finds a port of a Service by number.
func PortOf(s inventory.Typed[corev1.Service], number int32) *corev1.ServicePort {
	i := slices.IndexFunc(s.Value.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == number })
	if i < 0 {
		return nil
	}
	return &s.Value.Spec.Ports[i]
}

// TargetsNumber reports whether a Service's port leads to a number.
func TargetsNumber(p corev1.ServicePort, number int32) bool {
	return p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal == number
}

// TCPOnly reports whether Istio is told that a port of a Service does not carry
// HTTP, by its appProtocol or the prefix of its name; a port that says nothing
// is looked into.
func TCPOnly(p *corev1.ServicePort) bool {
	name, _, _ := strings.Cut(p.Name, "-")
	if p.AppProtocol != nil {
		name = *p.AppProtocol
	}
	switch strings.ToLower(name) {
	case "tcp", "tls", "https", "mongo", "mysql", "redis", "udp":
		return true
	}
	switch p.Port { // well-known ports on which servers speak first
	case 3306, 27017:
		return p.Name == "" || !strings.HasPrefix(strings.ToLower(p.Name), "http")
	}
	return false
}
