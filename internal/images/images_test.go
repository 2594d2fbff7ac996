package images

import (
	"testing"

	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

func parse(t *testing.T, image string) Reference {
	t.Helper()
	r, err := Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse(t *testing.T) {
	const digest = "@sha256:698ef80ebc698f4d2bb93c1e85684063a0cf253a83faebcbf106cee444181d8e"
	for image, want := range map[string]string{
		"mysql":                      "docker.io/library/mysql:latest",
		"kserve/agent:v1":            "docker.io/kserve/agent:v1",
		"localhost:5000/a:b":         "localhost:5000/a:b",
		"quay.io/a/b" + digest:       "quay.io/a/b" + digest,
		"quay.io/a/b:v1" + digest:    "quay.io/a/b:v1" + digest,
		"registry.example.com/a/b/c": "registry.example.com/a/b/c:latest",
	} {
		if got := parse(t, image).String(); got != want {
			t.Errorf("%s: got %s, want %s", image, got, want)
		}
	}
	for _, image := range []string{"", "a/B", "a b", "a:b:c", "https://a/b", "a:$(TAG)", "a@sha256:1"} {
		if r, err := Parse(image); err == nil {
			t.Errorf("%q is read as %s", image, r)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		registry, image string
		want            bool
	}{
		{"https://index.docker.io/v1/", "kserve/agent:v1", true},
		{"docker.io", "mysql", true},
		{"registry-1.docker.io", "mysql", false},
		{"ghcr.io", "ghcr.io/a/b:1", true},
		{"https://ghcr.io/v2/", "ghcr.io/a/b:1", true},
		{"ghcr.io/a", "ghcr.io/a/b:1", true},
		{"ghcr.io/other", "ghcr.io/a/b:1", false},
		{"*.azurecr.io", "team.azurecr.io/a:1", true},
		{"*.azurecr.io", "a.team.azurecr.io/a:1", false},
		{"registry.example.com", "registry.example.com:5000/a:1", false},
		{"registry.example.com:5000", "registry.example.com:5000/a:1", true},
	} {
		if got := Covers(c.registry, parse(t, c.image)); got != c.want {
			t.Errorf("%s for %s: %v", c.registry, c.image, got)
		}
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		pattern, image string
		want           bool
	}{
		{"ghcr.io", "ghcr.io/a/b:1", true},
		{"ghcr.io/a", "ghcr.io/a/b:1", true},
		{"ghcr.io/a", "ghcr.io/ab/c:1", false},
		{"ghcr.io/*", "ghcr.io/a/b:1", false},
		{"ghcr.io/**", "ghcr.io/a/b:1", true},
		{"**/katib/*", "registry.example.com/katib/ui:1", true},
		{"*.example.com/**", "registry.example.com/katib/ui:1", true},
		{"mysql", "mysql:8", true},
		{"kserve/*", "docker.io/kserve/agent:1", true},
		{"ghcr.io/a/b:1.*", "ghcr.io/a/b:1.2", true},
		{"ghcr.io/a/b:1.*", "ghcr.io/a/b:2.0", false},
		{"registry.example.com:5000", "registry.example.com:5000/a:1", true},
		{"localhost:5000/a", "localhost:5000/a:1", true},
	} {
		if got := Allowed(facts.ImagePolicy{Allow: []string{c.pattern}}, parse(t, c.image)); got != c.want {
			t.Errorf("%s allows %s: %v", c.pattern, c.image, got)
		}
	}
	policy := facts.ImagePolicy{Allow: []string{}, Mirror: map[string]string{"ghcr.io": "r.example.com/g/", "ghcr.io/a": "r.example.com/a"}}
	if got, ok := Mirrored(policy, parse(t, "ghcr.io/a/b:1")); !ok || got != "r.example.com/a/b:1" {
		t.Errorf("got %s", got)
	}
	if got, ok := Mirrored(policy, parse(t, "ghcr.io/c/b")); !ok || got != "r.example.com/g/c/b:latest" {
		t.Errorf("got %s", got)
	}
	if got, ok := Mirrored(policy, parse(t, "r.example.com/g/c/b")); ok || !Allowed(policy, parse(t, "r.example.com/g/c/b")) {
		t.Errorf("the mirror itself is mirrored to %s or not allowed", got)
	}
	if Allowed(policy, parse(t, "quay.io/a")) {
		t.Error("an empty list allows something")
	}
}

// TestFind holds what is no image, although it looks like one.
func TestFind(t *testing.T) {
	objects, err := manifest.Parse("all.yaml", []byte(`apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  imagePullPolicy: a/b
  image.tag: v1.2:3
  logoImageUrl: https://example.com/a.png
  dashboard.json: |
    {"image": "logo.svg", "text": "see http://grafana.example.com/a:b", "images": {"x": "/static/a:b"}}
  script.sh: |
    # docker.io/old/image:1
    run "quay.io/team/job:2" now
---
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {image: a/b}}
spec:
  volumes:
  - {name: disk, rbd: {monitors: ["a:1"], image: pool/disk}}
  - {name: files, image: {reference: "quay.io/team/files:1"}}
  containers:
  - {name: a, image: "a:1", args: [--image-pull-policy=a/b, --url=https://x.example.com/a:b, "--image=$(X)"], env: [{name: IMAGE_TAG, value: "a/b:1"}, {name: HOST, value: "minio.kubeflow:9000"}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, use := range Find(inv.View()) {
		got = append(got, use.Image)
	}
	want := []string{"quay.io/team/job:2", "a:1", "quay.io/team/files:1"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
