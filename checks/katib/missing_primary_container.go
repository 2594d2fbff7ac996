package katib

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var missingPrimaryContainer = &checks.Check{
	ID:       "katib/missing-primary-container",
	Severity: checks.Error,
	Doc: `trial has no container of the primary container's name

Katib puts its metrics collector beside the container that primaryContainerName
names and waits for it to end. If no pod of the trial has a container of that
name, the webhook refuses the trial's pods ("unable to find primary container")
and trials never start. The names of containers in training jobs are fixed by
the operator: pytorch, tensorflow, xgboost.

With collectors of kind None, Push and Custom nothing is wrapped; they are left
out, as are templates from ConfigMaps and kinds in which no container can be
seen.`,
	Fix:   "Name the container that trains.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/katib/user-guides/trial-template/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, o := range experiments(pass) {
			at := o.At("spec", "trialTemplate")
			primary := at.At("primaryContainerName").Text()
			spec := o.Map("spec", "trialTemplate", "trialSpec")
			switch o.String("spec", "metricsCollectorSpec", "collector", "kind") {
			case "None", "Push", "Custom":
				continue
			}
			if primary == "" || spec == nil {
				continue
			}
			var names []string
			found := false
			for _, path := range podSpecs(spec, at.Path.Join("trialSpec")) {
				for i := range o.List(path.Join("containers")) {
					name := o.String(path.Join("containers", i, "name"))
					found = found || name == primary
					names = append(names, name)
				}
			}
			if !found && len(names) > 0 {
				pass.Reportf(at.At("primaryContainerName"), "the trials of %s have no container %s, only %s%s", o.Key, primary, strings.Join(names, ", "), near.Hint(primary, names))
			}
		}
	},
}
