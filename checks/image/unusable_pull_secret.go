package image

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
)

var unusablePullSecret = &checks.Check{
	ID:       "image/unusable-pull-secret",
	Severity: checks.Error,
	Doc: `pull secret is of a type that the kubelet passes over

The kubelet reads passwords from Secrets of type kubernetes.io/dockerconfigjson
and kubernetes.io/dockercfg alone. One of any other type, such as the Opaque that
kustomize's secretGenerator and kubectl create secret generic give, is passed
over without a word, whatever it holds, and the pull goes without a password. So
is one that names no registry.`,
	Fix:   "Give the Secret the type kubernetes.io/dockerconfigjson and the key .dockerconfigjson.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets", "https://github.com/kubernetes/kubernetes/blob/master/pkg/credentialprovider/secrets/secrets.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, ref := range pullSecrets(pass) {
			secret := pass.Render.Get(secretKind, ref.Owner.Key.Namespace, ref.Name)
			if secret == nil {
				continue
			}
			switch kind := secret.String("type"); kind {
			case "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg":
				if names, ok := images.Registries(secret); ok && len(names) == 0 {
					pass.Reportf(ref.Place, "%s pulls with %s, which names no registry", ref.Owner.Key, secret.Key).See(secret.At("metadata", "name"), "the Secret")
				}
			default:
				if kind == "" {
					kind = "Opaque"
				}
				pass.Reportf(ref.Place, "%s pulls with %s, whose type is %s: the kubelet passes it over", ref.Owner.Key, secret.Key, kind).
					See(secret.At("type"), "the Secret")
			}
		}
	},
}
