package quota

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var spawnedNotebooksRefused = &checks.Check{
	ID:       "quota/spawned-notebooks-refused",
	Severity: checks.Warning,
	Doc: `quota or range refuses notebooks from the form

The notebooks' web app gives a notebook the processor and memory of its form,
and limits only where spawner_ui_config.yaml has a limitFactor that is a number.
Under a quota on limits.cpu or limits.memory without defaults of a LimitRange,
a notebook without limits is refused; where the form's defaults are above what
the quota or range allows, so is one with them. Judged is the notebook that a
user gets who changes nothing in the form, its sidecar and the volume of its
workspace included.

The form of the releases has the factor 1.2 for both.`,
	Fix:   "Set limitFactor to a number for each resource that the quota limits, and the form's defaults to what fits.",
	Refs:  []string{"kubeflow/kubeflow#5814", "https://github.com/kubeflow/kubeflow/blob/master/components/crud-web-apps/jupyter/backend/apps/common/form.py"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range spaces(pass) {
			for _, d := range demands(pass, s) {
				if !d.Spawner {
					continue
				}
				workspace(pass, s, d)
				for _, r := range refusals(pass, s, d) {
					if !r.lacking || !slices.Contains(r.containers, "notebook") || (r.res != "cpu" && r.res != "memory") {
						pass.Reportf(r.limit, "notebooks of the form's defaults are refused in namespace %s: %s", s.name, r.why).
							See(r.source, "this configures the container")
						continue
					}
					field := "limitFactor"
					if r.field == "requests" {
						field = "value"
					}
					pass.Reportf(d.Form(r.res, field), "notebooks of the form's defaults are refused in namespace %s: %s", s.name, r.why).
						See(r.limit, "this refuses them")
				}
			}
		}
	},
}

// workspace judges the volume of the notebook's workspace.
func workspace(pass *checks.Pass, s *space, d *kubeflow.Demand) {
	if d.Claim == nil {
		return
	}
	size := d.Form("workspaceVolume", "value", "newPvc", "spec", "resources", "requests", "storage")
	for _, problem := range quota.ClaimViolations(d.Claim, s.specs()) {
		r := s.ranges[problem.Range]
		pass.Reportf(r.At("spec", "limits", problem.Item, problem.Bound, string(problem.Resource)),
			"workspaces of notebooks of the form's defaults are refused in namespace %s: %s, by %s", s.name, problem.Message, r.Key).
			See(size, "the form asks for this")
	}
	class := defaultClass(pass)
	if d.Claim.StorageClassName != nil {
		class = *d.Claim.StorageClassName
	}
	usage := quota.ClaimUsage(d.Claim, class)
	for _, h := range s.quotas {
		if !quota.MatchesClaim(&h.ResourceQuotaSpec, d.Claim) {
			continue
		}
		for _, name := range quota.Exceeded(usage, h.Hard) {
			need, most := usage[name], h.Hard[name]
			pass.Reportf(h.hardAt(name), "workspaces of notebooks of the form's defaults are refused in namespace %s: one needs %s %s, %s allows %s (%s)", s.name, &need, bare(name), h.name, &most, name).
				See(size, "the form asks for this")
		}
	}
}
