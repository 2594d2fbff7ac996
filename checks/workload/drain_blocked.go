package workload

import (
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var drainBlocked = &checks.Check{
	ID:       "workload/drain-blocked",
	Severity: checks.Warning,
	Doc: `disruption budget lets no pod go

A PodDisruptionBudget that needs all pods to stay refuses every eviction: a drain,
and with it the upgrade of a node or of the cluster, waits until somebody deletes
the pod. A percentage is rounded up, so that 80% of one replica is one; what counts
are the replicas of the workload, or the least that its autoscaler allows.

Knative ships two such budgets, for its activator and its webhook: true, and known.
Two budgets that select the same pods refuse every eviction as well, whatever they
allow.`,
	Fix: "Run more replicas than the budget needs, or set maxUnavailable: 1.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/run-application/configure-pdb/#rounding-logic-when-specifying-percentages",
		"https://kubernetes.io/docs/concepts/workloads/pods/disruptions/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		n := reach.New(v, reach.Options{})
		found := false
		first := map[*reach.Peer]inventory.Typed[policyv1.PodDisruptionBudget]{}
		for budget := range budgets.In(v) {
			found = true
			selector := budget.Value.Spec.Selector
			if selector == nil {
				continue
			}
			var pods []*reach.Peer
			total := 0
			known := true
			for _, pod := range n.PodsIn(budget.Key.Namespace) {
				if surely, _ := reach.Match(selector, pod.Labels); !surely {
					continue
				}
				pods = append(pods, pod)
				count, ok := replicasOf(v, pod)
				total += count
				known = known && ok
				if other, twice := first[pod]; twice {
					pass.Reportf(budget.At("spec", "selector"), "%s and %s both select the pods of %s, which can then not be evicted at all", budget.Key, other.Key, pod.Name).
						See(other.At("spec", "selector"), "the other budget")
				} else {
					first[pod] = budget
				}
			}
			if len(pods) == 0 || !known || total == 0 {
				continue
			}
			allowed, field, err := allowed(&budget.Value.Spec, total)
			if err != nil || allowed > 0 {
				continue
			}
			pass.Reportf(budget.At("spec", field), "%s lets none of the %s of %s go", budget.Key, counted(total), pods[0].Name).
				See(pods[0].Pod.Owner.At("spec", "replicas"), "the replicas of the workload")
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

var budgets = inventory.Kind[policyv1.PodDisruptionBudget]{Group: policyv1.GroupName, Name: "PodDisruptionBudget"}

// allowed is the number of pods that a budget lets go, and the field that says
// so.
func allowed(spec *policyv1.PodDisruptionBudgetSpec, total int) (n int, field string, err error) {
	if spec.MaxUnavailable != nil {
		n, err = intstr.GetScaledValueFromIntOrPercent(spec.MaxUnavailable, total, true)
		return n, "maxUnavailable", err
	}
	least := intstr.FromInt32(1)
	if spec.MinAvailable != nil {
		least = *spec.MinAvailable
	}
	n, err = intstr.GetScaledValueFromIntOrPercent(&least, total, true)
	return total - n, "minAvailable", err
}

// replicasOf are the pods that run at least: of the workload, or by its
// autoscaler. The pods of a DaemonSet are as many as there are nodes, and a
// drain does not evict them.
func replicasOf(v *inventory.View, pod *reach.Peer) (int, bool) {
	owner := pod.Pod.Owner
	if owner.Key.Group != "apps" || owner.Key.Kind == "DaemonSet" {
		return 0, false
	}
	count := int(pod.Pod.Replicas)
	for o := range v.Of(autoscalerKind) {
		if o.Key.Namespace == owner.Key.Namespace && o.String("spec", "scaleTargetRef", "kind") == owner.Key.Kind && o.String("spec", "scaleTargetRef", "name") == owner.Key.Name {
			count = 1
			if n, ok := o.Get("spec", "minReplicas").(int64); ok {
				count = int(n)
			}
		}
	}
	return count, true
}

func counted(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}
