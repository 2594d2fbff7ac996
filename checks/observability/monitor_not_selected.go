package observability

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var monitorNotSelected = &checks.Check{
	ID:       "observability/monitor-not-selected",
	Severity: checks.Warning,
	Doc: `no rendered Prometheus picks the monitor up

A Prometheus takes the ServiceMonitors and PodMonitors that its
serviceMonitorSelector and podMonitorSelector fit, in the namespaces that the
namespace selector beside it fits. An empty selector fits all; one that is absent
fits none, and an absent namespace selector means the own namespace alone. What
charts call release: is such a label, often forgotten on one's own monitors.

Reported only where the render has a Prometheus or a PrometheusAgent: a monitor
without one may be for a Prometheus that another step installed.`,
	Fix:   "Give the monitor the labels that the selector of the Prometheus asks for, or widen the selector.",
	Refs:  []string{"https://prometheus-operator.dev/docs/platform/troubleshooting/#troubleshooting-servicemonitor-changes"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var servers []inventory.Typed[prometheus]
		for _, kind := range []inventory.Kind[prometheus]{{Group: operatorGroup, Name: "Prometheus"}, {Group: operatorGroup, Name: "PrometheusAgent"}} {
			for p := range kind.In(pass.Render) {
				servers = append(servers, p)
			}
		}
		if len(servers) == 0 {
			pass.NotApplicable()
			return
		}
		n := reach.New(pass.Render, reach.Options{})
		for _, kind := range []inventory.Kind[monitor]{serviceMonitors, podMonitors} {
			notSelected(pass, n, kind, servers)
		}
	},
}

// A prometheus is a Prometheus or a PrometheusAgent.
type prometheus struct {
	Spec struct {
		ServiceMonitorSelector          *metav1.LabelSelector `json:"serviceMonitorSelector"`
		ServiceMonitorNamespaceSelector *metav1.LabelSelector `json:"serviceMonitorNamespaceSelector"`
		PodMonitorSelector              *metav1.LabelSelector `json:"podMonitorSelector"`
		PodMonitorNamespaceSelector     *metav1.LabelSelector `json:"podMonitorNamespaceSelector"`
	} `json:"spec"`
}

func notSelected(pass *checks.Pass, n *reach.Network, kind inventory.Kind[monitor], servers []inventory.Typed[prometheus]) {
	field := "serviceMonitorSelector"
	if kind == podMonitors {
		field = "podMonitorSelector"
	}
	nsField := field[:len(field)-len("Selector")] + "NamespaceSelector"
	var left []inventory.Typed[monitor]
	any := false
	for m := range kind.In(pass.Render) {
		picked := false
		for _, p := range servers {
			selector, _ := selectorsOf(p, kind)
			picked = picked || looksInto(n, p, kind, m.Key.Namespace) && fits(selector, reach.Labels{Set: m.Labels()})
		}
		if picked {
			any = true
		} else {
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		return
	}
	first := servers[0]
	selector, _ := selectorsOf(first, kind)
	if !any && len(servers) == 1 && (len(left) > 1 || selector == nil) {
		place, text := first.At("spec", field), "fits none of the rendered ones"
		if selector == nil {
			text = "is absent, which fits none"
		} else if !someNamespace(n, first, kind, left) {
			place, text = first.At("spec", nsField), "is right for none of their namespaces"
			pass.Reportf(place, "%s picks up no %s: its %s %s", first.Key, kind.Name, nsField, text).
				See(left[0].At("metadata", "namespace"), "%s, for one", left[0].Key)
			return
		}
		pass.Reportf(place, "%s picks up no %s: its %s %s", first.Key, kind.Name, field, text).
			See(left[0].At("metadata", "labels"), "%s, for one", left[0].Key)
		return
	}
	for _, m := range left {
		// The nearest to a fit is the one that looks into the namespace.
		by := first
		sees := false
		for _, p := range servers {
			if looksInto(n, p, kind, m.Key.Namespace) {
				by, sees = p, true
				break
			}
		}
		if sees {
			pass.Reportf(m.At("metadata", "labels"), "no rendered Prometheus picks up %s: its labels are not those of the %s of %s", m.Key, field, by.Key).
				See(by.At("spec", field), "the labels that are asked for")
			continue
		}
		pass.Reportf(m.At("metadata", "namespace"), "no rendered Prometheus picks up %s: %s does not look into namespace %s", m.Key, by.Key, m.Key.Namespace).
			See(by.At("spec", nsField), "where it looks").
			WithFix("Let the %s of the Prometheus fit the namespace.", nsField)
	}
}

func selectorsOf(p inventory.Typed[prometheus], kind inventory.Kind[monitor]) (selector, namespaces *metav1.LabelSelector) {
	if kind == podMonitors {
		return p.Value.Spec.PodMonitorSelector, p.Value.Spec.PodMonitorNamespaceSelector
	}
	return p.Value.Spec.ServiceMonitorSelector, p.Value.Spec.ServiceMonitorNamespaceSelector
}

func fits(selector *metav1.LabelSelector, l reach.Labels) bool {
	if selector == nil {
		return false
	}
	_, perhaps := reach.Match(selector, l)
	return perhaps
}

func looksInto(n *reach.Network, p inventory.Typed[prometheus], kind inventory.Kind[monitor], namespace string) bool {
	_, namespaces := selectorsOf(p, kind)
	if namespaces == nil {
		return p.Key.Namespace == namespace
	}
	return fits(namespaces, n.NamespaceLabels(namespace))
}

func someNamespace(n *reach.Network, p inventory.Typed[prometheus], kind inventory.Kind[monitor], list []inventory.Typed[monitor]) bool {
	for _, m := range list {
		if looksInto(n, p, kind, m.Key.Namespace) {
			return true
		}
	}
	return false
}
