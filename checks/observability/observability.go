// Package observability checks whether metrics and logs of the platform will be
// collected: monitors, scrape annotations and log collectors.
package observability

import (
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// Checks of the family.
var Checks = []*checks.Check{
	monitoredPortMissing,
	monitorInOtherNamespace,
	monitorNotSelected,
	unusableScrapeAnnotation,
	collectorWithoutLogs,
}

const operatorGroup = "monitoring.coreos.com"

var (
	serviceKind     = inventory.Kind[corev1.Service]{Name: "Service"}
	serviceMonitors = inventory.Kind[monitor]{Group: operatorGroup, Name: "ServiceMonitor"}
	podMonitors     = inventory.Kind[monitor]{Group: operatorGroup, Name: "PodMonitor"}
)

// A monitor is a ServiceMonitor or a PodMonitor.
type monitor struct {
	Spec struct {
		Selector          *metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			Any        bool     `json:"any"`
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
		Endpoints           []endpoint `json:"endpoints"`
		PodMetricsEndpoints []endpoint `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

// An endpoint of a monitor. Where several say the port, port comes first.
type endpoint struct {
	Port       string              `json:"port"`
	PortNumber *int32              `json:"portNumber"`
	TargetPort *intstr.IntOrString `json:"targetPort"`
	Scheme     string              `json:"scheme"`
}

// monitors are those of both kinds.
func monitors(v *inventory.View) iter.Seq[inventory.Typed[monitor]] {
	return func(yield func(inventory.Typed[monitor]) bool) {
		for _, kind := range []inventory.Kind[monitor]{serviceMonitors, podMonitors} {
			for m := range kind.In(v) {
				if !yield(m) {
					return
				}
			}
		}
	}
}

func ofServices(m inventory.Typed[monitor]) bool {
	return m.Key.GroupKind == serviceMonitors.GroupKind()
}

// within reports whether a monitor looks into a namespace.
func within(m inventory.Typed[monitor], namespace string) bool {
	in := m.Value.Spec.NamespaceSelector
	if in.Any {
		return true
	}
	if len(in.MatchNames) == 0 {
		return namespace == m.Key.Namespace
	}
	return slices.Contains(in.MatchNames, namespace)
}

// servicesOf are the Services whose labels a monitor selects, in any namespace.
func servicesOf(n *reach.Network, m inventory.Typed[monitor]) []inventory.Typed[corev1.Service] {
	var found []inventory.Typed[corev1.Service]
	for _, s := range n.Services() {
		if surely, _ := reach.Match(m.Value.Spec.Selector, reach.Labels{Set: s.Labels()}); surely {
			found = append(found, s)
		}
	}
	return found
}

// podsOf are the pods whose labels a monitor selects, in any namespace.
func podsOf(n *reach.Network, m inventory.Typed[monitor]) []*reach.Peer {
	var found []*reach.Peer
	for _, pod := range n.Pods() {
		if pod.Pod == nil {
			continue
		}
		if surely, _ := reach.Match(m.Value.Spec.Selector, pod.Labels); surely {
			found = append(found, pod)
		}
	}
	return found
}
