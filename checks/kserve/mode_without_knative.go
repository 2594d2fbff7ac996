package kserve

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var modeWithoutKnative = &checks.Check{
	ID:       "kserve/mode-without-knative",
	Severity: checks.Error,
	Doc: `InferenceServices need Knative, which the platform does not have

They never become ready: "the resolved deployment mode of InferenceService is
Serverless, but Knative Serving is not available". The mode is that of the
annotation serving.kserve.io/deploymentMode, else the default of
inferenceservice-config. A mode that KServe does not know, which it spells with
capitals, is reported too: the annotation is then ignored, or refused.

Looked at are renders that have KServe's own CRDs, so that Knative's would be
there too. Fragments that hold InferenceServices alone are left out.`,
	Fix:   "Install Knative Serving, or set the mode to RawDeployment.",
	Refs:  []string{"https://kserve.github.io/website/docs/admin-guide/overview", "https://github.com/kserve/kserve/blob/master/pkg/controller/v1beta1/inferenceservice/controller.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		o := configuration(pass.Render)
		if o != nil && serverless(defaultMode(o)) && lacksKnative(pass) {
			place := o.At("data", "deploy")
			if doc, err := place.Document(); err == nil {
				place = doc.At("defaultDeploymentMode")
			}
			pass.Reportf(place, "%s sets the deployment mode %s, but the render has no Knative Serving", o.Key, defaultMode(o))
		}
		inferenceServices(pass.Render, func(s *inventory.Object, mode string) {
			own := s.Annotations()["serving.kserve.io/deploymentMode"]
			if own == "" {
				return
			}
			place := s.At("metadata", "annotations", "serving.kserve.io/deploymentMode")
			known := []string{"Serverless", "RawDeployment", "ModelMesh", "Knative", "Standard"}
			for _, k := range known {
				if k == own {
					if serverless(own) && lacksKnative(pass) {
						pass.Reportf(place, "%s asks for the deployment mode %s, but the render has no Knative Serving", s.Key, own)
					}
					return
				}
			}
			pass.Reportf(place, "%s asks for the deployment mode %q, which KServe does not know%s", s.Key, own, near.Hint(own, known[:3]))
		})
	},
}

// lacksKnative reports whether the render has the CRDs of KServe, but not those
// of Knative Serving.
func lacksKnative(pass *checks.Pass) bool {
	return pass.Render.Get(crdKind, "", "inferenceservices.serving.kserve.io") != nil &&
		pass.Render.Get(crdKind, "", "services.serving.knative.dev") == nil
}
