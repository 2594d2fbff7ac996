package calls

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// Implied are the calls that components make by default, to Services of their
// own namespace that no manifest names.
func Implied(n *reach.Network) []Call {
	var calls []Call
	for _, implied := range kubeflow.ImpliedCalls {
		from := n.PodsWith(implied.Caller)
		for _, pod := range from {
			s, ok := n.Service(pod.Namespace, implied.Service)
			if !ok || setsAny(n, pod, implied.Unless) {
				continue
			}
			calls = append(calls, toService(n, []*reach.Peer{pod}, s, implied.Port, Call{
				Place: pod.Owner().At(), Because: implied.Because, Effect: implied.Effect,
			})...)
		}
	}
	return distinct(calls)
}

// setsAny reports whether a pod's environment or command line sets one of
// some names.
func setsAny(n *reach.Network, pod *reach.Peer, names []string) bool {
	if len(names) == 0 {
		return false
	}
	for place, c := range pod.Pod.Containers() {
		env := environment(n, pod, place, c)
		for _, s := range slices.Concat(env, flags(words(place, c, env, pod.Name))) {
			if slices.Contains(names, s.name) && s.value != "" {
				return true
			}
		}
	}
	return false
}

var (
	profiles = inventory.Kind[struct{}]{Group: "kubeflow.org", Name: "Profile"}
	crds     = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

func hasCRD(n *reach.Network, name string) bool { return n.View().Get(crds, "", name) != nil }

// ProfilePods are peers that stand for the pods of profiles: one for each
// Profile of the render, or one for any where it has none but will have. None
// where the platform has no profiles.
func ProfilePods(n *reach.Network) []*reach.Peer {
	var peers []*reach.Peer
	for o := range profiles.In(n.View()) {
		peers = append(peers, n.Representative(fmt.Sprintf("the pods of %s", o.Key), o.Key.Name, reach.Labels{Open: true}))
	}
	if len(peers) == 0 && hasCRD(n, "profiles.kubeflow.org") {
		peer := n.Representative("the pods of profiles", "(profile)", reach.Labels{Open: true})
		peer.NamespaceLabels = n.ProfileNamespace()
		peers = append(peers, peer)
	}
	return peers
}

// FromProfiles are the calls of the pods of profiles to the platform.
func FromProfiles(n *reach.Network) []Call {
	from := ProfilePods(n)
	if len(from) == 0 {
		return nil
	}
	var calls []Call
	for _, known := range kubeflow.ProfileCalls {
		for _, s := range n.Services() {
			if s.Key.Name != known.Service || slices.ContainsFunc(from, func(p *reach.Peer) bool { return p.Namespace == s.Key.Namespace }) {
				continue
			}
			calls = append(calls, toService(n, from, s, known.Port, Call{Because: known.Because, Effect: known.Effect})...)
		}
	}
	return distinct(append(readConfiguration(n), calls...))
}

// isTrue reports whether a variable of a pod's environment is true.
func isTrue(n *reach.Network, pod *reach.Peer, name string) bool {
	for place, c := range pod.Pod.Containers() {
		for _, s := range environment(n, pod, place, c) {
			if s.name == name && strings.EqualFold(s.value, "true") {
				return true
			}
		}
	}
	return false
}

// IntoProfiles are the calls of the platform to the pods that users and
// controllers start in profiles.
func IntoProfiles(n *reach.Network) []Call {
	var calls []Call
	for _, profile := range ProfilePods(n) {
		for _, target := range kubeflow.ProfileTargets {
			if target.CRD != "" && !hasCRD(n, target.CRD) {
				continue
			}
			from := n.PodsWith(target.Caller)
			if target.Caller == nil {
				from = boundGateways(n)
			}
			to := n.Representative(fmt.Sprintf("%s in namespace %s", target.Name, profile.Namespace), profile.Namespace,
				reach.Labels{Set: target.Labels, Carries: target.Carries, Open: true})
			to.NamespaceLabels = profile.NamespaceLabels
			for _, peer := range from {
				if target.If != "" && !isTrue(n, peer, target.If) {
					continue
				}
				calls = append(calls, Call{From: peer, To: reach.Backend{Peer: to, Port: reach.TCP(target.Port)}, Because: target.Because, Effect: target.Effect})
			}
		}
	}
	return calls
}

// Discovery are the calls of proxies to istiod, for their configuration and
// certificates.
func Discovery(n *reach.Network) []Call {
	var calls []Call
	meshes(n, func(cm inventory.Typed[corev1.ConfigMap], doc *inventory.Document, mesh *meshConfig) {
		address := mesh.DefaultConfig.DiscoveryAddress
		place := doc.At("defaultConfig", "discoveryAddress")
		if address == "" {
			return
		}
		host, port := splitHost(address)
		s, ok := n.Lookup(host, cm.Key.Namespace)
		if !ok || port == 0 {
			return
		}
		var from []*reach.Peer
		for _, pod := range n.Pods() {
			if HasProxy(pod) {
				from = append(from, pod)
			}
		}
		from = append(from, ProfilePods(n)...)
		calls = append(calls, toService(n, from, s, port, Call{
			Place:   place,
			Because: fmt.Sprintf("proxies get their configuration and certificates from %s", address),
			Effect:  "the proxy never becomes ready, nor does its pod",
		})...)
	})
	return calls
}

// Knative are the calls that make its routes work: its Istio controller probes
// each route at the gateways that its configuration names before it calls it
// ready, and gateways pass requests for services at zero to the activator.
func Knative(n *reach.Network) []Call {
	var calls []Call
	for _, activator := range n.PodsWith(labels.Set{"app": "activator", "app.kubernetes.io/name": "knative-serving"}) {
		for _, proxy := range Gateways(n) {
			calls = append(calls, Call{
				From: proxy, To: reach.Backend{Peer: activator, Port: reach.TCP(8012)},
				Because: "gateways pass requests for services at zero to the activator", Effect: "services at zero answer with 503",
			})
		}
	}
	from := n.PodsWith(labels.Set{"app": "net-istio-controller"})
	if len(from) == 0 {
		return calls
	}
	for cm := range configMaps.In(n.View()) {
		if cm.Key.Name != "config-istio" {
			continue
		}
		for _, key := range sortedKeys(cm.Value.Data) {
			if !isConfiguration(key) {
				continue
			}
			for _, a := range addressesIn(cm.Value.Data[key]) {
				s, ok := n.Lookup(a.host, cm.Key.Namespace)
				if !ok || len(s.Value.Spec.Ports) == 0 {
					continue
				}
				for _, p := range s.Value.Spec.Ports {
					if p.Name != "http2" && p.Port != 80 {
						continue
					}
					calls = append(calls, toService(n, from, s, p.Port, Call{
						Place:   cm.At("data", key).AtLine(a.line),
						Because: fmt.Sprintf("key %s of %s names it, and net-istio-controller probes its pods", key, cm.Key),
						Effect:  "no Knative route becomes ready",
					})...)
				}
			}
		}
	}
	return distinct(calls)
}
