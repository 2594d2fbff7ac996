package kubeflow

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Needs are data: each must be something that can be asked for.
func TestNeedsAreSound(t *testing.T) {
	empty, err := inventory.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	served := ServedBy(empty)
	names := map[string]bool{}
	for _, controller := range Controllers {
		if names[controller.Name] {
			t.Errorf("%s is given twice", controller.Name)
		}
		names[controller.Name] = true
		if len(controller.Images) == 0 || len(controller.Needs) == 0 {
			t.Errorf("%s has no images or no needs", controller.Name)
		}
		for _, need := range controller.Needs {
			need.Matches("v1.0.0") // panics on a constraint that does not parse
			if need.Breaks == "" {
				t.Errorf("%s: a need for %s does not say what breaks", controller.Name, need.Resources)
			}
			for verb := range strings.FieldsSeq(need.Verbs) {
				if !slices.Contains([]string{"get", "list", "watch", "create", "update", "patch", "delete", "approve", "report"}, verb) {
					t.Errorf("%s: verb %q", controller.Name, verb)
				}
			}
			for resource := range strings.FieldsSeq(need.Resources) {
				if served.GroupKnown(need.Group) && !served.Word(need.Group, resource) && served.Resource(need.Group, resource) == nil {
					t.Errorf("%s: Kubernetes has no %s in %q", controller.Name, resource, need.Group)
				}
			}
		}
	}
}

func TestControllerOf(t *testing.T) {
	for image, want := range map[string]string{
		"ghcr.io/kubeflow/kubeflow/notebook-controller:v1.10.0":                 "notebook controller",
		"registry.example.com:5000/mirror/kubeflow/notebook-controller:v1.10.0": "notebook controller",
		"kubeflownotebookswg/notebook-controller:v1.8.0":                        "notebook controller",
		"gcr.io/ml-pipeline/api-server:2.0.5":                                   "Pipelines API server",
		"example.com/api-server:1":                                              "",
		"kserve/kserve-controller:v0.15.0":                                      "KServe controller",
		"gcr.io/knative-releases/knative.dev/serving/cmd/controller@sha256:0e47362d044f8eac84595ed0a9fdf22e5dd5a07cc7a5df74e93eb5ad17ad4827":   "Knative Serving controller",
		"gcr.io/knative-releases/knative.dev/net-istio/cmd/controller@sha256:0e47362d044f8eac84595ed0a9fdf22e5dd5a07cc7a5df74e93eb5ad17ad4827": "Knative Istio controller",
		"mysql:8.0.29": "",
		"$(IMAGE)":     "",
	} {
		name := ""
		if controller, _, ok := ControllerOf(&corev1.Container{Image: image}); ok {
			name = controller.Name
		}
		if name != want {
			t.Errorf("%s is the %q, want %q", image, name, want)
		}
	}
}

func TestServed(t *testing.T) {
	empty, err := inventory.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	served := ServedBy(empty)
	for _, name := range []string{"pods", "pods/log", "serviceaccounts/token"} {
		if r := served.Resource("", name); r == nil || !r.Namespaced {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := served.Resource("", "nodes"); r == nil || r.Namespaced {
		t.Errorf("nodes: %+v", r)
	}
	if served.GroupKnown("extensions") || served.GroupKnown("kubeflow.org") || !served.GroupKnown("apps") {
		t.Error("groups: extensions is gone, kubeflow.org has no CRD here, apps is served")
	}
	if !served.Word("authentication.k8s.io", "userextras/scopes") || served.Word("", "pods") {
		t.Error("words")
	}
}
