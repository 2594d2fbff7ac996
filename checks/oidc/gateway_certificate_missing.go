package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var secretKind = inventory.GroupKind{Group: "", Kind: "Secret"}

var gatewayCertificateMissing = &checks.Check{
	ID:       "oidc/gateway-certificate-missing",
	Severity: checks.Error,
	Doc: `Gateway whose certificate is in another namespace

HTTPS connections are reset before any page: the Secret of credentialName is not
where Istio looks for it, which is the namespace of the gateway's pods and not
that of the Gateway object. A Certificate of cert-manager in the namespace
kubeflow puts it in the wrong place.

A Secret that the render neither holds nor has cert-manager make leaves the check
undecided, unless the cluster facts name it. Gateways whose pods the render does
not hold are left out.`,
	Fix: "Create the certificate's Secret in the namespace of the gateway's pods.",
	Refs: []string{
		"https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/",
		"https://istio.io/latest/docs/ops/integrations/certmanager/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, g := range c.Front() {
			if len(g.Pods) == 0 {
				continue
			}
			namespace := g.Pods[0].Namespace
			for i := range g.Servers {
				path := inventory.Path{"spec", "servers", i, "tls", "credentialName"}
				name := g.String(path)
				mode := g.String("spec", "servers", i, "tls", "mode")
				if name == "" || slices.Contains([]string{"PASSTHROUGH", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL"}, mode) || pass.Render.Get(secretKind, namespace, name) != nil {
					continue
				}
				if has, _ := pass.Cluster.HasSecret(namespace, name); has {
					continue
				}
				var elsewhere *inventory.Object
				for o := range pass.Render.LiveOf(secretKind) {
					if o.Key.Name == name {
						elsewhere = o
					}
				}
				switch _, known := pass.Cluster.HasSecret(namespace, name); {
				case elsewhere != nil:
					pass.Reportf(g.At(path), "%s wants the Secret %s in namespace %s, where its pods are; %s is elsewhere", g.Key, name, namespace, elsewhere.Key).
						See(elsewhere.At("metadata", "namespace"), "the Secret, or what makes it")
				case known:
					pass.Reportf(g.At(path), "%s wants the Secret %s in namespace %s, and neither the render nor the cluster has it", g.Key, name, namespace)
				default:
					pass.Undecidedf(g.At(path), "%s wants the Secret %s in namespace %s, which is not in the render", g.Key, name, namespace)
				}
			}
		}
	},
}
