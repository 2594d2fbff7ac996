package storage

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var knativeClaimsDisabled = &checks.Check{
	ID:       "storage/knative-claims-disabled",
	Severity: checks.Error,
	Doc: `serverless workload mounts a claim, which Knative has switched off

Knative's webhook refuses pods with a PersistentVolumeClaim unless
kubernetes.podspec-persistent-volume-claim is enabled in the ConfigMap
config-features (` + "`Persistent volume claim support is disabled`" + `), and those that may
write unless kubernetes.podspec-persistent-volume-write is enabled as well. Both
are off by default, in upstream too. Looked at are Knative Services and
InferenceServices in serverless mode.

A model's storageUri pvc:// needs neither: KServe adds that volume to the pod
behind Knative. Nor do InferenceServices in raw deployment mode.`,
	Fix: "Enable kubernetes.podspec-persistent-volume-claim (and -write) in ConfigMap knative-serving/config-features.",
	Refs: []string{
		"https://knative.dev/docs/serving/configuration/feature-flags/#kubernetes-persistentvolumeclaim-pvc",
		"https://github.com/knative/serving/blob/main/pkg/apis/serving/k8s_validation.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var features *inventory.Object
		for o := range pass.Render.Of(configMapKind) {
			if o.Key.Name == "config-features" && o.Key.Namespace == "knative-serving" {
				features = o
			}
		}
		found := false
		for service := range pass.Render.Of(inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}) {
			found = true
			judgeKnativeVolumes(pass, features, service, inventory.Path{"spec", "template", "spec", "volumes"})
		}
		for service := range pass.Render.Of(inventory.GroupKind{Group: "serving.kserve.io", Kind: "InferenceService"}) {
			found = true
			if serverless(pass.Render, service) {
				for _, component := range []string{"predictor", "transformer", "explainer"} {
					judgeKnativeVolumes(pass, features, service, inventory.Path{"spec", component, "volumes"})
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func judgeKnativeVolumes(pass *checks.Pass, features, service *inventory.Object, path inventory.Path) {
	for i := range service.List(path) {
		at := service.At(path, i, "persistentVolumeClaim")
		source, ok := at.Value()
		if !ok || source == nil {
			continue
		}
		claim := service.String(path, i, "persistentVolumeClaim", "claimName")
		if features == nil {
			pass.Undecidedf(at, "%s mounts claim %s: Knative's ConfigMap config-features is not rendered", service.Key, claim)
			continue
		}
		const use, write = "kubernetes.podspec-persistent-volume-claim", "kubernetes.podspec-persistent-volume-write"
		readOnly, _ := service.Get(path, i, "persistentVolumeClaim", "readOnly").(bool)
		switch {
		case !featureOn(features, use):
			pass.Reportf(at, "%s mounts claim %s, and %s is not enabled in %s", service.Key, claim, use, features.Key).
				See(features.At("data", use), "the switch")
		case !readOnly && !featureOn(features, write):
			pass.Reportf(at, "%s mounts claim %s for writing, and %s is not enabled in %s", service.Key, claim, write, features.Key).
				See(features.At("data", write), "the switch")
		}
	}
}

// featureOn reads a switch of Knative's features. One that is not set is as
// the release's own example documents it.
func featureOn(features *inventory.Object, name string) bool {
	value, set := features.Get("data", name).(string)
	if !set {
		var documented map[string]any
		if doc, err := features.At("data", "_example").Document(); err == nil && doc.Decode(&documented) == nil {
			value, _ = documented[name].(string)
		}
	}
	return strings.EqualFold(value, "enabled") || strings.EqualFold(value, "allowed")
}

// serverless reports whether an InferenceService runs on Knative, as far as
// the render tells: by its annotation, else by KServe's configuration.
func serverless(v *inventory.View, service *inventory.Object) bool {
	mode := service.Annotations()["serving.kserve.io/deploymentMode"]
	if mode == "" {
		for o := range v.Of(configMapKind) {
			if o.Key.Name != "inferenceservice-config" {
				continue
			}
			var deploy struct {
				Mode string `yaml:"defaultDeploymentMode"`
			}
			if doc, err := o.At("data", "deploy").Document(); err == nil && doc.Decode(&deploy) == nil {
				mode = deploy.Mode
			}
		}
	}
	return mode == "Serverless" || mode == "Knative"
}
