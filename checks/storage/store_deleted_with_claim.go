package storage

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var storeDeletedWithClaim = &checks.Check{
	ID:       "storage/store-deleted-with-claim",
	Severity: checks.Info,
	Doc: `volume of a database goes when its claim goes

The storage class deletes a volume with its claim (reclaimPolicy Delete, the
default). If the claim of MySQL, MinIO or Katib's database is ever pruned,
renamed or deleted with its namespace, the platform's runs, artifacts and
experiments are gone for good; with Retain the volume stays.

Said only of classes in the render: what the cluster's own classes do is not
known.`,
	Fix: "Set reclaimPolicy: Retain on a class of its own for databases.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/storage-classes/#reclaim-policy",
		"kubeflow/pipelines#11965",
		"kubeflow/manifests#1781",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		claims := volumes.Claims(v)
		reported := map[*inventory.Object]*checks.Finding{}
		for s := range stores(v) {
			claim := claimOfStore(v, claims, s)
			if claim == nil {
				continue
			}
			class, answer := classes.Of(claim)
			if answer != volumes.Found || class.Value == nil || class.Static() {
				continue
			}
			if policy := class.Value.ReclaimPolicy; policy != nil && *policy != corev1.PersistentVolumeReclaimDelete {
				continue
			}
			f := reported[class.Object]
			if f == nil {
				f = pass.Reportf(class.At("reclaimPolicy"), "%s deletes volumes with their claims, and %s of %s keeps its data on one", class.Object.Key, s.store.Title, s.pod.Owner.Key)
				reported[class.Object] = f
			}
			f.See(claim.At("spec"), "%s holds the data of %s", claim.What, s.pod.Owner.Key)
		}
	},
}
