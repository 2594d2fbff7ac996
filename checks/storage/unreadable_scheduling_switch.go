package storage

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var unreadableSchedulingSwitch = &checks.Check{
	ID:       "storage/unreadable-scheduling-switch",
	Severity: checks.Error,
	Doc: `Tensorboard controller cannot read RWO_PVC_SCHEDULING

The controller reads true, True, TRUE, false, False and FALSE. With any other
value ("yes", "1", or an empty one) it makes no Tensorboard whose logs are on a
claim. Absent is right, and means false: Tensorboards then do not follow a
ReadWriteOnce volume to its node, which upstream switches on.`,
	Fix: "Set RWO_PVC_SCHEDULING to \"True\".",
	Refs: []string{
		"https://github.com/kubeflow/kubeflow/blob/master/components/tensorboard-controller/controllers/tensorboard_controller.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		const name = "RWO_PVC_SCHEDULING"
		found := false
		judge := func(place inventory.Place, what, value string) {
			found = true
			if !slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE"}, value) {
				pass.Reportf(place, "%s is %q in %s, which the Tensorboard controller cannot read", name, value, what)
			}
		}
		for o := range pass.Render.Of(configMapKind) {
			if value, ok := o.Get("data", name).(string); ok {
				judge(o.At("data", name), o.Key.String(), value)
			}
		}
		for pod := range kubeflow.Pods(pass.Render) {
			for place, c := range pod.Containers() {
				for i, env := range c.Env {
					if env.Name == name && env.ValueFrom == nil {
						judge(place.At("env", i, "value"), pod.Owner.Key.String(), env.Value)
					}
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
