package kustomize

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// TestHelmCharts renders kustomizations with charts. The file want.yaml of each
// archive is what kustomize build --enable-helm 5.8.2 printed, which ran helm
// 3.22.0. The order of the documents may differ.
func TestHelmCharts(t *testing.T) {
	files, err := filepath.Glob("testdata/charts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir, _ := unpack(t, file)
			t.Chdir(dir)
			got, err := YAML(context.Background(), "top", Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile("want.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sortedDocuments(want), sortedDocuments(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func sortedDocuments(data []byte) []string {
	docs := strings.Split(strings.TrimSpace(string(data)), "\n---\n")
	slices.Sort(docs)
	return docs
}

func TestHelmChartPlaces(t *testing.T) {
	dir, _ := unpack(t, "testdata/charts/inline.txtar")
	t.Chdir(dir)
	objects, err := Objects(context.Background(), "top", Options{})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	get := func(kind, name string) *inventory.Object {
		for _, o := range inv.Objects() {
			if o.Key.Kind == kind && o.Key.Name == name {
				return o
			}
		}
		t.Fatalf("no %s %s", kind, name)
		return nil
	}
	deployment, config := get("Deployment", "web"), get("ConfigMap", "web")
	for _, c := range []struct {
		place inventory.Place
		want  string
	}{
		{deployment.At("kind"), "top/charts/web/templates/deployment.yaml:2 true"},
		{deployment.At("spec", "replicas"), "top/kustomization.yaml:12 true"},
		{deployment.At("metadata", "labels", "tier"), "top/kustomization.yaml:13 true"},
		{deployment.At("metadata", "labels", "x"), "top/values.yaml:2 true"},
		{deployment.At("spec", "template", "spec", "containers", 0, "image"), "top/kustomization.yaml:25 true"},
		{deployment.At("spec", "template", "spec", "securityContext"), "top/charts/web/templates/deployment.yaml:12 true"},
		{config.At("data", "config.yaml").AtLine(1), "top/more.yaml:1 true"},
		{config.At("data", "config.yaml").AtLine(2), "top/charts/web/templates/deployment.yaml:29 true"},
		{config.At("metadata", "namespace"), "top/kustomization.yaml:1 true"},
		{get("CustomResourceDefinition", "sites.example.com").At("spec", "scope"), "top/charts/web/crds/crd.yaml:8 true"},
		{get("Service", "web").At("kind"), "top/service.yaml:2 true"},
	} {
		origin := c.place.Origin()
		if got := fmt.Sprintf("%s:%d %v", origin.File, origin.Line, origin.Exact); got != c.want {
			t.Errorf("%s: %s, want %s", c.place.Field(), got, c.want)
		}
	}
}

// TestBadHelmCharts renders kustomizations whose charts cannot be rendered.
func TestBadHelmCharts(t *testing.T) {
	chart := map[string]string{
		"top/charts/web/Chart.yaml":       "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"top/charts/web/values.yaml":      "a: b\n",
		"top/charts/web/templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n",
	}
	for _, c := range []struct{ name, kustomization, want string }{
		{"not vendored", "helmCharts:\n- name: gone\n", `top/kustomization.yaml:2: chart gone is not in charts/gone`},
		{"remote", "helmCharts:\n- name: gone\n  repo: https://charts.example.com\n  version: 1.0.0\n",
			`top/kustomization.yaml:2: chart gone is not in charts/gone-1.0.0/gone; charts are not fetched: run helm pull --untar --untardir charts/gone-1.0.0 --repo https://charts.example.com gone --version 1.0.0`},
		{"oci", "helmCharts:\n- name: gone\n  repo: oci://ghcr.io/x/\n", `.*--untardir charts oci://ghcr.io/x/gone`},
		{"flag", "helmCharts:\n- name: --post-renderer=x\n", `top/kustomization.yaml:2: a chart's name must not begin with a dash`},
		{"no name", "helmCharts:\n- repo: x\n", `top/kustomization.yaml:2: a chart without name`},
		{"merge", "helmCharts:\n- name: web\n  valuesMerge: deep\n", `top/kustomization.yaml:3: valuesMerge must be merge, override or replace`},
		{"two names", "helmCharts:\n- name: web\n  releaseName: a\n  nameTemplate: b\n", `top/kustomization.yaml:2: chart web has a releaseName and a nameTemplate.*`},
		{"name template", "helmCharts:\n- name: web\n  nameTemplate: '{{ env \"HOME\" }}'\n", `top/kustomization.yaml:3: .*function "env" not defined`},
		{"values file", "helmCharts:\n- name: web\n  valuesFile: none.yaml\n", `top/kustomization.yaml:3: the values file none.yaml cannot be read: no such file or directory`},
		{"outside", "helmCharts:\n- name: web\n  additionalValuesFiles: [../outside.yaml]\n", `top/kustomization.yaml:3: the values file ../outside.yaml is not in or below the kustomization's folder`},
		{"malformed values", "helmCharts:\n- name: web\n  valuesFile: bad.yaml\n", `top/bad.yaml:2: malformed YAML: .*`},
		{"broken template", "helmCharts:\n- name: web\n  valuesInline: {name: '\"'}\n", `top/charts/web/templates/x.yaml:4: the rendered document cannot be read: malformed YAML.*`},
		{"missing name", "helmCharts:\n- name: web\n", `.*`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, data := range chart {
				write(t, name, data)
			}
			write(t, "outside.yaml", "a: b\n")
			write(t, "top/bad.yaml", "a: b\n: [\n")
			write(t, "top/kustomization.yaml", c.kustomization)
			_, err := Objects(context.Background(), "top", Options{})
			wantError(t, err, c.want)
		})
	}
}
