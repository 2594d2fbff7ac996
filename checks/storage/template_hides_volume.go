package storage

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var templateHidesVolume = &checks.Check{
	ID:       "storage/template-hides-volume",
	Severity: checks.Warning,
	Doc: `claim template takes the place of a volume of the same name

A StatefulSet's controller replaces a volume of the pod template by the claim
of the volumeClaimTemplate with that name. What the volume says (another claim,
a ConfigMap, an emptyDir) has no effect, and the pods start on an empty volume.`,
	Fix: "Remove the volume or the claim template, or give one another name.",
	Refs: []string{
		"https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetSpec",
		"https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/statefulset/stateful_set_utils.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for pod := range kubeflow.Pods(pass.Render) {
			templates := volumes.TemplateNames(pod.Owner)
			for i, volume := range pod.Spec.Volumes {
				if j := slices.Index(templates, volume.Name); j >= 0 {
					pass.Reportf(pod.At("spec", "volumes", i, "name"), "volume %s of %s has no effect: a claim template of that name takes its place", volume.Name, pod.Owner.Key).
						See(pod.Owner.At("spec", "volumeClaimTemplates", j), "the claim template")
				}
			}
		}
	},
}
