package storage

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var annotationOverridesClass = &checks.Check{
	ID:       "storage/annotation-overrides-class",
	Severity: checks.Warning,
	Doc: `old annotation names another class than storageClassName

The annotation volume.beta.kubernetes.io/storage-class still goes before
spec.storageClassName: a patch that sets the field changes nothing while the
annotation of an old manifest or chart remains. An annotation that agrees with
the field, or stands alone, is let be.`,
	Fix: "Remove the annotation volume.beta.kubernetes.io/storage-class.",
	Refs: []string{
		"https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/component-helpers/storage/volume/helpers.go",
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		claims := volumes.Claims(pass.Render)
		if len(claims) == 0 {
			pass.NotApplicable()
		}
		for _, c := range claims {
			old, annotated := c.Annotations[corev1.BetaStorageClassAnnotation]
			if field := c.Spec.StorageClassName; annotated && field != nil && *field != old {
				pass.Reportf(c.ClassAt(), "%s gets storage class %q of the annotation, not %q of storageClassName", c.What, old, *field).
					See(c.At("spec", "storageClassName"), "the field that has no effect")
			}
		}
	},
}
