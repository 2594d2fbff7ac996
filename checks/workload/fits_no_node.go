package workload

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var fitsNoNode = &checks.Check{
	ID:       "workload/fits-no-node",
	Severity: checks.Error,
	Doc: `pod requests more than any node has

The pod stays Pending (` + "`0/3 nodes are available: 3 Insufficient nvidia.com/gpu`" + `).
What counts are the requests of the whole pod, the mesh's sidecar included, against
what one node of the cluster facts can allocate; limits stand for requests that are
left out. GPUs are those of any vendor.

Without nodes among the cluster facts the check is not applicable. A group of no
nodes, which an autoscaler may fill, counts like any other.`,
	Fix: "Request less, or add nodes that have it.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#how-pods-with-resource-requests-are-scheduled",
		"canonical/bundle-kubeflow#599",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		if len(pass.Cluster.Nodes) == 0 {
			pass.NotApplicable()
			return
		}
		loads, _ := kubeflow.Loads(pass.Render, func(string) bool { return true })
		for _, load := range loads {
			requests := resourcehelper.PodRequests(&corev1.Pod{Spec: *withDefaults(load.Full)}, resourcehelper.PodResourcesOptions{})
			if what, fits := fitsSome(pass.Cluster.Nodes, requests); !fits {
				pass.Reportf(demanding(load, what), "a pod of %s requests %s, which no node has", load.Name, describe(requests, what))
			}
		}
	},
}

// gpu reports whether a resource is GPUs of some vendor.
func gpu(name corev1.ResourceName) bool { return strings.HasSuffix(string(name), "/gpu") }

// fitsSome reports whether a group's node has what is requested; otherwise what
// is lacking everywhere, or everything where each group lacks something else.
func fitsSome(nodes []facts.NodeGroup, requests corev1.ResourceList) (what []corev1.ResourceName, fits bool) {
	lacking := map[corev1.ResourceName]int{}
	for _, node := range nodes {
		least := 0
		for _, name := range sortedKeys(requests) {
			quantity := requests[name]
			var has resource.Quantity
			switch {
			case name == corev1.ResourceCPU:
				has = node.CPU
			case name == corev1.ResourceMemory:
				has = node.Memory
			case gpu(name):
				has = node.GPU
			default:
				continue
			}
			if quantity.Cmp(has) > 0 {
				lacking[name]++
				least++
			}
		}
		if least == 0 {
			return nil, true
		}
	}
	for _, name := range sortedKeys(lacking) {
		if lacking[name] == len(nodes) {
			what = append(what, name)
		}
	}
	if what == nil {
		what = sortedKeys(lacking)
	}
	return what, false
}

func describe(requests corev1.ResourceList, what []corev1.ResourceName) string {
	var parts []string
	for _, name := range what {
		quantity := requests[name]
		parts = append(parts, fmt.Sprintf("%s of %s", quantity.String(), name))
	}
	return strings.Join(parts, " and ")
}

// demanding is the request that asks for most of what is lacking.
func demanding(load *kubeflow.Load, what []corev1.ResourceName) inventory.Place {
	var most resource.Quantity
	for _, c := range load.Full.Containers {
		quantity, set := c.Resources.Requests[what[0]]
		if !set {
			quantity = c.Resources.Limits[what[0]]
		}
		if quantity.Cmp(most) > 0 {
			most = quantity
		}
	}
	for _, c := range load.Full.Containers {
		for _, field := range []string{"requests", "limits"} {
			list := c.Resources.Requests
			if field == "limits" {
				list = c.Resources.Limits
			}
			if quantity, set := list[what[0]]; set && quantity.Cmp(most) == 0 {
				place := load.Part(c.Name).Place.At("resources", field, string(what[0]))
				if _, set := place.Value(); set {
					return place
				}
			}
		}
	}
	for _, c := range load.Full.Containers {
		return load.Part(c.Name).Place
	}
	return load.At("spec")
}

// withDefaults gives each container the requests that the API server takes from
// its limits.
func withDefaults(spec *corev1.PodSpec) *corev1.PodSpec {
	spec = spec.DeepCopy()
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			for name, quantity := range list[i].Resources.Limits {
				if _, set := list[i].Resources.Requests[name]; set {
					continue
				}
				if list[i].Resources.Requests == nil {
					list[i].Resources.Requests = corev1.ResourceList{}
				}
				list[i].Resources.Requests[name] = quantity
			}
		}
	}
	return spec
}
