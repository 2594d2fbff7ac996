package kubeflow

import (
	"strings"
	"testing"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

func deployments(t *testing.T, images ...string) *inventory.Inventory {
	t.Helper()
	var objects []*inventory.Object
	for i, image := range images {
		objects = append(objects, inventory.NewObject(map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": strings.Repeat("d", i+1), "namespace": "kubeflow"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
				"containers": []any{map[string]any{"name": "c", "image": image}},
			}}},
		}, nil))
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		name   string
		images []string
		want   string
	}{
		{"nothing of Kubeflow", []string{"nginx:1.29"}, ""},
		{"Istio and KServe alone", []string{"docker.io/istio/pilot:1.22.1", "kserve/kserve-controller:v0.13.1"}, ""},
		{"one part", []string{"docker.io/kubeflownotebookswg/profile-controller:v1.9.2"}, "1.9.1"},
		{"mirrored", []string{"registry.example.com/mirror/kubeflow/kfp-api-server:2.5.0", "registry.example.com:5000/istio-release/pilot:1.26.1"}, "1.10.2"},
		{"most parts win", []string{
			"ghcr.io/kubeflow/kubeflow/profile-controller:v1.10.0", "ghcr.io/kubeflow/kfp-api-server:2.4.1",
			"ghcr.io/kubeflow/katib/katib-controller:v0.18.0", "kserve/kserve-controller:v0.14.1", "istio/pilot:1.26.1",
		}, "1.10.0"},
		{"the last of a kind", []string{"ghcr.io/kubeflow/kfp-api-server:2.15.0@sha256:0123"}, "1.11.0"},
		{"no tag", []string{"ghcr.io/kubeflow/kfp-api-server", "ghcr.io:5000/kubeflow/kfp-api-server"}, ""},
	} {
		if got := Detect(deployments(t, test.images...)); got.Release != test.want {
			t.Errorf("%s: %+v, want %q", test.name, got, test.want)
		}
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]string{"1.34": "1.34", "v1.34.2": "1.34", "v1.30.4-eks-a1b2": "1.30", "1.37": "1.37", "1.99": "", "1.24": "", "34": "", "": "", "1.34x": ""} {
		got, err := ParseKubernetes(version)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Kubernetes %q: %q, %v", version, got, err)
		}
	}
	for version, want := range map[string]string{"1.10.2": "1.10.2", "v1.9.1": "1.9.1", "1.10": "1.10.2", "v1.8": "1.8.1", "1": "", "1.6.0": "", "1.10.9": "", "": ""} {
		got, err := ParseRelease(version)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Kubeflow %q: %q, %v", version, got, err)
		}
	}
	if _, err := ParseKubernetes("2.0"); !strings.Contains(err.Error(), "1.25, 1.26") {
		t.Errorf("the error does not list what is known: %v", err)
	}
}
