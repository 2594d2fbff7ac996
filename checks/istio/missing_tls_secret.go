package istio

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var missingTLSSecret = &checks.Check{
	ID:       "istio/missing-tls-secret",
	Severity: checks.Error,
	Doc: `certificate of a Gateway is not where its proxies look

Browsers get a connection reset on the Gateway's HTTPS port. The Secret that
credentialName names must be in the namespace of the gateway's pods, istio-system
for Kubeflow, not in that of the Gateway: a Certificate of cert-manager has to
stand there too.

Secrets are those of the render, those that cert-manager makes of Certificates,
and those of the cluster facts. Where the facts do not list Secrets and none of
that name is in sight, the answer is undecided. Secrets that other controllers
make (External Secrets, Sealed Secrets) are known where their objects name them.`,
	Fix:   "Put the Secret, or the Certificate that makes it, into the namespace of the gateway's pods.",
	Refs:  []string{"https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/", "https://istio.io/latest/docs/reference/config/analysis/ist0101/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		secret := inventory.GroupKind{Kind: "Secret"}
		for _, g := range m.Gateways {
			for i, server := range g.Value.Spec.Servers {
				if server.TLS == nil || server.TLS.CredentialName == "" || len(g.Pods) == 0 {
					continue
				}
				name, namespace := server.TLS.CredentialName, g.Pods[0].Namespace
				if pass.Render.Get(secret, namespace, name) != nil || madeElsewhere(pass, namespace, name) {
					continue
				}
				has, known := pass.Cluster.HasSecret(namespace, name)
				if has {
					continue
				}
				place := g.At("spec", "servers", i, "tls", "credentialName")
				var names []string
				var other *inventory.Object
				for o := range pass.Render.LiveOf(secret) {
					if o.Key.Namespace == namespace {
						names = append(names, o.Key.Name)
					} else if o.Key.Name == name {
						other = o
					}
				}
				switch {
				case other != nil:
					pass.Reportf(place, "%s takes its certificate from Secret %s/%s, but the Secret is in namespace %s", g.Key, namespace, name, other.Key.Namespace).
						See(other.At("metadata", "namespace"), "the Secret, or what makes it")
				case near.Hint(name, names) != "":
					pass.Reportf(place, "%s takes its certificate from Secret %s/%s, which does not exist%s", g.Key, namespace, name, near.Hint(name, names))
				case known:
					pass.Reportf(place, "%s takes its certificate from Secret %s/%s, which does not exist", g.Key, namespace, name)
				default:
					pass.Undecidedf(place, "%s takes its certificate from Secret %s/%s, which the render does not hold", g.Key, namespace, name)
				}
			}
		}
	},
}

// madeElsewhere reports whether an object of another controller makes a Secret.
func madeElsewhere(pass *checks.Pass, namespace, name string) bool {
	for _, gk := range []inventory.GroupKind{{Group: "external-secrets.io", Kind: "ExternalSecret"}, {Group: "bitnami.com", Kind: "SealedSecret"}} {
		for o := range pass.Render.Of(gk) {
			target := o.String("spec", "target", "name")
			if target == "" {
				target = o.Key.Name
			}
			if o.Key.Namespace == namespace && target == name {
				return true
			}
		}
	}
	return false
}
