package webhook

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

var certificateForOtherName = &checks.Check{
	ID:       "webhook/certificate-for-other-name",
	Severity: checks.Error,
	Doc: `certificate is not for the name that the API server calls

The API server calls a webhook as <service>.<namespace>.svc and refuses a
certificate without that name among its dnsNames; the common name does not count
since Go 1.15: ` + "`x509: certificate is valid for a.b.svc, not c.d.svc`" + `. The names of
a Certificate are text that namespace transformers do not change.

Only the Certificate that the configuration takes its CA from is looked at. Further
names, short ones and those that end in cluster.local, do no harm.`,
	Fix: "List <service>.<namespace>.svc among the Certificate's dnsNames.",
	Refs: []string{
		"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#service-reference",
		"kserve/kserve#3187",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		type pair struct{ certificate, host string }
		seen := map[pair]bool{}
		found := false
		for c := range calls(pass.Render) {
			if c.insecure {
				continue
			}
			cert, ok := injectedCertificate(pass.Render, c.Object)
			if !ok {
				continue
			}
			found = true
			if pass.Render.Get(serviceKind, c.service.Namespace, c.service.Name) == nil && pass.Render.Get(namespaceKind, "", c.service.Namespace) != nil {
				continue // webhook/dangling-service: the name that is called is wrong
			}
			host := c.service.Name + "." + c.service.Namespace + ".svc"
			if covers(cert.Value.Spec.DNSNames, host) || seen[pair{cert.Key.String(), host}] {
				continue
			}
			seen[pair{cert.Key.String(), host}] = true
			place := cert.At("spec", "dnsNames")
			if len(cert.Value.Spec.DNSNames) > 0 {
				place = cert.At("spec", "dnsNames", 0)
			}
			has := strings.Join(cert.Value.Spec.DNSNames, ", ")
			if has == "" {
				has = "no name"
			}
			c.severity(pass.Reportf(place, "%s is for %s, but the API server calls %s: %s", cert.Key, has, host, c.effect)).
				See(c.serviceAt("name"), "%s", c.what)
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
