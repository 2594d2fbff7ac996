package mesh

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

// A Truth is yes, no or cannot tell.
type Truth int

// The answers; they order as and and or need it.
const (
	No Truth = iota
	Maybe
	Yes
)

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

func not(t Truth) Truth { return Yes - t }

// A Mesh is the Istio objects of one render. It is for one goroutine, as its
// view is.
type Mesh struct {
	Net *reach.Network
	// Domain is the DNS domain of Services.
	Domain string
	// RootNamespace is where policies are for the whole mesh.
	RootNamespace string
	// TrustDomains are those that principals may begin with, the mesh's own
	// first.
	TrustDomains []string
	// Config is the ConfigMap that says so; nil where the render has none.
	Config *inventory.Object

	Gateways        []*Gateway
	VirtualServices []*VirtualService
	Rules           []inventory.Typed[DestinationRule]
	Entries         []inventory.Typed[ServiceEntry]

	authorization []inventory.Typed[AuthorizationPolicy]
	peer          []inventory.Typed[PeerAuthentication]
	request       []inventory.Typed[RequestAuthentication]
}

// config is the part of Istio's mesh configuration that decides about names.
type config struct {
	RootNamespace      string   `yaml:"rootNamespace"`
	TrustDomain        string   `yaml:"trustDomain"`
	TrustDomainAliases []string `yaml:"trustDomainAliases"`
}

var configMaps = inventory.Kind[corev1.ConfigMap]{Group: "", Name: "ConfigMap"}

// New reads the mesh of a render. An empty domain is cluster.local.
func New(v *inventory.View, domain string) *Mesh {
	if domain == "" {
		domain = "cluster.local"
	}
	m := &Mesh{Net: reach.New(v, reach.Options{Domain: domain}), Domain: domain, RootNamespace: "istio-system"}
	read := config{}
	for cm := range configMaps.In(v) {
		if cm.Key.Name != "istio" || cm.Value.Data["mesh"] == "" {
			continue
		}
		m.Config, m.RootNamespace = cm.Object, cm.Key.Namespace
		if doc, err := cm.At("data", "mesh").Document(); err == nil {
			_ = doc.Decode(&read) // who checks the mesh's configuration says so
		}
		break
	}
	if read.RootNamespace != "" {
		m.RootNamespace = read.RootNamespace
	}
	if read.TrustDomain == "" {
		read.TrustDomain = "cluster.local"
	}
	m.TrustDomains = append([]string{read.TrustDomain}, read.TrustDomainAliases...)
	for o := range GatewayKind.In(v) {
		m.Gateways = append(m.Gateways, m.gateway(o))
	}
	for o := range VirtualServiceKind.In(v) {
		m.VirtualServices = append(m.VirtualServices, &VirtualService{Typed: o})
	}
	for o := range DestinationRuleKind.In(v) {
		m.Rules = append(m.Rules, o)
	}
	for o := range ServiceEntryKind.In(v) {
		m.Entries = append(m.Entries, o)
	}
	for o := range AuthorizationPolicyKind.In(v) {
		m.authorization = append(m.authorization, o)
	}
	for o := range PeerAuthenticationKind.In(v) {
		m.peer = append(m.peer, o)
	}
	for o := range RequestAuthenticationKind.In(v) {
		m.request = append(m.request, o)
	}
	return m
}

// AuthorizationPolicies are those of the render, in its order.
func (m *Mesh) AuthorizationPolicies() []inventory.Typed[AuthorizationPolicy] { return m.authorization }

// RequestAuthentications are those of the render, in its order.
func (m *Mesh) RequestAuthentications() []inventory.Typed[RequestAuthentication] { return m.request }

// PeerAuthentications are those of the render, in its order.
func (m *Mesh) PeerAuthentications() []inventory.Typed[PeerAuthentication] { return m.peer }

// Proxied reports whether Istio's proxy runs in a pod, as a sidecar or as a
// gateway.
func Proxied(p *reach.Peer) bool { return calls.HasProxy(p) }

// IsGateway reports whether a pod is a proxy of its own, not a sidecar.
func IsGateway(p *reach.Peer) bool { return Proxied(p) && !p.Pod.HasSidecar() }

