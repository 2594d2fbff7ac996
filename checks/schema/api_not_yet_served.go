package schema

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeapi"
)

var apiNotYetServed = &checks.Check{
	ID:       "schema/api-not-yet-served",
	Severity: checks.Error,
	Doc: `an API version that the target does not serve yet

The object is written in a version that came with a later minor than the target,
or in an alpha or beta version, which clusters serve only if they are told to.
Apply ends with "no matches for kind".

Without a target, versions that are not in every known minor are undecided.
Alpha and beta versions are warnings: the cluster may be told to serve them.`,
	Fix:   "Write the object in a version that the target serves, or raise the target.",
	Refs:  []string{"kubeflow/manifests#2453", "https://github.com/kubernetes/enhancements/issues/3136"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		target, known := minorOf(pass.Target.Kubernetes)
		for o := range pass.Render.All() {
			minors := kubeapi.Served(o.Key.Group, o.Version(), o.Key.Kind)
			if len(minors) == 0 {
				continue
			}
			switch first := minors[0]; {
			case known && kubeapi.Less(target, first) && !kubeapi.Less(target, kubeapi.Minors()[0]):
				pass.Reportf(o.At("apiVersion"), "%s is written in %s, which Kubernetes serves from %s on; the target is %s", o.Key, o.APIVersion, first, target)
			case kubeapi.OffByDefault(o.Key.Group, o.Version()):
				pass.Reportf(o.At("apiVersion"), "%s is written in %s, which a cluster serves only with --runtime-config=%s=true", o.Key, o.APIVersion, o.APIVersion).As(checks.Warning)
			case !known && first != kubeapi.Minors()[0]:
				pass.Undecidedf(o.At("apiVersion"), "%s is written in %s, which Kubernetes serves from %s on: the target version is not known", o.Key, o.APIVersion, first)
			}
		}
	},
}
