package calls

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// FromOutside are the calls of users to the gateways, where a Service offers
// them to the world outside: LoadBalancer or NodePort. Behind a ClusterIP,
// users come by port forwarding, which policies do not see, or through
// something that the render may not hold.
func FromOutside(n *reach.Network) []Call {
	ports := map[int32]bool{}
	for g := range gatewayKind.In(n.View()) {
		for _, server := range g.Value.Spec.Servers {
			ports[server.Port.Number] = true
		}
	}
	gateways := boundGateways(n)
	users := []*reach.Peer{n.Outside("users outside the cluster")}
	var calls []Call
	for _, s := range n.Services() {
		if t := s.Value.Spec.Type; t != corev1.ServiceTypeLoadBalancer && t != corev1.ServiceTypeNodePort {
			continue
		}
		pods := n.PodsOfService(s)
		if !slices.ContainsFunc(pods, func(p *reach.Peer) bool { return slices.Contains(gateways, p) }) {
			continue
		}
		for _, p := range s.Value.Spec.Ports {
			number := p.TargetPort.IntVal
			if !ports[p.Port] && (p.TargetPort.Type != intstr.Int || !ports[number]) {
				continue
			}
			calls = append(calls, toService(n, users, s, p.Port, Call{
				Place:   s.At("spec", "type"),
				Because: fmt.Sprintf("%s offers the gateway as %s", s.Key, s.Value.Spec.Type),
				Effect:  "nobody outside reaches the platform",
			})...)
		}
	}
	return calls
}

