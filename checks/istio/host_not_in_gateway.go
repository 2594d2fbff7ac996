package istio

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var hostNotInGateway = &checks.Check{
	ID:       "istio/host-not-in-gateway",
	Severity: checks.Error,
	Doc: `VirtualService for a host that its Gateway does not serve

The routes are left out and requests get a 404: no server of the Gateway has a
host that the VirtualService's host fits into. A Gateway's host may say for which
namespaces it is (kubeflow/* takes VirtualServices of namespace kubeflow alone,
./* those of the Gateway's own), and a VirtualService's exportTo must reach the
namespace of the gateway's pods.

A VirtualService with several hosts is right if one fits each Gateway: only a
Gateway that serves none of them is reported. Upstream's Gateways serve *.`,
	Fix:   "Add the host to the Gateway's server, or give the VirtualService a host that it serves.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0132/", "https://istio.io/latest/docs/reference/config/networking/gateway/#Server"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, vs := range m.VirtualServices {
			if vs.Delegate() {
				continue
			}
			for _, g := range m.BoundGateways(vs) {
				unserved(pass, m, vs, g)
			}
		}
	},
}

func unserved(pass *checks.Pass, m *mesh.Mesh, vs *mesh.VirtualService, g *mesh.Gateway) {
	var hosts []string
	var scoped string
	for _, server := range g.Value.Spec.Servers {
		for _, sh := range server.Hosts {
			hosts = append(hosts, sh)
			for _, h := range vs.Value.Spec.Hosts {
				served, elsewhere := m.Served(g, sh, m.Resolve(h, vs.Key.Namespace), vs.Key.Namespace)
				if !served {
					if elsewhere {
						scoped = sh
					}
					continue
				}
				exported(pass, vs, g)
				return
			}
		}
	}
	place := vs.At("spec", "hosts")
	if len(vs.Value.Spec.Hosts) == 1 {
		place = vs.At("spec", "hosts", 0)
	}
	if scoped != "" {
		pass.Reportf(place, "%s serves %s for other namespaces than that of %s", g.Key, scoped, vs.Key).
			See(g.At("spec", "servers"), "the hosts of %s", g.Key).
			WithFix("Let the Gateway's host take VirtualServices of namespace %s.", vs.Key.Namespace)
		return
	}
	pass.Reportf(place, "%s is for %s, but %s serves %s only", vs.Key, strings.Join(vs.Value.Spec.Hosts, ", "), g.Key, strings.Join(hosts, ", ")).
		See(g.At("spec", "servers"), "the hosts of %s", g.Key)
}

// exported reports a VirtualService that the pods of its Gateway do not see.
func exported(pass *checks.Pass, vs *mesh.VirtualService, g *mesh.Gateway) {
	for _, pod := range g.Pods {
		if !mesh.Exported(vs.Value.Spec.ExportTo, vs.Key.Namespace, pod.Namespace) {
			pass.Reportf(vs.At("spec", "exportTo"), "%s is not exported to %s, the namespace of the pods of %s", vs.Key, pod.Namespace, g.Key).
				WithFix("Export the VirtualService to namespace %s.", pod.Namespace)
			return
		}
	}
}
