package workload

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var autoscalerWithoutRequests = &checks.Check{
	ID:       "workload/autoscaler-without-requests",
	Severity: checks.Error,
	Doc: `autoscaler measures against requests that nobody makes

A HorizontalPodAutoscaler whose metric is a utilization divides what the pods use
by what they request. One container of the pod without that request, and nothing
is scaled: ` + "`failed to get cpu utilization: missing request for cpu in container x`" + `.

Limits stand for requests that are left out, and so does a LimitRange of the
namespace. The mesh's sidecar counts like any container; init containers that end
do not.`,
	Fix: "Give every container of the pod a request, or measure one container or an average value.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-resource-metrics",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for hpa := range autoscalers.In(v) {
			ref := hpa.Value.Spec.ScaleTargetRef
			group, _ := inventory.SplitAPIVersion(ref.APIVersion)
			target := v.Get(inventory.GroupKind{Group: group, Kind: ref.Kind}, hpa.Key.Namespace, ref.Name)
			if target == nil || defaulted(v, hpa.Key.Namespace) {
				continue
			}
			for i, metric := range hpa.Value.Spec.Metrics {
				var resource corev1.ResourceName
				only := ""
				switch {
				case metric.Resource != nil && metric.Resource.Target.AverageUtilization != nil:
					resource = metric.Resource.Name
				case metric.ContainerResource != nil && metric.ContainerResource.Target.AverageUtilization != nil:
					resource, only = metric.ContainerResource.Name, metric.ContainerResource.Container
				default:
					continue
				}
				found = true
				for pod := range kubeflow.PodsOf(v, target) {
					for j, c := range pod.Spec.Containers {
						_, requested := c.Resources.Requests[resource]
						_, limited := c.Resources.Limits[resource]
						if requested || limited || only != "" && c.Name != only {
							continue
						}
						pass.Reportf(pod.ContainerAt("containers", j, "resources", "requests", string(resource)),
							"container %s of %s requests no %s, which %s measures against: it never scales", c.Name, target.Key, resource, hpa.Key).
							See(hpa.At("spec", "metrics", i), "the metric of the autoscaler")
					}
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

var autoscalers = inventory.Kind[autoscalingv2.HorizontalPodAutoscaler]{Group: autoscalingv2.GroupName, Name: "HorizontalPodAutoscaler"}

// defaulted reports whether a namespace has a LimitRange, which may give
// containers their requests.
func defaulted(v *inventory.View, namespace string) bool {
	for o := range v.LiveOf(inventory.GroupKind{Kind: "LimitRange"}) {
		if o.Key.Namespace == namespace {
			return true
		}
	}
	return false
}
