package storage

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var danglingSecretProviderClass = &checks.Check{
	ID:       "storage/dangling-secret-provider-class",
	Severity: checks.Error,
	Doc: `pod mounts secrets of a SecretProviderClass that is not there

A volume of the driver secrets-store.csi.k8s.io names a SecretProviderClass of
the pod's namespace. Where it is missing, or stands in another namespace, the
pod stays in ContainerCreating (` + "`failed to get secretproviderclass`" + `), and Secrets
that it would make never appear: Kubeflow on AWS takes the passwords of its
database this way.

In a namespace that is not part of the render it is undecided.`,
	Fix: "Render the SecretProviderClass in the pod's namespace.",
	Refs: []string{
		"https://secrets-store-csi-driver.sigs.k8s.io/concepts",
		"kubernetes-sigs/secrets-store-csi-driver#811",
		"Consensys-Incorporated/quorum-kubernetes#228",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for pod := range kubeflow.Pods(v) {
			for i, volume := range pod.Spec.Volumes {
				if volume.CSI == nil || volume.CSI.Driver != "secrets-store.csi.k8s.io" {
					continue
				}
				found = true
				at := pod.At("spec", "volumes", i, "csi", "volumeAttributes", "secretProviderClass")
				name := volume.CSI.VolumeAttributes["secretProviderClass"]
				if name == "" {
					pass.Reportf(at, "volume %s of %s names no SecretProviderClass", volume.Name, pod.Owner.Key)
					continue
				}
				if v.Get(secretProviderClass, pod.Namespace, name) != nil {
					continue
				}
				var names []string
				var elsewhere *inventory.Object
				for o := range v.Of(secretProviderClass) {
					if o.Key.Namespace == pod.Namespace {
						names = append(names, o.Key.Name)
					} else if o.Key.Name == name {
						elsewhere = o
					}
				}
				home := v.Get(namespaceKind, "", pod.Namespace)
				if home == nil && elsewhere == nil && len(names) == 0 {
					pass.Undecidedf(at, "%s mounts SecretProviderClass %s, which is not rendered, in namespace %s, which is not rendered either", pod.Owner.Key, name, pod.Namespace)
					continue
				}
				f := pass.Reportf(at, "%s mounts SecretProviderClass %s, which is not in namespace %s%s", pod.Owner.Key, name, pod.Namespace, near.Hint(name, names))
				if home == nil {
					f.As(checks.Warning)
				}
				if elsewhere != nil {
					f.See(elsewhere.At("metadata", "namespace"), "the one of that name is in namespace %s", elsewhere.Key.Namespace)
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

var secretProviderClass = inventory.GroupKind{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass"}