type monitor struct {
	Spec struct {
		Selector          metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			Any        bool     `json:"any"`
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
		Endpoints           []scrape `json:"endpoints"`
		PodMetricsEndpoints []scrape `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

type scrape struct {
	Port       string              `json:"port"`
	TargetPort *intstr.IntOrString `json:"targetPort"`
}

type prometheus struct {
	Spec struct {
		ServiceMonitorSelector          *metav1.LabelSelector `json:"serviceMonitorSelector"`
		ServiceMonitorNamespaceSelector *metav1.LabelSelector `json:"serviceMonitorNamespaceSelector"`
		PodMonitorSelector              *metav1.LabelSelector `json:"podMonitorSelector"`
		PodMonitorNamespaceSelector     *metav1.LabelSelector `json:"podMonitorNamespaceSelector"`
	} `json:"spec"`
}

var (
	serviceMonitors = inventory.Kind[monitor]{Group: "monitoring.coreos.com", Name: "ServiceMonitor"}
	podMonitors     = inventory.Kind[monitor]{Group: "monitoring.coreos.com", Name: "PodMonitor"}
	prometheuses    = inventory.Kind[prometheus]{Group: "monitoring.coreos.com", Name: "Prometheus"}
)

// Scrapes are the calls of Prometheus to what ServiceMonitors and PodMonitors
// that it selects name.
func Scrapes(n *reach.Network) []Call {
	var calls []Call
	for p := range prometheuses.In(n.View()) {
		// The operator's labels (prometheus-operator pkg/prometheus/server).
		server := n.Representative(p.Key.String(), p.Key.Namespace, reach.Labels{
			Set:  labels.Set{"app.kubernetes.io/name": "prometheus", "prometheus": p.Key.Name, "app.kubernetes.io/managed-by": "prometheus-operator"},
			Open: true,
		})
		takes := func(m inventory.Typed[monitor], selector, namespaces *metav1.LabelSelector) bool {
			if selector == nil {
				return false
			}
			if surely, _ := reach.Match(selector, reach.Labels{Set: m.Labels()}); !surely {
				return false
			}
			if namespaces == nil {
				return m.Key.Namespace == p.Key.Namespace
			}
			surely, _ := reach.Match(namespaces, n.NamespaceLabels(m.Key.Namespace))
			return surely
		}
		for m := range serviceMonitors.In(n.View()) {
			if takes(m, p.Value.Spec.ServiceMonitorSelector, p.Value.Spec.ServiceMonitorNamespaceSelector) {
				calls = append(calls, scrapesOf(n, server, m, false)...)
			}
		}
		for m := range podMonitors.In(n.View()) {
			if takes(m, p.Value.Spec.PodMonitorSelector, p.Value.Spec.PodMonitorNamespaceSelector) {
				calls = append(calls, scrapesOf(n, server, m, true)...)
			}
		}
	}
	return calls
}

func scrapesOf(n *reach.Network, server *reach.Peer, m inventory.Typed[monitor], pods bool) []Call {
	spec := &m.Value.Spec
	covers := func(namespace string) bool {
		if spec.NamespaceSelector.Any {
			return true
		}
		if len(spec.NamespaceSelector.MatchNames) > 0 {
			return slices.Contains(spec.NamespaceSelector.MatchNames, namespace)
		}
		return namespace == m.Key.Namespace
	}
	like := Call{Because: fmt.Sprintf("%s asks for its metrics", m.Key), Effect: "there are no metrics of it"}
	var calls []Call
	if pods {
		for _, pod := range n.Pods() {
			if surely, _ := reach.Match(&spec.Selector, pod.Labels); !surely || !covers(pod.Namespace) {
				continue
			}
			for i, e := range spec.PodMetricsEndpoints {
				for _, port := range pod.Ports {
					if port.Name == e.Port && e.Port != "" {
						call := like
						call.Place = m.At("spec", "podMetricsEndpoints", i)
						call.From, call.To = server, reach.Backend{Peer: pod, Port: reach.TCP(port.ContainerPort)}
						calls = append(calls, call)
					}
				}
			}
		}
		return calls
	}
	for _, s := range n.Services() {
		if surely, _ := reach.Match(&spec.Selector, reach.Labels{Set: s.Labels()}); !surely || !covers(s.Key.Namespace) {
			continue
		}
		for i, e := range spec.Endpoints {
			for _, p := range s.Value.Spec.Ports {
				wanted := e.Port != "" && p.Name == e.Port
				if e.Port == "" && e.TargetPort != nil {
					wanted = p.TargetPort == *e.TargetPort
				}
				if wanted {
					call := like
					call.Place = m.At("spec", "endpoints", i)
					calls = append(calls, toService(n, []*reach.Peer{server}, s, p.Port, call)...)
				}
			}
		}
	}
	return calls
}

// clusterDNS stands for CoreDNS, which no platform renders.
func clusterDNS(n *reach.Network) *reach.Peer {
	return n.Representative("the cluster's DNS", "kube-system", reach.Labels{Set: labels.Set{"k8s-app": "kube-dns"}, Open: true},
		corev1.ContainerPort{Name: "dns", ContainerPort: 53, Protocol: corev1.ProtocolUDP},
		corev1.ContainerPort{Name: "dns-tcp", ContainerPort: 53, Protocol: corev1.ProtocolTCP})
}

// otherDNS reports whether a pod may ask what serves DNS in some clusters
// instead: the cache of its node, or OpenShift's own.
func otherDNS(n *reach.Network, from *reach.Peer) bool {
	cache := n.Outside("the DNS cache of a node", kubeflow.NodeLocalDNS)
	internet := n.Outside("the internet", netip.MustParsePrefix("1.1.1.1/32"))
	openshift := n.Representative("OpenShift's DNS", "openshift-dns", reach.Labels{Set: labels.Set{"dns.operator.openshift.io/daemonset-dns": "default"}, Open: true},
		corev1.ContainerPort{Name: "dns", ContainerPort: 5353, Protocol: corev1.ProtocolUDP})
	allowed := func(to *reach.Peer) bool { return n.ReachEgress(from, to, reach.UDP(53)).Verdict == reach.Allowed }
	// A rule for the internet holds the cache's address too, but is not for it.
	return allowed(cache) && !allowed(internet) || n.ReachEgress(from, openshift, reach.UDP(5353)).Verdict == reach.Allowed
}

// DNS are the look-ups of pods that surely make some: those that call a
// Service by name and those with a proxy. A pod whose policies let it ask what
// serves DNS in other clusters is left out.
func DNS(n *reach.Network) []Call {
	seen := map[string]bool{}
	to := clusterDNS(n)
	served := n.Isolates(reach.Ingress, to) // by a policy in kube-system
	var calls []Call
	for _, call := range slices.Concat(Addresses(n), Configured(n), Implied(n), FromProfiles(n), Discovery(n)) {
		from := call.From
		if seen[from.Name] || !n.Isolates(reach.Egress, from) && !served {
			continue
		}
		seen[from.Name] = true
		if n.Isolates(reach.Egress, from) && otherDNS(n, from) {
			continue
		}
		calls = append(calls, Call{
			From: from, To: reach.Backend{Peer: to, Port: reach.UDP(53)}, Place: call.Place,
			Because: call.Because, Effect: "no Service is found by its name",
		})
	}
	return calls
}

type binding struct {
	Subjects []struct {
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"subjects"`
}

var (
	bindings = []inventory.Kind[binding]{
		{Group: "rbac.authorization.k8s.io", Name: "RoleBinding"},
		{Group: "rbac.authorization.k8s.io", Name: "ClusterRoleBinding"},
	}
	serviceAccounts = inventory.Kind[corev1.ServiceAccount]{Group: corev1.GroupName, Name: "ServiceAccount"}
)

// ToAPIServer are the calls of programs to the API server: those of pods whose
// account was granted something and is mounted.
func ToAPIServer(n *reach.Network) []Call {
	granted := map[[2]string]inventory.Place{}
	for _, kind := range bindings {
		for o := range kind.In(n.View()) {
			for i, s := range o.Value.Subjects {
				if s.Kind != "ServiceAccount" {
					continue
				}
				key := [2]string{s.Namespace, s.Name}
				if _, known := granted[key]; !known {
					granted[key] = o.At("subjects", i)
				}
			}
		}
	}
	server := n.APIServer()
	var calls []Call
	for _, pod := range n.Pods() {
		place, ok := granted[[2]string{pod.Namespace, pod.Pod.ServiceAccount()}]
		if !ok || !mountsToken(n, pod) || isGateway(pod) {
			continue
		}
		calls = append(calls, Call{
			From: pod,
			// After the Service kubernetes is resolved: 6443 where kubeadm
			// set the cluster up, 443 with most providers.
			To:      reach.Backend{Peer: server, Port: reach.Port{Protocol: corev1.ProtocolTCP, Numbers: []int32{443, 6443}}},
			Place:   place,
			Because: fmt.Sprintf("%s is granted permissions as ServiceAccount %s", pod.Name, pod.Pod.ServiceAccount()),
			Effect:  "it can neither read nor change anything in the cluster",
		})
	}
	return calls
}

// isGateway reports whether nothing but a proxy runs in the pod: that asks
// istiod, and never the API server, whatever its account may do.
func isGateway(pod *reach.Peer) bool {
	containers := pod.Pod.Spec.Containers
	return len(containers) == 1 && containers[0].Name == "istio-proxy"
}

func mountsToken(n *reach.Network, pod *reach.Peer) bool {
	if mount := pod.Pod.Spec.AutomountServiceAccountToken; mount != nil {
		return *mount
	}
	if account, ok := serviceAccounts.Get(n.View(), pod.Namespace, pod.Pod.ServiceAccount()); ok && account.Value.AutomountServiceAccountToken != nil {
		return *account.Value.AutomountServiceAccountToken
	}
	return true
}
