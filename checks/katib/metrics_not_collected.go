package katib

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var metricsNotCollected = &checks.Check{
	ID:       "katib/metrics-not-collected",
	Severity: checks.Error,
	Doc: `experiment is in a namespace that Katib adds no collector to

Katib's webhook adds the metrics collector to the pods of trials, in the
namespaces that its namespaceSelector matches: upstream's wants the label
katib.kubeflow.org/metrics-collector-injection: enabled. In any other the trials
run, nobody reads what they print, and they end as MetricsUnavailable.

The profile controller gives the label to namespaces of Profiles, by the list in
its ConfigMap (namespace-labels.yaml), which counts. A namespace that is not in
the render is undecided. Experiments whose trials report by themselves (Push,
None) are left out.`,
	Fix:   "Give the namespace the label that Katib's webhook selects by.",
	Refs:  []string{"kubeflow/katib#1033", "kubeflow/katib#1801", "https://www.kubeflow.org/docs/components/katib/user-guides/metrics-collector/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		list := experiments(pass)
		if len(list) == 0 {
			pass.NotApplicable()
			return
		}
		for hook := range v.Of(webhookKind) {
			for i := range hook.List("webhooks") {
				if !strings.HasPrefix(hook.String("webhooks", i, "name"), "mutator.pod.katib") {
					continue
				}
				content, ok := hook.Get("webhooks", i, "namespaceSelector").(map[string]any)
				if !ok {
					continue
				}
				selector, err := selectorOf(content)
				if err != nil {
					continue // the schema family says so
				}
				for _, o := range list {
					collected(pass, o, hook, i, selector)
				}
			}
		}
	},
}

func collected(pass *checks.Pass, o, hook *inventory.Object, i int, selector *metav1.LabelSelector) {
	switch o.String("spec", "metricsCollectorSpec", "collector", "kind") {
	case "None", "Push":
		return
	}
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return
	}
	set, there := pass.Render.Namespace(o.Key.Namespace)
	if compiled.Matches(set) {
		return
	}
	var f *checks.Finding
	if there {
		f = pass.Reportf(o.At("metadata", "namespace"), "the trials of %s get no metrics collector: namespace %s is not one that Katib's webhook selects (%s)", o.Key, o.Key.Namespace, compiled)
	} else {
		f = pass.Undecidedf(o.At("metadata", "namespace"), "the trials of %s get a metrics collector if namespace %s, which is not rendered, is one that Katib's webhook selects (%s)", o.Key, o.Key.Namespace, compiled)
	}
	f.See(hook.At("webhooks", i, "namespaceSelector"), "the webhook's selector")
	if ns := pass.Render.Get(inventory.GroupKind{Kind: "Namespace"}, "", o.Key.Namespace); ns != nil {
		f.See(ns.At("metadata", "labels"), "the labels of the namespace")
	}
}

func selectorOf(content map[string]any) (*metav1.LabelSelector, error) {
	selector := &metav1.LabelSelector{}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, selector)
	return selector, err
}
