package knative

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var noPublicDomain = &checks.Check{
	ID:       "knative/no-public-domain",
	Severity: checks.Warning,
	Doc: `Knative has no domain, so that models are not reachable from outside

Requests for models get 404 from the gateway: config-domain has nothing but
_example, which is never read, and since Knative 1.8 the domain is then
svc.cluster.local, for which only the local gateway has routes. A domain with a
selector is for the Services that it matches; one without is for all.

Kubeflow 1.9 and before leave it so, and it is true there; 1.10 sets example.com.
Only renders with KServe are looked at, as somebody may want Knative for
cluster-local services alone.`,
	Fix:   "Set the domain as a key of config-domain, with an empty value.",
	Refs:  []string{"kubeflow/manifests#3084", "kserve/kserve#2757", "https://knative.dev/docs/serving/using-a-custom-domain/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		o := config(pass.Render, "config-domain")
		if o == nil || pass.Render.Get(inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}, "", "inferenceservices.serving.kserve.io") == nil {
			return
		}
		domain, _ := pass.Cluster.Domain()
		local := ""
		for _, key := range keys(o) {
			if o.String("data", key) != "" {
				continue // for some Services only
			}
			if key != "svc."+domain {
				return
			}
			local = key
		}
		place := o.At("data")
		if local != "" {
			place = o.At("data", local)
		}
		pass.Reportf(place, "%s sets no domain for all Services: InferenceServices get names of the cluster alone", o.Key)
	},
}
