package storage

import "github.com/kfpreflight/kfpreflight/checks"

var storeMountedReadOnly = &checks.Check{
	ID:       "storage/store-mounted-read-only",
	Severity: checks.Error,
	Doc: `database or object store cannot write its data

The folder in which MySQL, PostgreSQL, MinIO or SeaweedFS keeps its data is
mounted read-only: by the mount, or by the volume that names the claim. The
container ends with a read-only file system error.

readOnlyRootFilesystem is another matter and right, as long as the data are on
a volume.`,
	Fix: "Remove readOnly from the mount and from the volume.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/volumes/#read-only-mounts",
		"https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for s := range stores(pass.Render) {
			if s.mount == nil {
				continue
			}
			if s.mount.ReadOnly {
				pass.Reportf(s.mountAt().At("readOnly"), "%s of %s has its data in %s, which is mounted read-only", s.store.Title, s.pod.Owner.Key, s.store.Dir)
			} else if s.volume != nil && s.volume.PersistentVolumeClaim != nil && s.volume.PersistentVolumeClaim.ReadOnly {
				pass.Reportf(s.pod.At("spec", "volumes", s.index, "persistentVolumeClaim", "readOnly"), "%s of %s has its data on claim %s, which is mounted read-only", s.store.Title, s.pod.Owner.Key, s.volume.PersistentVolumeClaim.ClaimName).
					See(s.mountAt(), "mounted where it writes")
			}
		}
	},
}