// PodsMatching are the pods of a namespace (all where it is empty) that labels
// select.
func (m *Mesh) PodsMatching(namespace string, set map[string]string) []*reach.Peer {
	var pods []*reach.Peer
	selector := labels.SelectorFromSet(set)
	for _, pod := range m.Net.Pods() {
		if (namespace == "" || pod.Namespace == namespace) && selector.Matches(pod.Labels.Set) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// Resolve makes a host of a route or rule what istiod takes it for: a name
// without a dot is a Service of the object's namespace, any other name is taken
// as it stands (ResolveShortnameToFQDN in istio/istio pilot/pkg/model).
func (m *Mesh) Resolve(host, namespace string) string {
	if host == "*" || strings.Contains(host, ".") {
		return strings.ToLower(host)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	return strings.ToLower(host) + "." + namespace + ".svc." + m.Domain
}

// Service finds the Service of a name as Istio's registry has it:
// name.namespace.svc.domain, in full.
func (m *Mesh) Service(fqdn string) (inventory.Typed[corev1.Service], bool) {
	namespace, name, ok := m.SplitService(fqdn)
	if !ok {
		return inventory.Typed[corev1.Service]{}, false
	}
	return m.Net.Service(namespace, name)
}

// SplitService takes the name of a Service in full apart.
func (m *Mesh) SplitService(fqdn string) (namespace, name string, ok bool) {
	rest, ok := strings.CutSuffix(fqdn, ".svc."+m.Domain)
	if !ok {
		return "", "", false
	}
	name, namespace, ok = strings.Cut(rest, ".")
	if !ok || strings.Contains(namespace, ".") {
		return "", "", false
	}
	return namespace, name, true
}

// FQDN is the name of a Service in full.
func (m *Mesh) FQDN(namespace, name string) string {
	return name + "." + namespace + ".svc." + m.Domain
}

// EntryFor finds a ServiceEntry with a host.
func (m *Mesh) EntryFor(fqdn string) (inventory.Typed[ServiceEntry], bool) {
	for _, e := range m.Entries {
		for _, host := range e.Value.Spec.Hosts {
			if HostCovers(strings.ToLower(host), fqdn) {
				return e, true
			}
		}
	}
	return inventory.Typed[ServiceEntry]{}, false
}

// HostCovers reports whether a host pattern, with * as its first label or
// alone, covers another pattern or host.
func HostCovers(pattern, host string) bool {
	pattern, host = strings.ToLower(pattern), strings.ToLower(host)
	if pattern == "*" {
		return true
	}
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(strings.TrimPrefix(host, "*"), rest)
	}
	return pattern == host
}

// HostsOverlap reports whether two host patterns have a host in common.
func HostsOverlap(a, b string) bool { return HostCovers(a, b) || HostCovers(b, a) }

// KnowsNamespace reports whether the render has Services in a namespace, or
// the namespace itself: one that it does not have may hold others.
func (m *Mesh) KnowsNamespace(name string) bool {
	if _, exists := m.Net.View().Namespace(name); exists {
		return true
	}
	for _, s := range m.Net.Services() {
		if s.Key.Namespace == name && s.Made == nil {
			return true
		}
	}
	return false
}

// Principal is the identity by which a pod calls inside the mesh: empty where
// it has no proxy, so that its calls carry none.
func (m *Mesh) Principal(p *reach.Peer) string {
	if !Proxied(p) {
		return ""
	}
	return m.TrustDomains[0] + "/ns/" + p.Namespace + "/sa/" + p.Pod.ServiceAccount()
}

// Present reports whether Istio's control plane is in the render: pods that it
// injects proxies into, or its injector.
func (m *Mesh) Present() bool {
	return m.Config != nil || slices.ContainsFunc(m.Net.Pods(), Proxied)
}

// Intercepted reports whether a pod's proxy takes the connections to a port of
// the pod: annotations may leave ports out.
func Intercepted(pod *kubeflow.Pod, port int32) bool {
	if pod == nil {
		return false
	}
	if list := pod.Annotations["traffic.sidecar.istio.io/excludeInboundPorts"]; hasPort(list, port) {
		return false
	}
	if list, set := pod.Annotations["traffic.sidecar.istio.io/includeInboundPorts"]; set && list != "*" && !hasPort(list, port) {
		return false
	}
	return true
}

// Captured reports whether a pod's proxy takes its calls to a port.
func Captured(pod *kubeflow.Pod, port int32) bool {
	return pod != nil && !hasPort(pod.Annotations["traffic.sidecar.istio.io/excludeOutboundPorts"], port)
}
