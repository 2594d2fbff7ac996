package webhook

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var danglingService = &checks.Check{
	ID:       "webhook/dangling-service",
	Severity: checks.Error,
	Doc: `webhook is called at a Service that is not there

The API server answers ` + "`failed calling webhook: service \"x\" not found`" + ` to every
request that the webhook is for; a CRD whose conversion does this cannot be read
in other versions, and an APIService stays unavailable. Webhook configurations
are cluster-scoped, so that namespace transformers of kustomize follow the
Service only where the field is known to them.

Webhooks that may fail (failurePolicy Ignore) are a warning: requests pass without
them. In a namespace that is not part of the render it is undecided, unless the
render holds a Service of that name elsewhere or one with nearly that name.`,
	Fix: "Name the Service and the namespace that the webhook's pods are served by.",
	Refs: []string{
		"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#service-reference",
		"kserve/kserve#3187",
		"kubeflow/manifests#1121",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		each(pass, func(c *call) {
			if v.Get(serviceKind, c.service.Namespace, c.service.Name) != nil {
				return
			}
			var names []string
			var elsewhere *inventory.Object
			for o := range v.LiveOf(serviceKind) {
				if o.Key.Namespace == c.service.Namespace {
					names = append(names, o.Key.Name)
				} else if o.Key.Name == c.service.Name && elsewhere == nil {
					elsewhere = o
				}
			}
			hint := near.Hint(c.service.Name, sorted(names))
			home := v.Get(namespaceKind, "", c.service.Namespace)
			if home == nil && elsewhere == nil && hint == "" && len(names) == 0 {
				pass.Undecidedf(c.serviceAt("name"), "%s is called at %s, which is not rendered, and neither is its namespace", c.what, c.service)
				return
			}
			place := c.serviceAt("name")
			if elsewhere != nil {
				place = c.serviceAt("namespace")
			}
			f := c.severity(pass.Reportf(place, "%s is called at %s, which is not there%s: %s", c.what, c.service, hint, c.effect))
			if elsewhere != nil {
				f.See(elsewhere.At("metadata", "namespace"), "the Service of that name is in namespace %s", elsewhere.Key.Namespace)
			}
		})
	},
}
