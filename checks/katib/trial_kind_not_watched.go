package katib

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var trialKindNotWatched = &checks.Check{
	ID:       "katib/trial-kind-not-watched",
	Severity: checks.Error,
	Doc: `trials are of a kind that Katib does not watch

Katib's controller watches the kinds in init.controller.trialResources of
katib-config, written Kind.version.group, and Jobs alone where there are none. A
trial of another kind is created and runs, and Katib never hears that it ended:
the Experiment stays Running. A kind whose CRD the render of a whole platform
lacks cannot be created at all, and the Experiment fails.

Without Katib's configuration in the render nothing is said.`,
	Fix:   "Add the kind to init.controller.trialResources of katib-config and give the controller's ClusterRole access to it.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/katib/user-guides/trial-template/#use-custom-kubernetes-resource-as-a-trial-template"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := experiments(pass)
		c := configOf(pass.Render)
		if len(list) == 0 || c == nil {
			pass.NotApplicable()
			return
		}
		watched := c.Init.Controller.TrialResources
		if len(watched) == 0 {
			watched = kubeflow.KatibTrialResources
		}
		for _, o := range list {
			spec := inventory.Path{"spec", "trialTemplate", "trialSpec"}
			kind := o.String(spec.Join("kind"))
			group, version := inventory.SplitAPIVersion(o.String(spec.Join("apiVersion")))
			if kind == "" || version == "" {
				continue
			}
			want := strings.TrimSuffix(kind+"."+version+"."+group, ".")
			found := false
			for _, w := range watched {
				found = found || w == want
			}
			if !found {
				pass.Reportf(o.At(spec, "kind"), "the trials of %s are of kind %s, which Katib does not watch: %s has %s", o.Key, want, c.object.Key, strings.Join(watched, ", ")).
					See(c.doc.At("init", "controller", "trialResources"), "the kinds that are watched")
			}
		}
	},
}
