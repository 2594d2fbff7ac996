// Package pipelines checks Kubeflow Pipelines: Argo's configuration, the
// stores behind it, and the versions of its parts.
package pipelines

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// Checks of the family.
var Checks = []*checks.Check{
	refusedArgoConfig,
	workflowsNotWatched,
	serviceNotFound,
	artifactStoreMismatch,
	invalidPipelineRoot,
	appVersionMismatch,
	mysqlAuthentication,
	storeCredentialsMismatch,
}

var (
	configMapKind = inventory.GroupKind{Kind: "ConfigMap"}
	secretKind    = inventory.GroupKind{Kind: "Secret"}
)

// A container of a pod, with its image taken apart.
type container struct {
	*corev1.Container
	pod   *kubeflow.Pod
	at    inventory.Place
	image images.Reference
}

// is reports whether the image's repository ends in one of the names.
func (c container) is(names ...string) bool {
	for _, name := range names {
		if path.Base(c.image.Path) == name || c.image.Path == name || strings.HasSuffix(c.image.Path, "/"+name) {
			return true
		}
	}
	return false
}

// containers are those that the render runs.
func containers(v *inventory.View) []container {
	var list []container
	for pod := range kubeflow.Pods(v) {
		if pod.Owner.Made != nil {
			continue
		}
		for at, c := range pod.Containers() {
			if r, err := images.Parse(c.Image); err == nil {
				list = append(list, container{c, pod, at, r})
			}
		}
	}
	return list
}

// ofPipelines reports whether a container is a component of Kubeflow
// Pipelines.
func (c container) ofPipelines() bool {
	family, ok := kubeflow.ImageFamilyOf(c.image.Path)
	return ok && family.Title == "Kubeflow Pipelines" || c.is("ml_metadata_store_server")
}

// argoConfigs are the ConfigMaps of the workflow controllers of the render.
type argoConfig struct {
	controller container
	name       string
	nameAt     inventory.Place
	object     *inventory.Object // nil where it is not rendered
}

func argoConfigs(v *inventory.View) []argoConfig {
	var list []argoConfig
	for _, c := range containers(v) {
		if !c.is("workflow-controller") {
			continue
		}
		a := argoConfig{controller: c, name: "workflow-controller-configmap", nameAt: c.at.At("args")}
		for i, arg := range c.Args {
			if value, ok := strings.CutPrefix(arg, "--configmap="); ok {
				a.name, a.nameAt = value, c.at.At("args", i)
			} else if arg == "--configmap" && i+1 < len(c.Args) {
				a.name, a.nameAt = c.Args[i+1], c.at.At("args", i+1)
			}
		}
		a.object = v.Get(configMapKind, c.pod.Namespace, a.name)
		list = append(list, a)
	}
	return list
}
