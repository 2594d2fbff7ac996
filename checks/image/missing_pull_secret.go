package image

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var missingPullSecret = &checks.Check{
	ID:       "image/missing-pull-secret",
	Severity: checks.Error,
	Doc: `pull secret is not in the pod's namespace

A pod, or the ServiceAccount that it runs as, names a Secret in its own namespace
only. A missing one is no error of its own: the kubelet pulls without a password
and says FailedToRetrieveImagePullSecret, so that images of a private registry
end in ImagePullBackOff: "unauthorized".

It is an error where the configuration lists the cluster's Secrets. Where it does
not, it is a warning if the render has such a Secret in another namespace or one
with nearly that name, and undecided otherwise: people make pull secrets by hand.
Secrets that external-secrets or sealed-secrets make of rendered objects are
there.`,
	Fix:   "Render the Secret in the pod's namespace, or list it in cluster.secrets.",
	Refs:  []string{"https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/", "kubeflow/kubeflow#4183"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, ref := range pullSecrets(pass) {
			namespace := ref.Owner.Key.Namespace
			if secretMade(pass.Render, namespace, ref.Name) {
				continue
			}
			has, known := pass.Cluster.HasSecret(namespace, ref.Name)
			if has {
				continue
			}
			var names []string
			var elsewhere *inventory.Object
			for o := range pass.Render.LiveOf(secretKind) {
				switch {
				case o.Key.Namespace == namespace:
					names = append(names, o.Key.Name)
				case o.Key.Name == ref.Name && elsewhere == nil:
					elsewhere = o
				}
			}
			hint := near.Hint(ref.Name, names)
			var f *checks.Finding
			switch {
			case known:
				f = pass.Reportf(ref.Place, "%s pulls with Secret %s, which namespace %s does not have%s", ref.Owner.Key, ref.Name, namespace, hint)
			case elsewhere != nil || hint != "":
				f = pass.Reportf(ref.Place, "%s pulls with Secret %s, which is not rendered in namespace %s%s", ref.Owner.Key, ref.Name, namespace, hint).As(checks.Warning)
			default:
				f = pass.Undecidedf(ref.Place, "%s pulls with Secret %s, which is not rendered in namespace %s; whether the cluster has it is not known", ref.Owner.Key, ref.Name, namespace)
			}
			if elsewhere != nil {
				f.See(elsewhere.At("metadata", "namespace"), "the Secret of that name is in namespace %s", elsewhere.Key.Namespace)
			}
		}
	},
}

// pullSecrets are the references to pull secrets in namespaces.
func pullSecrets(pass *checks.Pass) []images.PullSecret {
	var refs []images.PullSecret
	for o := range pass.Render.All() {
		if o.Key.Namespace != "" {
			refs = append(refs, images.PullSecrets(o)...)
		}
	}
	if len(refs) == 0 {
		pass.NotApplicable()
	}
	return refs
}

var (
	externalSecretKind = inventory.GroupKind{Group: "external-secrets.io", Kind: "ExternalSecret"}
	clusterExternal    = inventory.GroupKind{Group: "external-secrets.io", Kind: "ClusterExternalSecret"}
	sealedSecretKind   = inventory.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}
)

// secretMade reports whether a Secret will be there: rendered, or made by a
// controller of an object that is.
func secretMade(v *inventory.View, namespace, name string) bool {
	if v.Get(secretKind, namespace, name) != nil || v.Get(sealedSecretKind, namespace, name) != nil {
		return true
	}
	target := func(o *inventory.Object, spec inventory.Path, otherwise string) bool {
		if made := o.String(spec.Join("target", "name")); made != "" {
			return made == name
		}
		return otherwise == name
	}
	for o := range v.Of(externalSecretKind) {
		if o.Key.Namespace == namespace && target(o, inventory.Path{"spec"}, o.Key.Name) {
			return true
		}
	}
	for o := range v.Of(clusterExternal) {
		own := o.String("spec", "externalSecretName")
		if own == "" {
			own = o.Key.Name
		}
		if target(o, inventory.Path{"spec", "externalSecretSpec"}, own) {
			return true
		}
	}
	return false
}
