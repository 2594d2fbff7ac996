package training

import (
	"cmp"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

const trainerGroup = "trainer.kubeflow.org"

var missingRuntime = &checks.Check{
	ID:       "training/missing-runtime",
	Severity: checks.Error,
	Doc: `TrainJob names a runtime that does not exist

A TrainJob takes its pods from the runtime that runtimeRef names: a
ClusterTrainingRuntime where it names no kind, or a TrainingRuntime of the job's
own namespace. The trainer's webhook refuses a job whose runtime is not there.

In a render without any runtime the check is undecided: they may be installed by
another source.`,
	Fix:   "Name a runtime that is installed, or add it.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/trainer/operator-guides/runtime/", "https://github.com/kubeflow/trainer/blob/master/pkg/webhooks/trainjob_webhook.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		cluster := inventory.GroupKind{Group: trainerGroup, Kind: "ClusterTrainingRuntime"}
		namespaced := inventory.GroupKind{Group: trainerGroup, Kind: "TrainingRuntime"}
		any := false
		// By name, as the scope of the kinds is known from their definitions
		// alone, which another source may hold.
		runtimes := map[[3]string]*inventory.Object{}
		for o := range v.Of(cluster, namespaced) {
			any = true
			namespace := o.Key.Namespace
			if o.Key.GroupKind == cluster {
				namespace = ""
			}
			runtimes[[3]string{o.Key.Kind, namespace, o.Key.Name}] = o
		}
		found := false
		for o := range v.Of(inventory.GroupKind{Group: trainerGroup, Kind: "TrainJob"}) {
			found = true
			name := o.String("spec", "runtimeRef", "name")
			kind := cmp.Or(o.String("spec", "runtimeRef", "kind"), cluster.Kind)
			place := o.At("spec", "runtimeRef", "name")
			gk, namespace := inventory.GroupKind{Group: cmp.Or(o.String("spec", "runtimeRef", "apiGroup"), trainerGroup), Kind: kind}, ""
			switch {
			case name == "":
				continue // the schema asks for it
			case gk != cluster && gk != namespaced:
				pass.Reportf(o.At("spec", "runtimeRef"), "%s names a runtime of kind %s, where there are %s and %s", o.Key, gk, cluster.Kind, namespaced.Kind)
				continue
			case gk == namespaced:
				namespace = o.Key.Namespace
			}
			if runtimes[[3]string{kind, namespace, name}] != nil {
				continue
			}
			where := ""
			if namespace != "" {
				where = " in namespace " + namespace
			}
			if any {
				f := pass.Reportf(place, "%s names %s %s, which does not exist%s", o.Key, kind, name, where)
				other, otherNamespace := namespaced, o.Key.Namespace
				if gk == namespaced {
					other, otherNamespace = cluster, ""
				}
				if twin := runtimes[[3]string{other.Kind, otherNamespace, name}]; twin != nil {
					f.See(twin.At("metadata", "name"), "a runtime of this name is a %s", other.Kind)
				}
			} else {
				pass.Undecidedf(place, "%s names %s %s%s: the render has no training runtimes", o.Key, kind, name, where)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
