package webhook

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var certificateNotServed = &checks.Check{
	ID:       "webhook/certificate-not-served",
	Severity: checks.Error,
	Doc: `pods of the webhook do not mount the certificate that is trusted

The CA comes from one Certificate, but the pods behind the Service mount another
Secret than that Certificate's: what they show is not signed by what the API server
trusts (` + "`x509: certificate signed by unknown authority`" + `).

Certificates of one issuer that signs with a CA are interchangeable, as long as
the one that is mounted is for the Service's name. Pods that mount no certificate
at all may read it through the API, which makes it a warning, unless their command
line names the Secret.`,
	Fix:   "Mount the Secret of the Certificate that the annotation names.",
	Refs:  []string{"https://cert-manager.io/docs/concepts/ca-injector/", "kubeflow/pipelines#5924"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		n := reach.New(v, reach.Options{})
		type pair struct {
			certificate string
			pod         *inventory.Object
		}
		seen := map[pair]bool{}
		found := false
		for c := range calls(v) {
			cert, ok := injectedCertificate(v, c.Object)
			if !ok || cert.Value.Spec.SecretName == "" || c.insecure {
				continue
			}
			found = true
			for _, pod := range podsBehind(n, c) {
				if seen[pair{cert.Key.String(), pod.Owner()}] {
					continue
				}
				seen[pair{cert.Key.String(), pod.Owner()}] = true
				serves(pass, c, cert, pod)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func serves(pass *checks.Pass, c *call, cert inventory.Typed[certificate], pod *reach.Peer) {
	v := pass.Render
	wanted := cert.Value.Spec.SecretName
	names, at := secretsOf(pod)
	if cert.Key.Namespace == pod.Namespace {
		if _, ok := at[wanted]; ok || speaksOf(pod, wanted) {
			return
		}
	}
	var place inventory.Place
	var shown string
	for _, name := range names {
		o := v.Get(secretKind, pod.Namespace, name)
		if o == nil || o.Made == nil || o.Made.By == nil {
			continue
		}
		other, ok := certificates.As(v, o.Made.By)
		if !ok || other.Key.Kind != "Certificate" {
			continue
		}
		host := c.service.Name + "." + c.service.Namespace + ".svc"
		if other.Value.Spec.IssuerRef == cert.Value.Spec.IssuerRef && !selfSigned(v, cert) && covers(other.Value.Spec.DNSNames, host) {
			return
		}
		place, shown = at[name], name
	}
	switch {
	case shown != "":
		c.severity(pass.Reportf(place, "%s shows the certificate of Secret %s, but %s trusts that of Secret %s: %s", pod.Name, shown, c.Key, wanted, c.effect)).
			See(annotationAt(c.Object, injectFrom), "the CA is taken from %s", cert.Key)
	case cert.Key.Namespace != pod.Namespace:
		pass.Reportf(annotationAt(c.Object, injectFrom), "%s takes its CA from %s, whose Secret %s cannot mount from another namespace", c.Key, cert.Key, pod.Name).As(checks.Warning).
			See(pod.Pod.At("spec", "volumes"), "what is called")
	default:
		pass.Reportf(pod.Pod.At("spec", "volumes"), "%s does not mount Secret %s, whose certificate %s trusts", pod.Name, wanted, c.Key).As(checks.Warning).
			See(cert.At("spec", "secretName"), "the Secret of %s", cert.Key)
	}
}

// selfSigned reports whether a Certificate's issuer lets each sign itself, or
// may do so.
func selfSigned(v *inventory.View, cert inventory.Typed[certificate]) bool {
	o := issuerOf(v, cert)
	return o == nil || o.Map("spec", "selfSigned") != nil
}
