package notebooks

import (
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var unreadableCulling = &checks.Check{
	ID:       "notebooks/unreadable-culling",
	Severity: checks.Warning,
	Doc: `notebook controller does not read its culling settings

CULL_IDLE_TIME and IDLENESS_CHECK_PERIOD are whole numbers of minutes, without a
unit. With another CULL_IDLE_TIME the controller falls back to 1440; with another
IDLENESS_CHECK_PERIOD it ends at its start where culling is on, and that is an
error. Culling is on for the value true alone: True, yes and 1 leave it off.

An empty value is the default, 1440 and 1.`,
	Fix:   "Write whole numbers of minutes, and true or false.",
	Refs:  []string{"https://github.com/kubeflow/kubeflow/blob/v1.10.0/components/notebook-controller/controllers/culling_controller.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for pod := range kubeflow.Pods(v) {
			for at, c := range pod.Containers() {
				if !strings.Contains(c.Image, "notebook-controller") {
					continue
				}
				found = true
				enabled, place, known := kubeflow.EnvAt(v, pod, at, c, "ENABLE_CULLING")
				if known && enabled != "true" && (strings.EqualFold(enabled, "true") || strings.EqualFold(enabled, "yes") || enabled == "1" || strings.EqualFold(enabled, "on")) {
					pass.Reportf(place, "%s does not cull notebooks: ENABLE_CULLING is %q, and true alone enables it", pod.Owner.Key, enabled)
				}
				if enabled != "true" {
					continue
				}
				minutes := map[string]int{"CULL_IDLE_TIME": 1440, "IDLENESS_CHECK_PERIOD": 1}
				for _, name := range []string{"CULL_IDLE_TIME", "IDLENESS_CHECK_PERIOD"} {
					value, place, known := kubeflow.EnvAt(v, pod, at, c, name)
					if !known || value == "" {
						continue
					}
					n, err := strconv.Atoi(value)
					switch {
					case err != nil && name == "CULL_IDLE_TIME":
						pass.Reportf(place, "%s culls notebooks after 1440 minutes: CULL_IDLE_TIME %q is no whole number", pod.Owner.Key, value)
						continue
					case err != nil:
						pass.Reportf(place, "%s ends at its start: IDLENESS_CHECK_PERIOD %q is no whole number", pod.Owner.Key, value).As(checks.Error)
						continue
					case n <= 0:
						pass.Reportf(place, "%s is told %s of %d minutes", pod.Owner.Key, name, n)
					}
					minutes[name] = n
					if name == "IDLENESS_CHECK_PERIOD" && n > minutes["CULL_IDLE_TIME"] && minutes["CULL_IDLE_TIME"] > 0 {
						pass.Reportf(place, "%s looks for idle notebooks every %d minutes, and shall stop them after %d", pod.Owner.Key, n, minutes["CULL_IDLE_TIME"])
					}
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
