package observability

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var monitorInOtherNamespace = &checks.Check{
	ID:       "observability/monitor-in-other-namespace",
	Severity: checks.Warning,
	Doc: `monitor does not look into the namespace of what it names

A ServiceMonitor or PodMonitor without namespaceSelector looks into its own
namespace only. One that stands in the namespace of Prometheus, or names another
one than that of the component, selects nothing, without an error.

Reported where the labels fit a Service or pod of another namespace of the render
and nothing in the namespaces that the monitor looks into.`,
	Fix:   "List the namespace of the Service or pods in namespaceSelector.matchNames.",
	Refs:  []string{"https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.NamespaceSelector"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var n *reach.Network
		for m := range monitors(pass.Render) {
			if m.Value.Spec.Selector == nil || !reach.Positive(m.Value.Spec.Selector) || m.Value.Spec.NamespaceSelector.Any {
				continue
			}
			if n == nil {
				n = reach.New(pass.Render, reach.Options{})
			}
			otherNamespace(pass, n, m)
		}
		if n == nil {
			pass.NotApplicable()
		}
	},
}

func otherNamespace(pass *checks.Pass, n *reach.Network, m inventory.Typed[monitor]) {
	type target struct {
		name, namespace string
		labels          inventory.Place
	}
	var found []target
	if ofServices(m) {
		for _, s := range servicesOf(n, m) {
			found = append(found, target{s.Key.String(), s.Key.Namespace, s.At("metadata", "namespace")})
		}
	} else {
		for _, p := range podsOf(n, m) {
			found = append(found, target{p.Name, p.Namespace, p.Pod.Owner.At("metadata", "namespace")})
		}
	}
	for _, t := range found {
		if within(m, t.namespace) {
			return
		}
	}
	if len(found) == 0 {
		return
	}
	place, looks := m.At("spec", "namespaceSelector"), "its own namespace "+m.Key.Namespace
	if names := m.Value.Spec.NamespaceSelector.MatchNames; len(names) > 0 {
		place, looks = m.At("spec", "namespaceSelector", "matchNames"), strings.Join(names, ", ")
		if len(names) == 1 {
			place = m.At("spec", "namespaceSelector", "matchNames", 0)
		}
	}
	pass.Reportf(place, "%s looks into %s only and selects nothing there: %s, which it fits, is in namespace %s", m.Key, looks, found[0].name, found[0].namespace).
		See(found[0].labels, "what it fits")
}
