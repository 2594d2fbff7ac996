package compatibility

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var knativeVersionSkew = &checks.Check{
	ID:       "compatibility/knative-version-skew",
	Severity: checks.Warning,
	Doc: `Knative's ingress controller is of another minor version

net-istio, net-kourier, net-contour and net-gateway-api are released with Knative
Serving under the same minor version: they share its Ingress resource and the
names of its ConfigMaps and Secrets, which change from one to the next.

The versions are those of the label app.kubernetes.io/version of the pods. Patch
versions may differ: upstream's 1.16.2 with net-istio 1.16.0 is right.`,
	Fix:   "Install the ingress controller of the minor version of Knative Serving.",
	Refs:  []string{"https://knative.dev/docs/install/yaml-install/serving/install-serving-with-yaml/#install-a-networking-layer"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var serving, ingress []part
		for pod := range kubeflow.Pods(pass.Render) {
			version, ok := minor(pod.Labels[versionLabel])
			if !ok || pod.Owner.Made != nil || pod.Labels["app.kubernetes.io/name"] != "knative-serving" {
				continue
			}
			p := part{pod.Owner.Key.String(), version, pod.At("metadata", "labels", versionLabel)}
			switch component := pod.Labels["app.kubernetes.io/component"]; {
			case slices.Contains([]string{"net-istio", "net-kourier", "net-contour", "net-gateway-api"}, component):
				ingress = append(ingress, p)
			case component == "controller":
				serving = append(serving, p)
			}
		}
		if len(serving) == 0 || len(ingress) == 0 {
			pass.NotApplicable()
			return
		}
		for _, p := range ingress {
			if n, ok := ahead(p.version, serving[0].version); !ok || n != 0 {
				pass.Reportf(p.place, "%s is of Knative %s, %s of %s", p.title, p.version, serving[0].title, serving[0].version).
					See(serving[0].place, "the version of Knative Serving")
			}
		}
	},
}
