package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var serviceSelectsNothing = &checks.Check{
	ID:       "workload/service-selects-nothing",
	Severity: checks.Error,
	Doc: `service selects no pod, though pods like that are rendered

Connections to a Service without endpoints are refused, and a gateway in front of
it answers ` + "`no healthy upstream`" + ` or 503. Every label of the selector must be on
the pod template, with the same value, in the Service's own namespace: a label
that a transformer added to the Service alone, a renamed app or a namespace that
was changed on one side only is enough.

Where no pod of the render resembles the selector it is a warning in a rendered
namespace and undecided in another: the pods may come from elsewhere. Services
without selector, aliases (ExternalName) and those for pods that controllers make
at run time (of InferenceServices, training jobs, notebooks) are left out.`,
	Fix: "Make the selector match the labels of the pod template.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#does-the-service-have-any-endpoints",
		"GoogleCloudPlatform/kubeflow-distribution#379",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		if len(n.Services()) == 0 {
			pass.NotApplicable()
		}
		for s := range serviceKind.In(pass.Render) {
			spec := &s.Value.Spec
			if len(spec.Selector) == 0 || spec.Type == corev1.ServiceTypeExternalName {
				continue
			}
			selector := &metav1.LabelSelector{MatchLabels: lasting(spec.Selector)}
			var misfit *reach.Peer
			var difference string
			var path inventory.Path
			var alike int
			found := false
			for _, pod := range n.PodsIn(s.Key.Namespace) {
				if _, perhaps := reach.Match(selector, pod.Labels); perhaps {
					found = true
					break
				}
				if at, said, ok := reach.Misspelled(selector, pod.Labels); ok && alike < 100 {
					misfit, difference, alike, path = pod, said, 100, at[1:]
					continue
				}
				if count, at, said := resemblance(spec.Selector, pod, s.Key.Name); count > alike {
					misfit, difference, alike, path = pod, said, count, at
				}
			}
			if found || runtimePods(spec.Selector) {
				continue
			}
			place := s.At("spec", "selector")
			if misfit != nil {
				pass.Reportf(place.At(path), "%s selects no pod, but nearly %s: %s", s.Key, misfit.Name, difference).
					See(misfit.Pod.At("metadata", "labels"), "the labels that the pods carry")
				continue
			}
			if i := slices.IndexFunc(n.Pods(), func(p *reach.Peer) bool { ok, _ := reach.Match(selector, p.Labels); return ok }); i >= 0 {
				other := n.Pods()[i]
				pass.Reportf(s.At("metadata", "namespace"), "%s selects no pod: %s, which it fits, is in namespace %s", s.Key, other.Name, other.Namespace).
					See(other.Pod.At("metadata", "labels"), "the labels that the pods carry").
					WithFix("Render the Service in namespace %s, or the pods in namespace %s.", other.Namespace, s.Key.Namespace)
				continue
			}
			text := fmt.Sprintf("%s selects no pod of the render", s.Key)
			if home := pass.Render.Get(namespaceKind, "", s.Key.Namespace); home != nil && home.Made == nil {
				pass.Reportf(place, "%s", text).As(checks.Warning)
			} else {
				pass.Undecidedf(place, "%s, and namespace %s is not rendered", text, s.Key.Namespace)
			}
		}
	},
}

var serviceKind = inventory.Kind[corev1.Service]{Group: corev1.GroupName, Name: "Service"}

// lasting leaves out the labels that controllers give to single pods.
func lasting(selector map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range selector {
		switch key {
		case "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "pod-template-hash", "controller-revision-hash":
			continue
		}
		kept[key] = value
	}
	return kept
}

// runtimePods reports whether a selector asks for pods that controllers make of
// custom resources.
func runtimePods(selector map[string]string) bool {
	for key := range selector {
		switch key {
		case "katib.kubeflow.org/experiment", "katib.kubeflow.org/trial", "katib.kubeflow.org/suggestion":
			return true
		}
		domain, _, ok := strings.Cut(key, "/")
		if !ok {
			domain = key
		}
		switch domain {
		case "serving.kserve.io", "serving.knative.dev", "training.kubeflow.org", "sparkoperator.k8s.io", "trainer.kubeflow.org",
			"jobset.sigs.k8s.io", "pipelines.kubeflow.org", "workflows.argoproj.io", "batch.kubernetes.io",
			"statefulset", "notebook-name", "job-name", "component.kserve.io", "spark-role", "ray.io", "gateway.networking.k8s.io":
			return true
		}
	}
	return false
}

// resemblance counts what a selector has in common with a pod that is
// surely meant: the same value of a label that says what it is, or the name of
// the workload. Labels that whole platforms share say nothing.
func resemblance(selector map[string]string, pod *reach.Peer, service string) (count int, path inventory.Path, said string) {
	names := false
	for _, key := range sortedKeys(selector) {
		value := selector[key]
		actual, set := pod.Labels.Set[key]
		switch {
		case set && actual == value:
			count++
			names = names || tells(key)
		case set:
			path, said = inventory.Path{key}, fmt.Sprintf("%s is %q there, not %q", key, actual, value)
		case path == nil:
			path, said = inventory.Path{key}, fmt.Sprintf("the label %s is not there", key)
		}
	}
	owner := pod.Pod.Owner.Key.Name
	if owner == service || slices.ContainsFunc(sortedKeys(selector), func(key string) bool { return tells(key) && selector[key] == owner }) {
		return count + 10, path, said
	}
	if !names {
		return 0, nil, ""
	}
	return count, path, said
}

// tells reports whether a label says which component a pod belongs to.
func tells(key string) bool {
	switch key[strings.LastIndexByte(key, '/')+1:] {
	case "app", "name", "k8s-app", "component", "instance", "control-plane", "role":
		return key != "app.kubernetes.io/component" && key != "app.kubernetes.io/instance"
	}
	return false
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
