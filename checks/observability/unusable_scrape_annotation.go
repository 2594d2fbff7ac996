package observability

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

const (
	scrapeAnnotation = "prometheus.io/scrape"
	portAnnotation   = "prometheus.io/port"
)

var unusableScrapeAnnotation = &checks.Check{
	ID:       "observability/unusable-scrape-annotation",
	Severity: checks.Warning,
	Doc: `prometheus.io annotation leads to nothing

Prometheus' usual configuration keeps pods and Services with prometheus.io/scrape:
"true" (in lower case) and asks at the port of prometheus.io/port, a number. It
reads them from pods and Services only: on a Deployment itself, instead of its
template, they do nothing. A port that the pod or the Service does not have is a
target that is down.

A number needs no declaration in a pod, so that it is only reported where the pod
declares ports and neither its command nor its environment speaks of this one.
Upstream's istiod and gateways, whose 15014, 15020 and 15090 are not all declared,
are right, and so is every pod with a sidecar of the mesh.`,
	Fix:   "Put the annotations on the pod template or the Service, with the number of the port that serves metrics.",
	Refs:  []string{"https://github.com/prometheus/prometheus/blob/main/documentation/examples/prometheus-kubernetes.yml"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		checked := false
		for _, pod := range n.Pods() {
			if pod.Pod == nil || pod.Pod.Owner.Made != nil {
				continue
			}
			checked = podAnnotations(pass, pod) || checked
		}
		for s := range serviceKind.In(pass.Render) {
			checked = serviceAnnotations(pass, n, s) || checked
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

func podAnnotations(pass *checks.Pass, peer *reach.Peer) bool {
	pod := peer.Pod
	annotations := pod.Annotations
	if annotations[scrapeAnnotation] == "" && len(pod.Path) > 0 {
		own := pod.Owner.Annotations()
		if own[scrapeAnnotation] != "true" || pod.HasSidecar() {
			return false
		}
		pass.Reportf(pod.Owner.At("metadata", "annotations", scrapeAnnotation), "%s has the annotation %s itself, its pods have not: only those of pods and Services are read", pod.Owner.Key, scrapeAnnotation)
		return true
	}
	at := func(name string) inventory.Place { return pod.At("metadata", "annotations", name) }
	if !wanted(pass, pod.Owner, annotations, at) {
		return annotations[scrapeAnnotation] != ""
	}
	if mesh(pod) || peer.OpenPorts || len(peer.Ports) == 0 {
		return true
	}
	if number, ok := portOf(pass, pod.Owner, annotations, at); ok && !declares(peer, number) && !mentioned(pod, number) {
		pass.Reportf(at(portAnnotation), "%s is to be asked for metrics at port %d, which no container declares; declared are %s", pod.Owner.Key, number, declared(peer)).
			See(pod.ContainerAt("containers", 0, "ports"), "the ports of the pod")
	}
	return true
}

func serviceAnnotations(pass *checks.Pass, n *reach.Network, s inventory.Typed[corev1.Service]) bool {
	annotations := s.Annotations()
	if annotations[scrapeAnnotation] == "" {
		return false
	}
	at := func(name string) inventory.Place { return s.At("metadata", "annotations", name) }
	if !wanted(pass, s.Object, annotations, at) {
		return true
	}
	number, ok := portOf(pass, s.Object, annotations, at)
	pods := n.PodsOfService(s)
	if !ok || len(pods) == 0 {
		return true
	}
	for _, p := range s.Value.Spec.Ports {
		if p.Port == number || p.TargetPort.IntVal == number {
			return true
		}
	}
	for _, pod := range pods {
		if pod.Pod == nil || pod.OpenPorts || mesh(pod.Pod) || declares(pod, number) || mentioned(pod.Pod, number) {
			return true
		}
	}
	pass.Reportf(at(portAnnotation), "%s is to be asked for metrics at port %d, which neither it nor a container of %s has", s.Key, number, pods[0].Name).
		See(s.At("spec", "ports"), "the ports of the Service")
	return true
}

// wanted reports whether Prometheus keeps an annotated target.
func wanted(pass *checks.Pass, o *inventory.Object, annotations map[string]string, at func(string) inventory.Place) bool {
	value := annotations[scrapeAnnotation]
	if value != "true" && (strings.EqualFold(value, "true") || strings.EqualFold(value, "yes") || value == "1") {
		pass.Reportf(at(scrapeAnnotation), "%s has %s: %q, and only \"true\" is kept", o.Key, scrapeAnnotation, value)
	}
	return value == "true"
}

// portOf reads the annotated port; one that is no number is reported.
func portOf(pass *checks.Pass, o *inventory.Object, annotations map[string]string, at func(string) inventory.Place) (int32, bool) {
	value, ok := annotations[portAnnotation]
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(value, 10, 16)
	if err != nil || number == 0 {
		pass.Reportf(at(portAnnotation), "%s has %s: %q, which is no port number: Prometheus ignores it", o.Key, portAnnotation, value)
		return 0, false
	}
	return int32(number), true
}

// mesh reports whether Istio's own programs run in a pod: they listen on ports
// that are not declared.
func mesh(pod *kubeflow.Pod) bool {
	return pod.HasSidecar() || slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		return strings.Contains(c.Image, "/proxyv2") || strings.Contains(c.Image, "/pilot") || strings.Contains(c.Image, "/ztunnel") || c.Image == "auto"
	})
}

func declares(peer *reach.Peer, number int32) bool {
	return slices.ContainsFunc(peer.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == number })
}

func declared(peer *reach.Peer) string {
	var words []string
	for _, p := range peer.Ports {
		words = append(words, strconv.Itoa(int(p.ContainerPort)))
	}
	return strings.Join(words, ", ")
}

// mentioned reports whether a container's command or environment holds a number.
func mentioned(pod *kubeflow.Pod, number int32) bool {
	text := strconv.Itoa(int(number))
	for _, c := range pod.Containers() {
		for _, word := range slices.Concat(c.Command, c.Args) {
			if strings.Contains(word, text) {
				return true
			}
		}
		for _, e := range c.Env {
			if strings.Contains(e.Value, text) {
				return true
			}
		}
	}
	return false
}
