package kubeflow

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A ConfigMaker is a kind whose objects make a ConfigMap or a Secret.
type ConfigMaker struct {
	Kind  inventory.GroupKind // of the maker
	Makes string              // "ConfigMap" or "Secret"
	// Name is the field that names what is made; the maker's own name counts
	// where the field is absent, or Name is empty.
	Name inventory.Path
	// Everywhere says that it is made in other namespaces than the maker's.
	Everywhere bool
}

// configMakers are operators that people use to keep Secrets out of their
// manifests, and what comes with the components.
var configMakers = []ConfigMaker{
	{Kind: inventory.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}, Makes: "Secret"},
	{Kind: inventory.GroupKind{Group: "external-secrets.io", Kind: "ExternalSecret"}, Makes: "Secret", Name: inventory.Path{"spec", "target", "name"}},
	{Kind: inventory.GroupKind{Group: "external-secrets.io", Kind: "ClusterExternalSecret"}, Makes: "Secret", Name: inventory.Path{"spec", "externalSecretSpec", "target", "name"}, Everywhere: true},
	{Kind: inventory.GroupKind{Group: "isindir.github.com", Kind: "SopsSecret"}, Makes: "Secret"},
	{Kind: inventory.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultStaticSecret"}, Makes: "Secret", Name: inventory.Path{"spec", "destination", "name"}},
	{Kind: inventory.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultDynamicSecret"}, Makes: "Secret", Name: inventory.Path{"spec", "destination", "name"}},
	{Kind: inventory.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultPKISecret"}, Makes: "Secret", Name: inventory.Path{"spec", "destination", "name"}},
	{Kind: inventory.GroupKind{Group: "onepassword.com", Kind: "OnePasswordItem"}, Makes: "Secret"},
	{Kind: inventory.GroupKind{Group: "redhatcop.redhat.io", Kind: "VaultSecret"}, Makes: "Secret"},
	{Kind: inventory.GroupKind{Group: "trust.cert-manager.io", Kind: "Bundle"}, Makes: "ConfigMap", Everywhere: true},
	{Kind: inventory.GroupKind{Group: "trust.cert-manager.io", Kind: "Bundle"}, Makes: "Secret", Everywhere: true},
	{Kind: inventory.GroupKind{Group: "trust.cert-manager.io", Kind: "ClusterBundle"}, Makes: "ConfigMap", Everywhere: true},
	{Kind: inventory.GroupKind{Group: "rabbitmq.com", Kind: "RabbitmqCluster"}, Makes: "Secret"},
}

// MakesConfig reports whether an operator will make a ConfigMap or a Secret,
// and why: the object that asks for it. Objects that [Expand] makes are not
// among them.
func MakesConfig(v *inventory.View, kind, namespace, name string) (by *inventory.Object, ok bool) {
	for _, m := range configMakers {
		if m.Makes != kind {
			continue
		}
		for o := range v.Of(m.Kind) {
			if !m.Everywhere && o.Key.Namespace != namespace {
				continue
			}
			made := o.Key.Name
			if m.Name != nil && o.String(m.Name) != "" {
				made = o.String(m.Name)
			}
			if made == name {
				return o, true
			}
		}
	}
	if kind == "Secret" {
		for o := range v.Of(inventory.GroupKind{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass"}) {
			for i := range o.List("spec", "secretObjects") {
				if o.Key.Namespace == namespace && o.String("spec", "secretObjects", i, "secretName") == name {
					return o, true
				}
			}
		}
		for o := range v.Of(inventory.GroupKind{Group: "", Kind: "ServiceAccount"}) {
			// Clusters before 1.24 made a token for each account.
			if o.Key.Namespace == namespace && o.String("secrets", 0, "name") == name {
				return o, true
			}
		}
	}
	return profileConfig(v, kind, namespace, name)
}

// profileConfig are what the pipelines' profile controller makes in the
// namespaces of profiles
// (manifests/kustomize/base/installs/multi-user/pipelines-profile-controller/sync.py).
func profileConfig(v *inventory.View, kind, namespace, name string) (*inventory.Object, bool) {
	made := map[string][]string{
		"Secret":    {"mlpipeline-minio-artifact"},
		"ConfigMap": {"kfp-launcher", "metadata-grpc-configmap", "artifact-repositories"},
	}
	if !slices.Contains(made[kind], name) {
		return nil, false
	}
	o := v.Get(namespaceKind, "", namespace)
	if o == nil {
		return nil, false
	}
	if labels, _ := v.Namespace(namespace); o.Made == nil && labels["pipelines.kubeflow.org/enabled"] != "true" {
		return nil, false
	}
	return o, true
}
