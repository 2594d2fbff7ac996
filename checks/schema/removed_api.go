package schema

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeapi"
)

var removedAPI = &checks.Check{
	ID:       "schema/removed-api",
	Severity: checks.Error,
	Doc: `an API version that the target no longer serves

Kubernetes has stopped to serve the version that the object is written in. Apply
ends with "no matches for kind", and the object is missing.

Without a target (cluster.kubernetesVersion, or --kubernetes-version) a version
that no known minor serves is an error; one that only later minors have dropped
is undecided.`,
	Fix:   "Write the object in the version that replaced it.",
	Refs:  []string{"https://kubernetes.io/docs/reference/using-api/deprecation-guide/", "awslabs/kubeflow-manifests#759", "kubeflow/manifests#2325"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for o := range pass.Render.All() {
			minor, replacement, removed := kubeapi.Removed(o.Key.Group, o.Version(), o.Key.Kind)
			if !removed {
				continue
			}
			instead := "and nothing replaces it"
			if replacement != "" {
				instead = "write it as " + replacement
			}
			target, known := minorOf(pass.Target.Kubernetes)
			oldest := kubeapi.Minors()[0]
			switch {
			case known && kubeapi.Less(target, minor):
			case known:
				pass.Reportf(o.At("apiVersion"), "%s is written in %s, which Kubernetes %s does not serve since %s: %s", o.Key, o.APIVersion, target, minor, instead)
			case !kubeapi.Less(oldest, minor):
				pass.Reportf(o.At("apiVersion"), "%s is written in %s, which no Kubernetes since %s serves: %s", o.Key, o.APIVersion, minor, instead)
			default:
				pass.Undecidedf(o.At("apiVersion"), "%s is written in %s, which Kubernetes does not serve from %s on: the target version is not known", o.Key, o.APIVersion, minor)
			}
		}
	},
}

// minorOf cuts a version to its minor, 1.34, and reports whether it is one.
func minorOf(version string) (string, bool) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 {
		return "", false
	}
	return parts[0] + "." + parts[1], true
}
