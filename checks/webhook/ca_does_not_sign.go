package webhook

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var caDoesNotSign = &checks.Check{
	ID:       "webhook/ca-does-not-sign",
	Severity: checks.Error,
	Doc: `written caBundle does not sign the certificate that is shown

A caBundle that is written out must hold the CA of the certificate that the pods
show, and that certificate must be for <service>.<namespace>.svc: otherwise every
call fails, ` + "`x509: certificate signed by unknown authority`" + ` or
` + "`x509: certificate is valid for a.b.svc, not c.d.svc`" + `. One that is not PEM at all
fails as ` + "`unable to parse bytes as PEM block`" + `.

Only what the render holds is compared: the bundle against tls.crt of the Secret of
type kubernetes.io/tls that the pods mount. Bundles that an annotation or the
component replaces are left out. Whether a certificate has expired is not looked
at.`,
	Fix: "Write the CA that signed the Secret's certificate into caBundle, or have cert-manager do both.",
	Refs: []string{
		"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers",
		"kserve/kserve#3187",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n := reach.New(pass.Render, reach.Options{})
		found := false
		pass.Render.Of(secretKind)
		for c := range calls(pass.Render) {
			if c.insecure || !c.trusted() || injected(c.Object) {
				continue
			}
			pods := podsBehind(n, c)
			if itself, _ := kubeflow.TrustsItself(imagesOf(pods)); itself {
				continue
			}
			found = true
			place := c.client.At("caBundle")
			bundle, err := base64.StdEncoding.DecodeString(c.bundle)
			roots := x509.NewCertPool()
			if err != nil || !roots.AppendCertsFromPEM(bundle) {
				c.severity(pass.Reportf(place, "the caBundle of %s holds no certificate in PEM: %s", c.what, c.effect))
				continue
			}
			for _, pod := range pods {
				secret, leaf, intermediates := shownBy(pass.Render, pod)
				if leaf == nil {
					continue
				}
				host := c.service.Name + "." + c.service.Namespace + ".svc"
				_, err := leaf.Verify(x509.VerifyOptions{
					Roots: roots, Intermediates: intermediates, DNSName: host,
					CurrentTime: leaf.NotBefore.Add(time.Second), // expiry is not the question
				})
				var name x509.HostnameError
				var expired x509.CertificateInvalidError
				switch {
				case err == nil, errors.As(err, &expired):
				case errors.As(err, &name):
					c.severity(pass.Reportf(secret.At("data", "tls.crt"), "the certificate of %s is for %s, but the API server calls %s: %s", secret.Key, namesOf(leaf), host, c.effect)).
						See(c.serviceAt("name"), "%s", c.what)
				default:
					c.severity(pass.Reportf(place, "the caBundle of %s does not sign the certificate of %s, which %s shows: %s", c.what, secret.Key, pod.Name, c.effect)).
						See(secret.At("data", "tls.crt"), "the certificate that is shown")
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func namesOf(leaf *x509.Certificate) string {
	if len(leaf.DNSNames) == 0 {
		return "no DNS name"
	}
	return strings.Join(leaf.DNSNames, ", ")
}

// shownBy reads the certificate of the one rendered TLS Secret that a pod
// mounts; nil where there is none, or several.
func shownBy(v *inventory.View, pod *reach.Peer) (secret *inventory.Object, leaf *x509.Certificate, intermediates *x509.CertPool) {
	names, _ := secretsOf(pod)
	for _, name := range names {
		o := v.Get(secretKind, pod.Namespace, name)
		if o == nil || o.Made != nil {
			continue
		}
		text := o.String("stringData", "tls.crt")
		if text == "" {
			decoded, err := base64.StdEncoding.DecodeString(o.String("data", "tls.crt"))
			if err != nil {
				continue
			}
			text = string(decoded)
		}
		rest := []byte(text)
		var chain []*x509.Certificate
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
				chain = append(chain, certificate)
			}
		}
		if len(chain) == 0 {
			continue
		}
		if leaf != nil {
			return nil, nil, nil
		}
		secret, leaf, intermediates = o, chain[0], x509.NewCertPool()
		for _, certificate := range chain[1:] {
			intermediates.AddCert(certificate)
		}
	}
	return secret, leaf, intermediates
}
