package webhook

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var selectsNoNamespace = &checks.Check{
	ID:       "webhook/selects-no-namespace",
	Severity: checks.Warning,
	Doc: `webhook is for no namespace, but nearly for some

A webhook whose namespaceSelector matches no namespace is never called, and nobody
says so: no PodDefault is applied, no metrics collector is injected, no sidecar.
It is reported where one label that is spelled nearly alike is all that keeps it
from a rendered namespace, or from those that the profile controller makes.

Selectors that match nothing and resemble nothing are right: Istio's ask for
revisions that only some namespaces use, and Katib's for a label that the profile
controller gives.`,
	Fix:   "Write the label as the namespaces carry it.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-namespaceselector", "kubeflow/katib#1033", "kubeflow/katib#1801"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		n := reach.New(v, reach.Options{})
		each(pass, func(c *call) {
			if c.hook == nil || c.hook.NamespaceSelector == nil || !reach.Positive(c.hook.NamespaceSelector) {
				return
			}
			selector := c.hook.NamespaceSelector
			type candidate struct {
				name string
				reach.Labels
			}
			var all []candidate
			for o := range v.Of(namespaceKind) { // the made ones are those of profiles
				all = append(all, candidate{o.Key.String(), n.NamespaceLabels(o.Key.Name)})
			}
			all = append(all, candidate{"the namespaces of profiles", n.ProfileNamespace()})
			for _, ns := range all {
				if _, perhaps := reach.Match(selector, ns.Labels); perhaps {
					return
				}
			}
			for _, ns := range all {
				path, said, ok := reach.Misspelled(selector, ns.Labels)
				if !ok {
					continue
				}
				hook := inventory.Place{Object: c.Object, Path: c.client.Path[:len(c.client.Path)-1]}
				pass.Reportf(hook.At("namespaceSelector", path), "%s is for no namespace, but nearly for %s: %s", c.what, ns.name, said)
				return
			}
		})
	},
}
