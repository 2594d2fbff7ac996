package image

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
)

var notAllowed = &checks.Check{
	ID:       "image/not-allowed",
	Severity: checks.Error,
	Doc: `image is from where the configuration does not allow

With images.allow in the configuration, every image of the platform must match
one of its patterns; with images.mirror, images of the registries that it names
must be pulled from their mirror. A cluster without access to other registries
ends in ImagePullBackOff, often days later: in the first pipeline run, trial or
model, as many images stand in no pod of the manifests. They are found in
environment variables and arguments (the driver, launcher and executor of
pipelines), in ConfigMaps (Katib's suggestions and collectors, KServe's agents,
the form for notebooks, Knative's queue proxy, Istio's sidecar) and in custom
resources (KServe's runtimes).

Images that are pulled only if somebody asks for what they are for are a warning.
Without images in the configuration there is nothing to check.`,
	Fix:   "Pull the image from an allowed registry, or allow its own in images.allow.",
	Refs:  []string{"kubeflow/manifests#3010", "https://kubernetes.io/docs/concepts/containers/images/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := pass.Cluster.Images
		if policy.Allow == nil && len(policy.Mirror) == 0 {
			pass.NotApplicable()
			return
		}
		for _, use := range readable(pass) {
			mirror, mirrored := images.Mirrored(policy, use.Reference)
			var f *checks.Finding
			switch {
			case mirrored:
				f = pass.Reportf(use.Place, "%s is to run %s, which images.mirror wants from %s", use.What, use.Image, mirror).WithFix("Write %s.", mirror)
			case !images.Allowed(policy, use.Reference):
				f = pass.Reportf(use.Place, "%s is to run %s, which images.allow (%s) does not allow", use.What, use.Image, strings.Join(policy.Allow, ", "))
			default:
				continue
			}
			if use.Sometimes {
				f.As(checks.Warning)
			}
		}
	},
}
