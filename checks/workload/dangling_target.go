package workload

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var danglingTarget = &checks.Check{
	ID:       "workload/dangling-target",
	Severity: checks.Error,
	Doc: `autoscaler, budget or monitor is for something that is not there

A HorizontalPodAutoscaler or ScaledObject whose target does not exist never scales
(` + "`FailedGetScale`" + `): the name, the kind and the API group of the target must be
right, and it must be in the same namespace. A PodDisruptionBudget whose selector
fits no pod protects nothing, a ServiceMonitor or PodMonitor collects nothing;
these are reported, as warnings, where one label that is spelled nearly alike is
all that keeps them from a pod or Service of the render.`,
	Fix: "Name the workload that is there, or use its labels.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#api-object",
		"https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for o := range v.Of(autoscalerKind, scaledObjectKind) {
			found = true
			scaleTarget(pass, o)
		}
		var n *reach.Network
		for o := range selecting.all(v) {
			found = true
			if n == nil {
				n = reach.New(v, reach.Options{})
			}
			nearlySelects(pass, n, o)
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

var (
	autoscalerKind   = inventory.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	scaledObjectKind = inventory.GroupKind{Group: "keda.sh", Kind: "ScaledObject"}
	budgetKind       = inventory.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}
	serviceMonitor   = inventory.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}
	podMonitor       = inventory.GroupKind{Group: "monitoring.coreos.com", Kind: "PodMonitor"}
)

func scaleTarget(pass *checks.Pass, o *inventory.Object) {
	v := pass.Render
	kind, name := o.String("spec", "scaleTargetRef", "kind"), o.String("spec", "scaleTargetRef", "name")
	apiVersion := o.String("spec", "scaleTargetRef", "apiVersion")
	if o.Key.GroupKind == scaledObjectKind && kind == "" {
		kind, apiVersion = "Deployment", "apps/v1"
	}
	if kind == "" || name == "" {
		return
	}
	group, _ := inventory.SplitAPIVersion(apiVersion)
	gk := inventory.GroupKind{Group: group, Kind: kind}
	if v.Get(gk, o.Key.Namespace, name) != nil {
		return
	}
	for _, other := range []inventory.GroupKind{deploymentKind, {Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "ReplicaSet"}} {
		if t := v.Get(other, o.Key.Namespace, name); t != nil {
			field := "kind"
			if other.Kind == kind {
				field = "apiVersion"
			}
			pass.Reportf(o.At("spec", "scaleTargetRef", field), "%s scales %s %s of %q, but that is a %s of %s", o.Key, kind, name, apiVersion, t.Key.Kind, t.APIVersion).
				See(t.At("kind"), "the workload of that name")
			return
		}
	}
	place := o.At("spec", "scaleTargetRef", "name")
	var names []string
	var elsewhere *inventory.Object
	for t := range v.LiveOf(gk) {
		if t.Key.Namespace == o.Key.Namespace {
			names = append(names, t.Key.Name)
		} else if t.Key.Name == name {
			elsewhere = t
		}
	}
	hint := near.Hint(name, names)
	builtin := group == "apps"
	if elsewhere == nil && hint == "" && (!builtin || v.Get(namespaceKind, "", o.Key.Namespace) == nil) {
		pass.Undecidedf(place, "%s scales %s %s, which is not rendered", o.Key, kind, name)
		return
	}
	f := pass.Reportf(place, "%s scales %s %s, which is not in namespace %s%s", o.Key, kind, name, o.Key.Namespace, hint)
	if elsewhere != nil {
		f.See(elsewhere.At("metadata", "namespace"), "the one of that name is in namespace %s", elsewhere.Key.Namespace)
	}
}

// A selected is what selects by labels.
type selected struct {
	Spec struct {
		Selector          *metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			Any        bool     `json:"any"`
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
	} `json:"spec"`
}

type selectingKinds []inventory.GroupKind

var selecting = selectingKinds{budgetKind, serviceMonitor, podMonitor}

func (kinds selectingKinds) all(v *inventory.View) func(func(inventory.Typed[selected]) bool) {
	return func(yield func(inventory.Typed[selected]) bool) {
		for _, gk := range kinds {
			for o := range (inventory.Kind[selected]{Group: gk.Group, Name: gk.Kind}).In(v) {
				if !yield(o) {
					return
				}
			}
		}
	}
}

func nearlySelects(pass *checks.Pass, n *reach.Network, o inventory.Typed[selected]) {
	selector := o.Value.Spec.Selector
	if selector == nil || !reach.Positive(selector) || o.Value.Spec.NamespaceSelector.Any {
		return
	}
	namespaces := o.Value.Spec.NamespaceSelector.MatchNames
	if len(namespaces) == 0 {
		namespaces = []string{o.Key.Namespace}
	}
	type candidate struct {
		name   string
		labels reach.Labels
		place  inventory.Place
	}
	var all []candidate
	for _, namespace := range namespaces {
		if o.Key.GroupKind == serviceMonitor {
			for s := range pass.Render.LiveOf(serviceKind.GroupKind()) {
				if s.Key.Namespace == namespace {
					all = append(all, candidate{s.Key.String(), reach.Labels{Set: s.Labels()}, s.At("metadata", "labels")})
				}
			}
			continue
		}
		for _, pod := range n.PodsIn(namespace) {
			all = append(all, candidate{pod.Name, pod.Labels, pod.Pod.At("metadata", "labels")})
		}
	}
	for _, c := range all {
		if _, perhaps := reach.Match(selector, c.labels); perhaps {
			return
		}
	}
	for _, c := range all {
		if path, said, ok := reach.Misspelled(selector, c.labels); ok {
			pass.Reportf(o.At("spec", "selector", path), "%s", fmt.Sprintf("%s selects nothing, but nearly %s: %s", o.Key, c.name, said)).As(checks.Warning).
				See(c.place, "the labels that it carries")
			return
		}
	}
}
