package storage

import (
	"maps"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var defaultClassAnnotationIgnored = &checks.Check{
	ID:       "storage/default-class-annotation-ignored",
	Severity: checks.Warning,
	Doc: `annotation is meant to make a class the default and does not

Only storageclass.kubernetes.io/is-default-class (and its beta form) with the
exact text "true" makes a StorageClass the default. "True", "yes" or "1", and
any other name for the annotation, are passed over in silence, and claims
without a class stay Pending.`,
	Fix: "Write storageclass.kubernetes.io/is-default-class: \"true\".",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/administer-cluster/change-default-storage-class/",
		"https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/storageclass.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for class := range volumes.StorageClasses.In(pass.Render) {
			annotations := class.Value.Annotations
			for _, name := range slices.Sorted(maps.Keys(annotations)) {
				value := annotations[name]
				at := class.At("metadata", "annotations", name)
				switch {
				case name == volumes.DefaultAnnotation || name == volumes.BetaDefaultAnnotation:
					if value != "true" && value != "false" && value != "" {
						pass.Reportf(at, "%s is not a default class: %q is not \"true\"", class.Key, value)
					}
				case strings.Contains(name, "default-class") || strings.Contains(name, "default-storage-class") || strings.Contains(name, "default-storageclass"):
					// The annotation that marks the default for virtual machines
					// is KubeVirt's own.
					if value == "true" && !strings.Contains(name, "kubevirt.io") {
						pass.Reportf(at, "%s is not a default class: annotation %s means nothing", class.Key, name)
					}
				}
			}
			for _, name := range []string{volumes.DefaultAnnotation, volumes.BetaDefaultAnnotation} {
				if _, ok := class.Value.Labels[name]; ok && annotations[name] != "true" {
					pass.Reportf(class.At("metadata", "labels", name), "%s is not a default class: %s is a label and must be an annotation", class.Key, name)
				}
			}
		}
	},
}
