package pipelines

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var workflowsNotWatched = &checks.Check{
	ID:       "pipelines/workflows-not-watched",
	Severity: checks.Error,
	Doc: `workflow controller does not look after the runs

A controller with an instanceID handles only workflows that carry it as a label;
Kubeflow Pipelines gives none, so runs stay without a status. With namespace, or
the flag --namespaced, it looks after one namespace, and in multi-user mode runs
are in the namespaces of the profiles.`,
	Fix:   "Leave out instanceID and namespace in the workflow controller's configuration.",
	Refs:  []string{"https://argo-workflows.readthedocs.io/en/latest/scaling/#instance-id"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		api, multi := false, false
		for _, c := range containers(pass.Render) {
			if c.is("kfp-api-server", "ml-pipeline/api-server") {
				api = true
				for i := range c.EnvFrom {
					if ref := c.EnvFrom[i].ConfigMapRef; ref != nil {
						if o := pass.Render.Get(configMapKind, c.pod.Namespace, ref.Name); o != nil {
							multi = multi || o.String("data", "MULTIUSER") == "true"
						}
					}
				}
				for _, e := range c.Env {
					multi = multi || e.Name == "MULTIUSER" && e.Value == "true"
				}
			}
		}
		list := argoConfigs(pass.Render)
		if !api || len(list) == 0 {
			pass.NotApplicable()
			return
		}
		for _, a := range list {
			if a.object == nil {
				continue
			}
			field := func(name string) (string, inventory.Place) {
				if text := a.object.String("data", name); text != "" {
					return text, a.object.At("data", name)
				}
				if a.object.String("data", "config") == "" {
					return "", inventory.Place{}
				}
				doc, err := a.object.At("data", "config").Document()
				if err != nil {
					return "", inventory.Place{}
				}
				var config map[string]any
				if doc.Decode(&config) != nil {
					return "", inventory.Place{}
				}
				text, _ := config[name].(string)
				return text, doc.At(name)
			}
			if id, at := field("instanceID"); id != "" {
				pass.Reportf(at, "%s looks only after workflows of the instance %s, and Kubeflow Pipelines marks none", a.controller.pod.Owner.Key, id)
			}
			if namespace, at := field("namespace"); namespace != "" && multi {
				pass.Reportf(at, "%s looks only after namespace %s, while runs are in the namespaces of profiles", a.controller.pod.Owner.Key, namespace)
			}
			for i, arg := range a.controller.Args {
				if arg == "--namespaced" && multi {
					pass.Reportf(a.controller.at.At("args", i), "%s looks only after namespace %s, while runs are in the namespaces of profiles", a.controller.pod.Owner.Key, a.controller.pod.Namespace)
				}
			}
		}
	},
}
