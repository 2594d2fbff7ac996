package quota

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var limitRangeViolation = &checks.Check{
	ID:       "quota/limit-range-violation",
	Severity: checks.Error,
	Doc: `pod or claim is outside a limit range

The API server refuses a pod whose containers, or a claim whose size, are
outside the LimitRange of the namespace: the workload stands there and its
controller reports FailedCreate. A container that states nothing is judged by
the defaults that it gets; one that has no limit violates a maximum. Containers
that Istio, Knative, KServe, Katib or Argo add are judged like any other, and so
is the sum of a pod where the range has the type Pod.

Ranges that are refused themselves bind nobody: see quota/invalid-limit-range.
Devices that a range forces on containers are in
quota/limit-range-forces-devices. A bound that refuses more than three workloads
is one finding, at the bound.`,
	Fix:   "Bring the container's requests and limits into the range, or widen the range.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/policy/limit-range/", "kubeflow/pipelines#7699"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		all := peopled(pass)
		trials, _ := trialsOf(pass, all)
		for _, s := range all {
			added := additions{}
			var own refused
			for _, p := range slices.Concat(s.pods, trials[s.name]) {
				for _, problem := range quota.Violations(p.spec, s.specs(), options(pass)) {
					if device(problem.Resource) && !states(p, problem) {
						continue
					}
					r := s.ranges[problem.Range]
					bound := r.At("spec", "limits", problem.Item, problem.Bound, string(problem.Resource))
					if problem.Container == "" {
						own.note(bound, p.At("spec"), p.Name, fmt.Sprintf("pod of %s: %s, by %s", p.Name, problem.Message, r.Key))
						continue
					}
					part := p.Part(problem.Container)
					if part.By != "" {
						text := fmt.Sprintf("container %s, which %s adds: %s, by %s", problem.Container, part.By, problem.Message, r.Key)
						added.note(bound, part.Place, text, p.Name)
						continue
					}
					own.note(bound, part.Place.At("resources", problem.Field, string(problem.Resource)), p.Name,
						fmt.Sprintf("container %s of %s: %s, by %s", problem.Container, p.Name, problem.Message, r.Key))
				}
			}
			added.report(pass)
			own.report(pass)
			for _, c := range claimsOf(pass, s.name) {
				for _, problem := range quota.ClaimViolations(c.spec, s.specs()) {
					r := s.ranges[problem.Range]
					pass.Reportf(c.place.At("resources", "requests", string(problem.Resource)), "%s: %s, by %s", c.name, problem.Message, r.Key).
						See(r.At("spec", "limits", problem.Item, problem.Bound, string(problem.Resource)), "%s of %s", problem.Bound, r.Key)
				}
			}
		}
	},
}

// states reports whether a container itself speaks of the resource.
func states(p *pod, problem quota.Problem) bool {
	for _, list := range [][]corev1.Container{p.Full.Containers, p.Full.InitContainers} {
		for _, c := range list {
			_, request := c.Resources.Requests[problem.Resource]
			_, limit := c.Resources.Limits[problem.Resource]
			if (problem.Container == "" || c.Name == problem.Container) && (request || limit) {
				return true
			}
		}
	}
	return false
}

// trialsOf are the pods of Katib's trials by namespace, completed.
func trialsOf(pass *checks.Pass, all []*space) (map[string][]*pod, []kubeflow.Unread) {
	byName := map[string]*space{}
	for _, s := range all {
		byName[s.name] = s
	}
	if len(all) == 0 {
		return nil, nil
	}
	list, unread := kubeflow.Trials(pass.Render, func(ns string) bool { return byName[ns] != nil })
	pods := map[string][]*pod{}
	for _, t := range list {
		ns := t.Experiment.Key.Namespace
		for _, l := range t.Loads {
			pods[ns] = append(pods[ns], byName[ns].complete(pass, l))
		}
	}
	return pods, unread
}
