package workload

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var configOutOfPlace = &checks.Check{
	ID:       "workload/config-out-of-place",
	Severity: checks.Error,
	Doc: `program does not find the ConfigMap that it reads by name

Some programs ask the API server for a ConfigMap of a fixed name: Knative its
config-*, KServe inferenceservice-config, Argo workflow-controller-configmap,
istiod istio and istio-sidecar-injector, the dashboard centraldashboard-config.
No field refers to it, so that a generator's hash, a name prefix or another
namespace goes unnoticed until the program ends at its start, or runs with
defaults.

Names that the container's environment or arguments change are followed. Where
the render has neither the ConfigMap nor one that is meant, and the program needs
it, it is an error too, but in a namespace that is not rendered.`,
	Fix: "Render the ConfigMap under the name and in the namespace where it is read: generatorOptions.disableNameSuffixHash keeps the name.",
	Refs: []string{
		"https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/generatoroptions/",
		"https://github.com/kserve/kserve/blob/v0.15.0/pkg/constants/constants.go",
		"https://argo-workflows.readthedocs.io/en/release-3.5/workflow-controller-configmap/",
		"kubeflow/manifests#3342",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		checked := false
		for pod := range kubeflow.Pods(v) {
			for _, config := range kubeflow.NamedConfigs(v, pod) {
				checked = true
				kind := inventory.GroupKind{Kind: config.Kind}
				if v.Get(kind, config.Namespace, config.Name) != nil {
					continue
				}
				meant, field, how := meantBy(v, kind, config.Namespace, config.Name)
				text := fmt.Sprintf("%s reads %s %s/%s by name", pod.Owner.Key, config.Kind, config.Namespace, config.Name)
				if meant != nil {
					f := pass.Reportf(meant.At("metadata", field), "%s, but the one that is rendered %s: %s", text, how, config.Without).
						See(pod.At("spec", "containers"), "what reads it")
					if !config.Needed {
						f.As(checks.Warning)
					}
					continue
				}
				if config.Needed && v.Get(namespaceKind, "", config.Namespace) != nil {
					pass.Reportf(pod.At("spec", "containers", 0, "image"), "%s, which is not rendered: %s", text, config.Without)
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// meantBy finds the object that should have had a name in a namespace, the
// field that is in the way and what it says.
func meantBy(v *inventory.View, kind inventory.GroupKind, namespace, name string) (o *inventory.Object, field, how string) {
	for o := range v.Of(kind) {
		if o.Key.Namespace == namespace && hashOf(o.Key.Name, name) {
			return o, "name", "is called " + o.Key.Name
		}
	}
	for o := range v.Of(kind) {
		if o.Key.Name == name {
			return o, "namespace", "is in namespace " + o.Key.Namespace
		}
	}
	for o := range v.Of(kind) {
		n := o.Key.Name
		long := len(n) > len(name) && (n[len(n)-len(name):] == name || n[:len(name)] == name) && len(name) > 8
		if o.Key.Namespace == namespace && (long || len(name) > 8 && near.Close(name, n)) {
			return o, "name", "is called " + n
		}
	}
	return nil, "", ""
}
