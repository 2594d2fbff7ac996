package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// Options are what the manifests do not say about the network. A list that was
// not given is unknown.
type Options struct {
	// APIServer, Nodes and Pods are the addresses from which the API server
	// and the nodes connect, and those that pods get.
	APIServer, Nodes, Pods []netip.Prefix
	// Domain is the DNS domain of Services; empty is cluster.local.
	Domain string
}

// A Network is the pods, policies and Services of one render. It is for one
// goroutine, as its view is.
type Network struct {
	view     *inventory.View
	options  Options
	pods     []*Peer
	byNS     map[string][]*Peer
	policies []*Policy
	inNS     map[string][]*Policy
	services map[[2]string]inventory.Typed[corev1.Service]
}

var (
	policyKind  = inventory.Kind[networkingv1.NetworkPolicy]{Group: networkingv1.GroupName, Name: "NetworkPolicy"}
	serviceKind = inventory.Kind[corev1.Service]{Group: corev1.GroupName, Name: "Service"}
)

// New reads the network of a render.
func New(v *inventory.View, options Options) *Network {
	if options.Domain == "" {
		options.Domain = "cluster.local"
	}
	n := &Network{
		view: v, options: options,
		byNS: map[string][]*Peer{}, inNS: map[string][]*Policy{},
		services: map[[2]string]inventory.Typed[corev1.Service]{},
	}
	for o := range policyKind.Live(v) {
		policy := &Policy{Typed: o}
		policy.Ingress, policy.Egress = directions(&o.Value.Spec)
		n.policies = append(n.policies, policy)
		n.inNS[o.Key.Namespace] = append(n.inNS[o.Key.Namespace], policy)
	}
	for pod := range kubeflow.Pods(v) {
		peer := n.podPeer(pod)
		n.pods = append(n.pods, peer)
		n.byNS[peer.Namespace] = append(n.byNS[peer.Namespace], peer)
	}
	for o := range serviceKind.Live(v) {
		n.services[[2]string{o.Key.Namespace, o.Key.Name}] = o
	}
	return n
}

// View is what the network was read from.
func (n *Network) View() *inventory.View { return n.view }

// Pods are the pods that the render will run, in its order.
func (n *Network) Pods() []*Peer { return slices.Clone(n.pods) }

// PodsIn are the pods of one namespace.
func (n *Network) PodsIn(namespace string) []*Peer { return slices.Clone(n.byNS[namespace]) }

// Policies are the policies of the render, in its order.
func (n *Network) Policies() []*Policy { return slices.Clone(n.policies) }

// A Peer is one end of a connection.
type Peer struct {
	// Name is how messages call it.
	Name string
	// Namespace, NamespaceLabels, Labels and Ports are a pod's. A peer without
	// namespace is no pod.
	Namespace       string
	NamespaceLabels Labels
	Labels          Labels
	Ports           []corev1.ContainerPort
	// OpenPorts says that the pod may declare other ports than Ports.
	OpenPorts bool
	// HostNetwork says that the pod has its node's address: policies do not
	// apply to it, and for those of others it is no pod.
	HostNetwork bool
	// Addresses are those that the peer may have, where they are known.
	Addresses []netip.Prefix
	// Kubelet marks the node that runs the other end: it always gets through.
	Kubelet bool
	// Pod is what the manifests say of it; nil for a peer they do not hold.
	Pod *kubeflow.Pod
}

// IsPod reports whether selectors can match the peer.
func (p *Peer) IsPod() bool { return p.Namespace != "" && !p.HostNetwork }

// Owner is the object that the pod is made of, nil where the manifests hold
// none.
func (p *Peer) Owner() *inventory.Object {
	if p.Pod == nil {
		return nil
	}
	return p.Pod.Owner
}

