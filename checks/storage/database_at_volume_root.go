package storage

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var databaseAtVolumeRoot = &checks.Check{
	ID:       "storage/database-at-volume-root",
	Severity: checks.Warning,
	Doc: `PostgreSQL sets itself up at the root of a volume

initdb wants an empty folder. The root of a volume formatted with ext4 holds
lost+found, so that the container ends with ` + "`initdb: error: directory exists but is not empty`" + `.

Upstream's PostgreSQL (Kubeflow Pipelines, Katib, the model registry) sets
PGDATA to a folder below the mount; a subPath does as well. Shared file systems
and disks of one node have no lost+found: passed over where the class tells, an
error where it is known to be a block device.`,
	Fix: "Set PGDATA to a folder below the mount, or mount with a subPath.",
	Refs: []string{
		"https://hub.docker.com/_/postgres",
		"https://github.com/docker-library/docs/blob/master/postgres/README.md",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		claims := volumes.Claims(v)
		for s := range stores(v) {
			if !s.store.EmptyDir || s.mount == nil || s.mount.MountPath != s.store.Dir || s.mount.SubPath+s.mount.SubPathExpr != "" {
				continue
			}
			claim := claimOfStore(v, claims, s)
			if claim == nil || !claim.Once() {
				continue
			}
			if _, static := staticVolume(classes, claim); static {
				continue
			}
			provider, known := classes.ProviderOf(claim)
			if known && !provider.Attached {
				continue
			}
			f := pass.Reportf(s.mountAt().At("mountPath"), "%s of %s sets itself up in %s, the root of %s, which is not empty on a formatted device", s.store.Title, s.pod.Owner.Key, s.store.Dir, claim.What).
				See(claim.At("spec"), "the claim")
			if known && !provider.Guessed && !formatsXFS(provider.Class) {
				f.As(checks.Error)
			}
		}
	},
}

// formatsXFS reports whether a class does not make ext4, or may not.
func formatsXFS(class *volumes.Class) bool {
	if class == nil || class.Value == nil {
		return false
	}
	for name, value := range class.Value.Parameters {
		if (name == "csi.storage.k8s.io/fstype" || name == "fsType" || name == "fstype") && value != "ext4" && value != "ext3" {
			return true
		}
	}
	return false
}
