package networkpolicy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var misspelledPeer = &checks.Check{
	ID:       "networkpolicy/misspelled-peer",
	Severity: checks.Warning,
	Doc: `rule names a peer that nobody is, but somebody nearly is

A namespaceSelector or podSelector of a rule that matches nothing admits nobody,
and nobody says so. It is reported where all that keeps it from a namespace, or
from a pod of the namespaces that it names, is one label that is spelled nearly
alike: istio-sytem for istio-system, name: for kubernetes.io/metadata.name.

Namespaces are those of the render, those that controllers make, those of the
cluster facts and those that every cluster has; each carries its name as
kubernetes.io/metadata.name. The labels that the profile controller and Istio's
injector set count as carried: kubeflow-profile matches no Namespace in upstream's
manifests, and is right. Selectors that resemble nothing are left alone, as they
may be for what is installed elsewhere.`,
	Fix:   "Write the label as the namespace or the pods carry it.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name", "kubeflow/manifests#2205"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		known := knownNamespaces(pass, n)
		for _, policy := range n.Policies() {
			for _, d := range []reach.Direction{reach.Ingress, reach.Egress} {
				for _, rule := range policy.Rules(d) {
					for i := range rule.Peers {
						peer := &rule.Peers[i]
						if !misspelledNamespace(pass, policy, rule, i, peer.NamespaceSelector, known) {
							misspelledPod(pass, n, policy, rule, i, peer.NamespaceSelector, peer.PodSelector, known)
						}
					}
				}
			}
		}
	},
}

// everyCluster are the namespaces that every cluster has.
var everyCluster = []string{"default", "kube-node-lease", "kube-public", "kube-system"}

// A namespace is what is known of one, for the messages and for selectors.
type namespace struct {
	name   string
	place  inventory.Place
	labels reach.Labels
	users  bool // users start pods there
}

// knownNamespaces are those that will surely exist, and one that stands for
// those of profiles.
func knownNamespaces(pass *checks.Pass, n *reach.Network) []namespace {
	names := slices.Concat(everyCluster, pass.Cluster.Namespaces)
	places := map[string]inventory.Place{}
	for o := range n.View().LiveOf(inventory.GroupKind{Kind: "Namespace"}) {
		names = append(names, o.Key.Name)
		places[o.Key.Name] = o.At("metadata")
	}
	for _, pod := range n.Pods() {
		names = append(names, pod.Namespace)
	}
	slices.Sort(names)
	var list []namespace
	for _, name := range slices.Compact(names) {
		list = append(list, namespace{name, places[name], n.NamespaceLabels(name), ofProfile(n, name)})
	}
	// Its name may be anything, but will hardly be nearly that of another.
	return append(list, namespace{"of a profile", inventory.Place{}, reach.Labels{Set: n.ProfileNamespace().Set}, true})
}

// misspelledNamespace reports a namespaceSelector that nearly matches; it is
// true where the selector surely matches nothing.
func misspelledNamespace(pass *checks.Pass, policy *reach.Policy, rule reach.Rule, i int, selector *metav1.LabelSelector, known []namespace) bool {
	if selector == nil {
		return false
	}
	for _, ns := range known {
		// A namespace that nobody rendered may carry any label, but those that
		// every cluster has carry none that anybody would select by.
		surely, perhaps := reach.Match(selector, ns.labels)
		if surely || perhaps && !slices.Contains(everyCluster, ns.name) {
			return false
		}
	}
	for _, ns := range known {
		path, said, ok := reach.Misspelled(selector, reach.Labels{Set: ns.labels.Set, Carries: ns.labels.Carries})
		if !ok {
			continue
		}
		pass.Reportf(rule.PeerAt(i, "namespaceSelector", path), "%s admits a namespace that nobody has, but nearly namespace %s: %s", policy.Key, ns.name, said).
			See(ns.place, "the labels that the namespace carries")
		break
	}
	return true
}

func misspelledPod(pass *checks.Pass, n *reach.Network, policy *reach.Policy, rule reach.Rule, i int, namespaces, selector *metav1.LabelSelector, known []namespace) {
	if selector == nil || !reach.Positive(selector) {
		return
	}
	var near []*reach.Peer
	for _, ns := range known {
		if namespaces == nil {
			if ns.name != policy.Key.Namespace {
				continue
			}
		} else if _, perhaps := reach.Match(namespaces, ns.labels); !perhaps {
			continue
		}
		if ns.users {
			return
		}
		for _, pod := range n.PodsIn(ns.name) {
			if _, perhaps := reach.Match(selector, pod.Labels); perhaps {
				return
			}
			near = append(near, pod)
		}
	}
	for _, pod := range near {
		path, said, ok := reach.Misspelled(selector, pod.Labels)
		if !ok {
			continue
		}
		pass.Reportf(rule.PeerAt(i, "podSelector", path), "%s admits pods that nobody runs, but nearly %s: %s", policy.Key, pod.Name, said).
			See(pod.Pod.At("metadata", "labels"), "the labels that the pods carry")
		return
	}
}
