package image

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var neverPulled = &checks.Check{
	ID:       "image/never-pulled",
	Severity: checks.Warning,
	Doc: `image is never pulled

With imagePullPolicy: Never the container starts only on nodes that hold the
image already; on every other one it ends in ErrImageNeverPull. It is what local
clusters need, into which images are loaded by hand, and what should not leave
them.`,
	Fix:   "Set imagePullPolicy to IfNotPresent.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for pod := range kubeflow.Pods(pass.Render) {
			for at, c := range pod.Containers() {
				if c.ImagePullPolicy == corev1.PullNever {
					pass.Reportf(at.At("imagePullPolicy"), "container %s of %s starts only where its image %s is already: it is never pulled", c.Name, pod.Owner.Key, c.Image)
				}
			}
		}
	},
}
