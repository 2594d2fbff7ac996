package istio

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var danglingGateway = &checks.Check{
	ID:       "istio/dangling-gateway",
	Severity: checks.Error,
	Doc: `VirtualService names a Gateway that does not exist

The routes are nowhere: requests to them get a 404 from the gateway, or land on
the dashboard, which takes every path. A name without a namespace means a Gateway
of the VirtualService's own namespace, so kubeflow-gateway in namespace auth is
not kubeflow/kubeflow-gateway; mesh, in lower case, means the sidecars.

Where the render has no Gateway at all the answer is undecided.`,
	Fix:   "Name the Gateway as namespace/name.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0101/", "https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, vs := range m.VirtualServices {
			for i, text := range vs.Value.Spec.Gateways {
				namespace, name := vs.GatewayName(text)
				if namespace == "" || m.Gateway(namespace, name) != nil {
					continue
				}
				place := vs.At("spec", "gateways", i)
				var names []string
				for _, g := range m.Gateways {
					names = append(names, g.Key.Namespace+"/"+g.Key.Name)
					if g.Key.Name == name {
						names = []string{g.Key.Namespace + "/" + g.Key.Name}
						break
					}
				}
				hint := near.Hint(namespace+"/"+name, names)
				if len(names) == 1 {
					hint = "; there is " + names[0]
				}
				if len(m.Gateways) == 0 {
					pass.Undecidedf(place, "%s is bound to Gateway %s/%s: the render has no Gateway", vs.Key, namespace, name)
					continue
				}
				pass.Reportf(place, "%s is bound to Gateway %s/%s, which does not exist%s", vs.Key, namespace, name, hint)
			}
		}
	},
}
