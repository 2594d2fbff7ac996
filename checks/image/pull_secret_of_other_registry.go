package image

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var pullSecretOfOtherRegistry = &checks.Check{
	ID:       "image/pull-secret-of-other-registry",
	Severity: checks.Warning,
	Doc: `pull secret is for a registry that no image is from

The kubelet takes the password whose registry an image's name begins with: the
host to the letter, with its port; a path only where the Secret names one. A
Secret that covers none of the images that its pods run is of no use to them, and
an image of the same pods that does need a password is pulled without one.

Secrets of a ServiceAccount are held against the images of all pods that run as
it, and left out where the render has no such pod. Docker Hub is index.docker.io
or docker.io. Only the names of registries are read from a Secret and shown.`,
	Fix:   "Name the registry of the images in the Secret, or pull from the one that it names.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/containers/images/#config-json", "https://github.com/kubernetes/kubernetes/blob/master/pkg/credentialprovider/keyring.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		refs := pullSecrets(pass)
		if len(refs) == 0 {
			return
		}
		pulled := map[*inventory.Object][]images.Reference{}
		for pod := range kubeflow.Pods(v) {
			list := podImages(pod)
			pulled[pod.Owner] = append(pulled[pod.Owner], list...)
			if len(pod.Spec.ImagePullSecrets) > 0 {
				continue // the account's are added to pods that have none
			}
			if account := v.Get(serviceAccountKind, pod.Namespace, pod.ServiceAccount()); account != nil {
				pulled[account] = append(pulled[account], list...)
			}
		}
		for _, ref := range refs {
			list := pulled[ref.Owner]
			secret := v.Get(secretKind, ref.Owner.Key.Namespace, ref.Name)
			if len(list) == 0 || secret == nil {
				continue
			}
			names, ok := images.Registries(secret)
			if !ok || len(names) == 0 || covered(names, list) {
				continue
			}
			var from []string
			for _, r := range list {
				from = append(from, r.Registry)
			}
			slices.Sort(from)
			pass.Reportf(ref.Place, "%s pulls with %s, which is for %s, while the images are from %s", ref.Owner.Key, secret.Key,
				strings.Join(names, ", "), strings.Join(slices.Compact(from), ", ")).See(secret.At("metadata", "name"), "the Secret")
		}
	},
}

func podImages(pod *kubeflow.Pod) []images.Reference {
	var list []images.Reference
	for _, c := range pod.Containers() {
		if r, err := images.Parse(c.Image); err == nil {
			list = append(list, r)
		}
	}
	return list
}

func covered(registries []string, list []images.Reference) bool {
	for _, r := range list {
		for _, registry := range registries {
			if images.Covers(registry, r) {
				return true
			}
		}
	}
	return false
}
