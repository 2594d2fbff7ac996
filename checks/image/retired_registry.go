package image

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var retiredRegistry = &checks.Check{
	ID:       "image/retired-registry",
	Severity: checks.Error,
	Doc: `image is from a registry that no longer gives it out

Nodes that have the image already keep running it; every other one ends in
ImagePullBackOff, a new cluster at once. Known are, with the day of each:
gcr.io/ml-pipeline (deleted; Kubeflow 1.10.2 and older still name it),
gcr.io/arrikto (closed), gcr.io/kubebuilder (deleted), gcr.io/kfserving (deleted)
and the versioned tags of docker.io/bitnami. Images of k8s.gcr.io, which is
frozen and served by a redirect, are a warning.

Registries that look like these and serve are left out: gcr.io/tfx-oss-public,
gcr.io/knative-releases, gcr.io/istio-release. So are copies in a registry of
your own.`,
	Fix: "Pull the image from where it is now, or from a registry of your own that has a copy.",
	Refs: []string{
		"kubeflow/manifests#3270", "kubeflow/pipelines#11600", "kubeflow/pipelines#12422", "awslabs/kubeflow-manifests#823",
		"bitnami/containers#83267", "kubeflow/manifests#3338", "kserve/kserve#1781", "mercari/spanner-autoscaler#212",
		"https://kubernetes.io/blog/2023/03/10/image-registry-redirect/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, use := range readable(pass) {
			retired, ok := kubeflow.RetiredImagesOf(use.Registry, use.Path, use.Tag)
			if !ok {
				continue
			}
			f := pass.Reportf(use.Place, "%s is to run %s; of %s, since %s: %s", use.What, use.Image, retired.Prefix, retired.Gone, retired.Why)
			if retired.Instead != "" {
				f.WithFix("%s", "Pull it from elsewhere: "+retired.Instead+".")
			}
			if retired.Serving || use.Sometimes {
				f.As(checks.Warning)
			}
		}
	},
}

// tagOf is how messages call what an image is pinned to.
func tagOf(use named) string {
	switch {
	case use.Digest != "":
		return "digest"
	case use.Tag == "":
		return "no tag"
	}
	return fmt.Sprintf("tag %s", use.Tag)
}
