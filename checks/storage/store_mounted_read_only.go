package storage

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var storeMountedReadOnly = &checks.Check{
	ID:       "storage/store-mounted-read-only",
	Severity: checks.Error,
	Doc: `database or object store cannot write its data

The folder in which MySQL, PostgreSQL, MinIO or SeaweedFS keeps its data is
mounted read-only: by the mount, by the volume that names the claim, or because
the claim asks for nothing but ReadOnlyMany. The container ends with a read-only file system error.

readOnlyRootFilesystem is another matter and right, as long as the data are on
a volume.`,
	Fix: "Remove readOnly from the mount and from the volume.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/volumes/#read-only-mounts",
		"https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		claims := volumes.Claims(v)
		for s := range stores(v) {
			if s.mount == nil {
				continue
			}
			if s.mount.ReadOnly {
				pass.Reportf(s.mountAt().At("readOnly"), "%s of %s has its data in %s, which is mounted read-only", s.store.Title, s.pod.Owner.Key, s.store.Dir)
			} else if s.volume != nil && s.volume.PersistentVolumeClaim != nil && s.volume.PersistentVolumeClaim.ReadOnly {
				pass.Reportf(s.pod.At("spec", "volumes", s.index, "persistentVolumeClaim", "readOnly"), "%s of %s has its data on claim %s, which is mounted read-only", s.store.Title, s.pod.Owner.Key, s.volume.PersistentVolumeClaim.ClaimName).
					See(s.mountAt(), "mounted where it writes")
			} else if claim := claimOfStore(v, claims, s); claim != nil && onlyRead(claim) {
				pass.Reportf(claim.At("spec", "accessModes"), "%s of %s has its data on %s, which is ReadOnlyMany", s.store.Title, s.pod.Owner.Key, claim.What).
					See(s.mountAt(), "mounted where it writes")
			}
		}
	},
}

// onlyRead reports whether a claim can only be read.
func onlyRead(c *volumes.Claim) bool {
	for _, mode := range c.Spec.AccessModes {
		if mode != corev1.ReadOnlyMany {
			return false
		}
	}
	return len(c.Spec.AccessModes) > 0
}
