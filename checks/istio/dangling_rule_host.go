package istio

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

var danglingRuleHost = &checks.Check{
	ID:       "istio/dangling-rule-host",
	Severity: checks.Warning,
	Doc: `DestinationRule for a host that the mesh does not know

The rule does nothing: its TLS mode, load balancing and subsets apply to no
Service, because the host is spelled wrongly, names another namespace, or is not
a Service's name in full (see dangling-destination). Calls that need the rule
fail, others go on without it.

Upstream has rules for each Service that it keeps, and one with a wildcard,
*.knative-serving.svc.cluster.local: a wildcard is reported only where it covers
no Service at all of a namespace that the render holds.`,
	Fix:   "Name the Service in full, or drop the rule.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0101/", "https://istio.io/latest/docs/reference/config/networking/destination-rule/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, r := range m.Rules {
			fqdn := m.Resolve(r.Value.Spec.Host, r.Key.Namespace)
			if fqdn == "" || fqdn == "*" {
				continue
			}
			if _, ok := m.EntryFor(fqdn); ok {
				continue
			}
			at := r.At("spec", "host")
			if rest, ok := strings.CutPrefix(fqdn, "*."); ok {
				namespace, isService := strings.CutSuffix(rest, ".svc."+m.Domain)
				if !isService || strings.Contains(namespace, ".") || !m.KnowsNamespace(namespace) || len(serviceNames(m, namespace)) > 0 {
					continue
				}
				pass.Reportf(at, "%s is for %s, but namespace %s has no Services", r.Key, fqdn, namespace)
				continue
			}
			if _, ok := m.Service(fqdn); ok {
				continue
			}
			if namespace, name, ok := m.SplitService(fqdn); ok {
				hint := meantService(m, namespace, name)
				if m.KnowsNamespace(namespace) || strings.HasPrefix(hint, "; there is") {
					pass.Reportf(at, "%s is for %s, but namespace %s has no Service %s%s", r.Key, fqdn, namespace, name, hint)
				}
				continue
			}
			if s, ok := m.Net.Lookup(fqdn, r.Key.Namespace); ok && strings.Count(fqdn, ".") <= 2 {
				pass.Reportf(at, "%s is for %s, which Istio takes as it stands: %s is called %s in the mesh", r.Key, r.Value.Spec.Host, s.Key, m.FQDN(s.Key.Namespace, s.Key.Name))
			}
		}
	},
}
