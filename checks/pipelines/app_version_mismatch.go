package pipelines

import (
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var appVersionMismatch = &checks.Check{
	ID:       "pipelines/app-version-mismatch",
	Severity: checks.Warning,
	Doc: `version in pipeline-install-config is not that of the images

appVersion of pipeline-install-config is more than a label: the profile
controller runs the artifact interface of each profile with it as the tag
(KFP_VERSION). Where an overlay moves the images and leaves appVersion, or the
other way round, profiles run another version than the platform, or one that does
not exist in the registry: ImagePullBackOff.

Where the API server is of 2.4 or later and is not told V2_DRIVER_IMAGE and
V2_LAUNCHER_IMAGE, it runs the latest ones, whatever its own version. Tags that
are no version, and FRONTEND_TAG, which overrules appVersion, are left alone.`,
	Fix:   "Set appVersion, and V2_DRIVER_IMAGE and V2_LAUNCHER_IMAGE, to the version of the images.",
	Refs:  []string{"https://ferkakta.dev/kubeflow-is-a-version-matrix-not-a-version", "https://github.com/kubeflow/pipelines/blob/master/manifests/kustomize/base/installs/multi-user/pipelines-profile-controller/sync.py"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := containers(pass.Render)
		var api *container
		for i := range list {
			if list[i].is("kfp-api-server", "ml-pipeline/api-server") {
				api = &list[i]
			}
		}
		if api == nil {
			pass.NotApplicable()
			return
		}
		version, err := semver.NewVersion(api.image.Tag)
		if err != nil {
			return
		}
		if o := pass.Render.Get(configMapKind, api.pod.Namespace, "pipeline-install-config"); o != nil {
			app := o.String("data", "appVersion")
			if app != "" && strings.TrimPrefix(app, "v") != strings.TrimPrefix(api.image.Tag, "v") && !tagged(pass, list) {
				pass.Reportf(o.At("data", "appVersion"), "%s has appVersion %s, while %s runs %s", o.Key, app, api.pod.Owner.Key, api.image.Tag).
					See(api.at.At("image"), "the API server's image")
			}
		}
		if version.LessThan(semver.MustParse("2.4.0")) {
			return
		}
		for _, name := range []string{"V2_DRIVER_IMAGE", "V2_LAUNCHER_IMAGE"} {
			value, place, known := kubeflow.EnvAt(pass.Render, api.pod, api.at, api.Container, name)
			if known && value != "" || !known && !place.IsZero() || unreadable(pass, api) {
				continue
			}
			pass.Reportf(api.at.At("env"), "%s of version %s is not told %s, and runs the latest one", api.pod.Owner.Key, api.image.Tag, name)
		}
	},
}

// tagged reports whether the profile controller is told a tag of its own.
func tagged(pass *checks.Pass, list []container) bool {
	for _, c := range list {
		if value, _, known := kubeflow.EnvAt(pass.Render, c.pod, c.at, c.Container, "FRONTEND_TAG"); known && value != "" {
			return true
		}
	}
	return false
}

// unreadable reports whether part of the environment is not in the render.
func unreadable(pass *checks.Pass, c *container) bool {
	for _, from := range c.EnvFrom {
		if from.SecretRef != nil || from.ConfigMapRef != nil && pass.Render.Get(configMapKind, c.pod.Namespace, from.ConfigMapRef.Name) == nil {
			return true
		}
	}
	return false
}
