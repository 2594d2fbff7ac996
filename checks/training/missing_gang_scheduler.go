package training

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var missingGangScheduler = &checks.Check{
	ID:       "training/missing-gang-scheduler",
	Severity: checks.Warning,
	Doc: `training operator waits for a gang scheduler that is not there

With --gang-scheduler-name the operator makes a PodGroup for each job before its
pods and gives the pods to that scheduler: volcano with PodGroups of
scheduling.volcano.sh, any other name with those of scheduling.x-k8s.io. Without
that kind no job gets pods.

A warning, as the scheduler may be installed by another source. Upstream sets no
gang scheduler.`,
	Fix:   "Install the gang scheduler with its PodGroup kind, or remove --gang-scheduler-name.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/trainer/legacy-v1/user-guides/job-scheduling/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for pod := range kubeflow.Pods(v) {
			for at, c := range pod.Containers() {
				if !isOperator(c) {
					continue
				}
				found = true
				for _, f := range flags(c, at, "gang-scheduler-name") {
					kind := "podgroups.scheduling.x-k8s.io"
					switch f.value {
					case "", "none":
						continue
					case "volcano":
						kind = "podgroups.scheduling.volcano.sh"
					}
					if v.Get(definitionKind, "", kind) == nil {
						pass.Reportf(f.place, "%s makes a PodGroup for each job for scheduler %s, and CustomResourceDefinition %s is not in the render", pod.Owner.Key, f.value, kind)
					}
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
