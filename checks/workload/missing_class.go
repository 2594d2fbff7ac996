package workload

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var missingClass = &checks.Check{
	ID:       "workload/missing-class",
	Severity: checks.Error,
	Doc: `pod asks for a priority or runtime class that is not there

The API server refuses such a pod: ` + "`no PriorityClass with name x was found`" + `, or
` + "`pod rejected: RuntimeClass \"x\" not found`" + `. The Deployment stays at zero.

Every cluster has system-cluster-critical and system-node-critical. Other classes
may have been made before, as GPU operators make the RuntimeClass nvidia: that is
undecided, unless the render has a class with nearly that name.`,
	Fix: "Render the class, or name the one that is there.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",
		"https://kubernetes.io/docs/concepts/containers/runtime-class/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		judge := func(pod *kubeflow.Pod, gk inventory.GroupKind, name, field string) {
			found = true
			if v.Get(gk, "", name) != nil {
				return
			}
			var names []string
			for o := range v.Of(gk) {
				names = append(names, o.Key.Name)
			}
			if gk.Kind == "PriorityClass" {
				names = append(names, "system-cluster-critical", "system-node-critical")
			}
			if hint := near.Hint(name, names); hint != "" {
				pass.Reportf(pod.At("spec", field), "%s asks for %s %s, which is not there%s", pod.Owner.Key, gk.Kind, name, hint)
			} else {
				pass.Undecidedf(pod.At("spec", field), "%s asks for %s %s, which is not rendered", pod.Owner.Key, gk.Kind, name)
			}
		}
		for pod := range kubeflow.Pods(v) {
			if name := pod.Spec.PriorityClassName; name != "" && name != "system-cluster-critical" && name != "system-node-critical" {
				judge(pod, inventory.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}, name, "priorityClassName")
			}
			if name := pod.Spec.RuntimeClassName; name != nil && *name != "" {
				judge(pod, inventory.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}, *name, "runtimeClassName")
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
