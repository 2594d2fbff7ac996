package kubeflow

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A NamedConfig is a ConfigMap or Secret that a program reads by its name
// through the API, so that nothing in the manifests refers to it.
type NamedConfig struct {
	// Image is a part of the image of the program that reads it.
	Image string
	Kind  string
	Name  string
	// Env names it instead where the container sets it.
	Env string
	// Namespace is where it is looked for; empty is the program's own.
	Namespace string
	// Needed says that the program does not work without it.
	Needed bool
	// Without is what happens where it is not found.
	Without string
}

// namedConfigs are read from the sources of the programs.
var namedConfigs = []NamedConfig{
	{Image: "katib-controller", Kind: "ConfigMap", Name: "trial-templates", Without: "Katib's interface offers no trial templates"},
	{Image: "kserve-controller", Kind: "ConfigMap", Name: "inferenceservice-config", Needed: true, Without: "the KServe controller ends at its start"},
	{Image: "kserve-localmodel-controller", Kind: "ConfigMap", Name: "inferenceservice-config", Needed: true, Without: "the local model controller ends at its start"},
	{Image: "llmisvc-controller", Kind: "ConfigMap", Name: "inferenceservice-config", Needed: true, Without: "the controller of LLM inference services ends at its start"},
	{Image: "workflow-controller", Kind: "ConfigMap", Name: "workflow-controller-configmap", Needed: true, Without: "the workflow controller ends at its start"},
	{Image: "central-dashboard", Kind: "ConfigMap", Name: "centraldashboard-config", Env: "DASHBOARD_CONFIGMAP", Without: "the dashboard has no links and no settings"},
	{Image: "centraldashboard", Kind: "ConfigMap", Name: "centraldashboard-config", Env: "DASHBOARD_CONFIGMAP", Without: "the dashboard has no links and no settings"},
	{Image: "istio/pilot", Kind: "ConfigMap", Name: "istio-sidecar-injector", Needed: true, Without: "no sidecar is injected"},
	{Image: "istio/pilot", Kind: "ConfigMap", Name: "istio", Without: "the mesh runs with Istio's defaults, without the providers of its configuration"},
	{Image: "istio-release/pilot", Kind: "ConfigMap", Name: "istio-sidecar-injector", Needed: true, Without: "no sidecar is injected"},
	{Image: "istio-release/pilot", Kind: "ConfigMap", Name: "istio", Without: "the mesh runs with Istio's defaults, without the providers of its configuration"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-deployment", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-defaults", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-domain", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-features", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-gc", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-network", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/controller", Kind: "ConfigMap", Name: "config-autoscaler", Needed: true, Without: "Knative's controller ends at its start"},
	{Image: "knative.dev/serving/cmd/autoscaler", Kind: "ConfigMap", Name: "config-autoscaler", Needed: true, Without: "Knative's autoscaler ends at its start"},
	{Image: "knative.dev/net-istio/cmd/controller", Kind: "ConfigMap", Name: "config-istio", Needed: true, Without: "no route of Knative gets a gateway"},
}

// NamedConfigs are the ConfigMaps and Secrets that a pod's programs read by
// name, each once.
func NamedConfigs(v *inventory.View, pod *Pod) []NamedConfig {
	var found []NamedConfig
	seen := map[string]bool{}
	for _, c := range pod.Spec.Containers {
		for _, n := range namedConfigs {
			if !imageHas(c.Image, n.Image) || seen[n.Kind+n.Name] {
				continue
			}
			seen[n.Kind+n.Name] = true
			if n.Env != "" {
				for _, e := range c.Env {
					if e.Name != n.Env {
						continue
					}
					value, known := Env(v, pod, &c, n.Env)
					if !known || value == "" {
						n.Name = ""
						break
					}
					n.Name = value
				}
			}
			if n.Image == "workflow-controller" {
				// Argo takes another name as an argument.
				for i, arg := range c.Args {
					if arg == "--configmap" && i+1 < len(c.Args) {
						n.Name = c.Args[i+1]
					}
				}
			}
			if n.Name == "" {
				continue
			}
			if n.Namespace == "" {
				n.Namespace = pod.Namespace
			}
			found = append(found, n)
		}
	}
	return found
}

// imageHas reports whether an image's repository ends in, or holds as whole
// words between slashes, a part.
func imageHas(image, part string) bool {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return strings.HasSuffix("/"+image, "/"+part)
}
