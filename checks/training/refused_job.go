package training

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var refusedJob = &checks.Check{
	ID:       "training/refused-job",
	Severity: checks.Error,
	Doc: `training operator refuses the job

The operator's webhook refuses a job whose pods have no container of the name
that the operator configures (pytorch, tensorflow, xgboost, paddle, jax), whose
containers have no image, that has roles of another name or case, a Master of
other than one replica, no Master (XGBoostJob), both Chief and Master (TFJob),
or a name that is no DNS label. An MPIJob has no webhook: the operator fails it
where it has no Launcher, or several. The jobs that Katib makes of trial
templates are judged alike.

Other containers beside the named one are right, and so is any container name in
an MPIJob. What the schema of the kind refuses is not repeated here.`,
	Fix:   "Write the roles, replicas and container name that the operator asks for.",
	Refs:  []string{"https://github.com/kubeflow/training-operator/tree/release-1.9/pkg/webhooks", "https://www.kubeflow.org/docs/components/trainer/legacy-v1/user-guides/pytorch/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for j := range jobs(pass.Render) {
			for _, rule := range kubeflow.JobRules() {
				if rule.Kind == j.kind {
					judge(pass, j, rule)
				}
			}
		}
	},
}

func judge(pass *checks.Pass, j *job, rule kubeflow.JobRule) {
	field := kubeflow.ReplicasField(j.kind)
	// Katib names the jobs of trials itself.
	if name := j.Key.Name; rule.Named && len(j.path) == 0 && name != "" && len(validation.IsDNS1035Label(name)) > 0 {
		pass.Reportf(j.At("metadata", "name"), "%s is refused: %q is no name of a Service, that begins with a letter and has letters, digits and hyphens", j.name, name)
	}
	roles := j.roles()
	if len(roles) == 0 {
		if j.get(field) == nil && rule.Required == "" {
			return // the schema asks for the field
		}
	}
	present := 0
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		if slices.Contains(rule.OneOf, role) {
			present++
		}
		if len(rule.Roles) > 0 && !slices.Contains(rule.Roles, role) {
			pass.Reportf(j.spec(field, role), "%s is refused: it has role %s, where there may be %s", j.name, role, strings.Join(rule.Roles, " and "))
			continue
		}
		if slices.Contains(rule.Single, role) {
			n, given := j.number(field, role, "replicas")
			switch {
			case given && n != 1:
				pass.Reportf(j.spec(field, role, "replicas"), "%s is refused: it has %d replicas of role %s, where there must be 1", j.name, n, role)
			case rule.Explicit && j.get(field, role, "replicas") == nil:
				pass.Reportf(j.spec(field, role, "replicas"), "%s is refused: role %s does not say that it has 1 replica", j.name, role)
			}
		}
		containers, _ := j.get(field, role, "template", "spec", "containers").([]any)
		var names []string
		for i, c := range containers {
			container, _ := c.(map[string]any)
			name, _ := container["name"].(string)
			names = append(names, name)
			if image, _ := container["image"].(string); image == "" {
				pass.Reportf(j.spec(field, role, "template", "spec", "containers", i, "image"), "%s is refused: container %s of role %s has no image", j.name, name, role)
			}
		}
		if rule.Main == "" || slices.Contains(names, rule.Main) {
			continue
		}
		place := j.spec(field, role, "template", "spec", "containers")
		if len(names) == 1 && names[0] != "" {
			place = place.At(0, "name")
		}
		pass.Reportf(place, "%s is refused: role %s has no container named %s", j.name, role, rule.Main).
			WithFix("Name the container that trains %s.", rule.Main)
	}
	if present > 1 {
		pass.Reportf(j.spec(field), "%s is refused: it has both %s", j.name, strings.Join(rule.OneOf, " and "))
	}
	if rule.Required != "" && roles[rule.Required] == nil {
		pass.Reportf(j.spec(field), "%s is refused: it has no role %s", j.name, rule.Required)
	}
}
