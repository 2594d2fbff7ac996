package quota

import (
	"fmt"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var runtimePodsRefused = &checks.Check{
	ID:       "quota/runtime-pods-refused",
	Severity: checks.Warning,
	Doc: `quota or range refuses what users of a profile start

Pipeline runs, Tensorboards and InferenceServices make pods in the user's
namespace with containers that no user wrote: Argo's init and wait (without
resources unless the workflow controller's ConfigMap gives the executor some),
Tensorboard's server (never with resources), Knative's queue-proxy (a request of
processor only unless config-deployment says more), Istio's sidecar. Under a
quota that makes their fields mandatory and without defaults of a LimitRange,
every such pod is refused. Judged is the pod that a user gets who leaves
everything at its defaults; a part of the platform that the render does not hold
is left out.

What stands in the manifests is judged by quota/missing-resources.`,
	Fix:   "Give the namespace a LimitRange with defaults, or give the added containers resources where they are configured.",
	Refs:  []string{"kubeflow/pipelines#7699", "kubeflow/pipelines#9089", "kubeflow/kubeflow#7334", "kubeflow/kubeflow#7077", "https://knative.dev/docs/serving/configuration/deployment/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range spaces(pass) {
			for _, d := range demands(pass, s) {
				if d.Spawner {
					continue
				}
				for _, r := range refusals(pass, s, d) {
					pass.Reportf(r.limit, "%s in namespace %s are refused: %s", d.What, s.name, r.why).
						See(r.source, "%s gets its resources here", strings.Join(r.containers, ", "))
				}
			}
		}
	},
}

// demands are the pods that users start in a space: none where it is not the
// namespace of a profile.
func demands(pass *checks.Pass, s *space) []*kubeflow.Demand {
	labels, exists := pass.Render.Namespace(s.name)
	if !exists || labels["app.kubernetes.io/part-of"] != "kubeflow-profile" {
		return nil
	}
	return kubeflow.OnDemand(pass.Render, s.name)
}

// A refusal is a reason for which a pod of a user is refused.
type refusal struct {
	limit      inventory.Place // the quota's or range's field
	source     inventory.Place // what configures the container at fault
	containers []string
	why        string
	field, res string // in the container
	lacking    bool   // it states too little, not too much
}

// refusals judges a pod as admission would: for each quota and range the first
// reason.
func refusals(pass *checks.Pass, s *space, d *kubeflow.Demand) []refusal {
	opts := options(pass)
	p := s.complete(pass, d.Load)
	var list []refusal
	for _, h := range s.quotas {
		lacking := h.lacking(p, opts)
		if len(lacking) > 0 {
			field, res := inContainer(lacking[0].Resource)
			list = append(list, refusal{
				limit: h.hardAt(lacking[0].Resource), source: p.Part(lacking[0].Containers[0]).Place, containers: lacking[0].Containers,
				why: fmt.Sprintf("%s demands that they specify %s", h.name, lackingText(lacking)), field: field, res: res, lacking: true,
			})
			continue
		}
		if !quota.MatchesPod(&h.ResourceQuotaSpec, p.spec, opts) {
			continue
		}
		for _, name := range quota.Exceeded(p.usage, h.Hard) {
			need, most := p.usage[name], h.Hard[name]
			container := largest(p, name)
			field, res := inContainer(name)
			list = append(list, refusal{
				limit: h.hardAt(name), source: p.Part(container).Place, containers: []string{container},
				why: fmt.Sprintf("the smallest needs %s %s, %s allows %s (%s)", &need, bare(name), h.name, &most, name), field: field, res: res,
			})
			break
		}
	}
	if invalid := quota.Invalid(p.spec); len(invalid) > 0 && !device(invalid[0].Resource) {
		problem := invalid[0]
		limit, by := defaultingRange(s, p, problem)
		list = append(list, refusal{
			limit: limit, source: p.Part(problem.Container).Place, containers: []string{problem.Container},
			why: fmt.Sprintf("container %s %s%s", problem.Container, problem.Message, by), field: problem.Field, res: string(problem.Resource),
		})
		return list
	}
	seen := map[int]bool{}
	for _, problem := range quota.Violations(p.spec, s.specs(), opts) {
		if seen[problem.Range] || device(problem.Resource) {
			continue
		}
		seen[problem.Range] = true
		r := s.ranges[problem.Range]
		what := "the pod"
		containers := []string{"the pod"}
		if problem.Container != "" {
			what, containers = "container "+problem.Container, []string{problem.Container}
		}
		list = append(list, refusal{
			limit:  r.At("spec", "limits", problem.Item, problem.Bound, string(problem.Resource)),
			source: p.Part(problem.Container).Place, containers: containers,
			why: fmt.Sprintf("%s: %s, by %s", what, problem.Message, r.Key), field: problem.Field, res: string(problem.Resource),
		})
	}
	return list
}
