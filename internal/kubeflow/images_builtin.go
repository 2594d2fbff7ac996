package kubeflow

import "github.com/Masterminds/semver/v3"

// A BuiltinImage is an image that a controller runs where nobody tells it
// another one.
type BuiltinImage struct {
	// Controller is the last element of the controller's own image.
	Controller string
	// Since is the first version of the controller that has it so; empty for
	// all.
	Since string
	// Flag and Env tell it another image; one of them may be empty.
	Flag, Env string
	Image     string
}

// builtinImages are read from the controllers' sources: pkg/config of the
// training operator, argocompiler of Kubeflow Pipelines. Before 2.4 the latter
// names its driver and launcher by digests that change with each release.
var builtinImages = []BuiltinImage{
	{Controller: "training-operator", Flag: "pytorch-init-container-image", Image: "alpine:3.10"},
	{Controller: "training-operator", Flag: "mpi-kubectl-delivery-image", Image: "kubeflow/kubectl-delivery:latest"},
	{Controller: "kfp-api-server", Since: "2.4.0", Env: "V2_DRIVER_IMAGE", Image: "ghcr.io/kubeflow/kfp-driver:latest"},
	{Controller: "kfp-api-server", Since: "2.4.0", Env: "V2_LAUNCHER_IMAGE", Image: "ghcr.io/kubeflow/kfp-launcher:latest"},
}

// BuiltinImages are those of a controller, given by the last element of its
// image's path and its tag.
func BuiltinImages(controller, tag string) []BuiltinImage {
	var found []BuiltinImage
	for _, b := range builtinImages {
		if b.Controller != controller {
			continue
		}
		if b.Since != "" {
			v, err := semver.NewVersion(tag)
			if err != nil || v.LessThan(semver.MustParse(b.Since)) {
				continue
			}
		}
		found = append(found, b)
	}
	return found
}
