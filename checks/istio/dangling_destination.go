package istio

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var danglingDestination = &checks.Check{
	ID:       "istio/dangling-destination",
	Severity: checks.Error,
	Doc: `route leads to a host that the mesh does not know

Requests that take the route are answered with 503 and nothing else is said:
istiod makes no cluster for a host that is neither a Service nor in a
ServiceEntry. It happens when a Service is renamed or moved to another namespace,
when a namespace transformer leaves the host behind, and when the host has a dot
but not its whole name: ml-pipeline alone means the Service of the
VirtualService's own namespace, ml-pipeline.kubeflow and ml-pipeline.kubeflow.svc
mean nothing, although DNS knows them.

Services that controllers make are known. Where the render holds neither the
namespace nor anything else of it, the answer is undecided, and so it is for
names outside the cluster, whose ServiceEntry may have been applied elsewhere.`,
	Fix: "Name the Service in full, name.namespace.svc and the cluster's domain, or add a ServiceEntry for the host.",
	Refs: []string{
		"https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination",
		"https://istio.io/latest/docs/reference/config/analysis/ist0101/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, vs := range m.VirtualServices {
			for _, t := range vs.Targets() {
				dangling(pass, m, t)
			}
		}
	},
}

func dangling(pass *checks.Pass, m *mesh.Mesh, t mesh.Target) {
	host := t.Destination.Host
	if host == "" {
		return
	}
	vs := t.VirtualService
	fqdn := m.Resolve(host, vs.Key.Namespace)
	if _, ok := m.Service(fqdn); ok {
		return
	}
	if _, ok := m.EntryFor(fqdn); ok {
		return
	}
	if namespace, name, ok := m.SplitService(fqdn); ok {
		hint := meantService(m, namespace, name)
		if !m.KnowsNamespace(namespace) {
			if strings.HasPrefix(hint, "; there is") {
				pass.Reportf(t.At("host"), "%s routes to %s, but there is no namespace %s%s", vs.Key, fqdn, namespace, hint)
				return
			}
			pass.Undecidedf(t.At("host"), "%s routes to %s: the render has no namespace %s", vs.Key, fqdn, namespace)
			return
		}
		pass.Reportf(t.At("host"), "%s routes to %s, but namespace %s has no Service %s%s", vs.Key, fqdn, namespace, name, hint)
		return
	}
	if strings.HasPrefix(fqdn, "*") {
		return
	}
	if s, ok := m.Net.Lookup(fqdn, vs.Key.Namespace); ok && strings.Count(strings.TrimSuffix(fqdn, "."+m.Domain), ".") <= 2 {
		full := m.FQDN(s.Key.Namespace, s.Key.Name)
		pass.Reportf(t.At("host"), "%s routes to %s, which Istio takes as it stands: %s is called %s in the mesh", vs.Key, host, s.Key, full).
			WithFix("Write %s.", full)
		return
	}
	if strings.Contains(fqdn, ".svc.") {
		return // of another domain: foreign-cluster-domain's
	}
	if strings.HasSuffix(fqdn, ".svc") || strings.Count(fqdn, ".") == 1 && m.KnowsNamespace(fqdn[strings.IndexByte(fqdn, '.')+1:]) {
		pass.Reportf(t.At("host"), "%s routes to %s, which Istio takes as it stands: it is no name of a Service in full, and in no ServiceEntry", vs.Key, host)
		return
	}
	pass.Undecidedf(t.At("host"), "%s routes to %s, which no ServiceEntry of the render has", vs.Key, host)
}
