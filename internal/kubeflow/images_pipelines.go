package kubeflow

import "github.com/Masterminds/semver/v3"

// FrontendImage is the repository of the user interface of Kubeflow Pipelines
// that the profile controller runs where nothing else is said; version is the
// release of Kubeflow Pipelines.
func FrontendImage(version string) string {
	v, err := semver.NewVersion(version)
	if err == nil && v.LessThan(semver.MustParse("2.4.0")) {
		return "gcr.io/ml-pipeline/frontend"
	}
	return "ghcr.io/kubeflow/kfp-frontend"
}