// controllerLabels are those that controllers give to the pods that they make,
// by kind; their values are known in the cluster alone.
var controllerLabels = map[string][]string{
	"Deployment":  {"pod-template-hash"},
	"ReplicaSet":  {"pod-template-hash"},
	"StatefulSet": {"controller-revision-hash", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"},
	"DaemonSet":   {"controller-revision-hash", "pod-template-generation"},
	"Job":         {"controller-uid", "batch.kubernetes.io/controller-uid"},
	"CronJob":     {"controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name"},
}

func (n *Network) podPeer(pod *kubeflow.Pod) *Peer {
	peer := &Peer{
		Name:            pod.Owner.Key.String(),
		Namespace:       pod.Namespace,
		NamespaceLabels: n.NamespaceLabels(pod.Namespace),
		Labels:          Labels{Set: pod.Labels, Carries: controllerLabels[pod.Owner.Key.Kind]},
		HostNetwork:     pod.Spec.HostNetwork,
		Addresses:       n.options.Pods,
		Pod:             pod,
	}
	if peer.HostNetwork {
		peer.Addresses = n.options.Nodes
	}
	// An init container that keeps running is a sidecar: its ports count.
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			peer.Ports = append(peer.Ports, c.Ports...)
		}
	}
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Injected) {
		peer.Ports = append(peer.Ports, c.Ports...)
	}
	switch pod.Owner.Key.GroupKind {
	case inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}, inventory.GroupKind{Group: "kubeflow.org", Kind: "Notebook"}:
		// Their controllers add labels, and Knative a container with ports.
		peer.Labels.Open, peer.OpenPorts = true, true
	}
	return peer
}

// NamespaceLabels are what is known of a namespace's labels: all of them where
// the render holds or makes it, its name otherwise.
func (n *Network) NamespaceLabels(name string) Labels {
	set, exists := n.view.Namespace(name)
	set[corev1.LabelMetadataName] = name // the API server sees to it
	return Labels{Set: set, Open: !exists}
}

// APIServer is the API server as it calls webhooks: from outside the pod
// network.
func (n *Network) APIServer() *Peer {
	return &Peer{Name: "the API server", Addresses: n.options.APIServer}
}

// Outside is a peer outside the cluster with one known address or, with the
// zero address, any.
func (n *Network) Outside(name string, addresses ...netip.Prefix) *Peer {
	return &Peer{Name: name, Addresses: addresses}
}

// Kubelet is the node that runs the pod at the other end.
func (n *Network) Kubelet() *Peer { return &Peer{Name: "the kubelet", Kubelet: true} }

// Representative is a pod that no manifest holds and that a controller or a
// user will start in a namespace.
func (n *Network) Representative(name, namespace string, l Labels, ports ...corev1.ContainerPort) *Peer {
	return &Peer{
		Name: name, Namespace: namespace, NamespaceLabels: n.NamespaceLabels(namespace),
		Labels: l, Ports: ports, OpenPorts: true, Addresses: n.options.Pods,
	}
}

// A Port is what a connection is made to: the pod's port.
type Port struct {
	Protocol corev1.Protocol // empty is TCP
	// Numbers are those that it may be; none is unknown.
	Numbers []int32
}

// TCP is a known TCP port.
func TCP(number int32) Port { return Port{corev1.ProtocolTCP, []int32{number}} }

// UDP is a known UDP port.
func UDP(number int32) Port { return Port{corev1.ProtocolUDP, []int32{number}} }

func (p Port) protocol() corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}

func (p Port) String() string {
	var numbers []string
	for _, number := range p.Numbers {
		numbers = append(numbers, fmt.Sprint(number))
	}
	if len(numbers) == 0 {
		return string(p.protocol())
	}
	return string(p.protocol()) + " " + strings.Join(numbers, " or ")
}

// ProfileNamespace is a namespace that the profile controller will make for
// some user: its labels are known but for its name.
func (n *Network) ProfileNamespace() Labels {
	set := labels.Set{}
	for key, value := range kubeflow.ProfileNamespaceLabels(n.view) {
		set[key] = value
	}
	return Labels{Set: set, Carries: []string{corev1.LabelMetadataName}}
}

// PodsWith are the pods that carry all of some labels; none where no label is
// asked for.
func (n *Network) PodsWith(set labels.Set) []*Peer {
	if len(set) == 0 {
		return nil
	}
	selector := labels.SelectorFromSet(set)
	var pods []*Peer
	for _, pod := range n.pods {
		if selector.Matches(pod.Labels.Set) {
			pods = append(pods, pod)
		}
	}
	return pods
}
