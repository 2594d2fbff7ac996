package storage

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var removedVolumeType = &checks.Check{
	ID:       "storage/removed-volume-type",
	Severity: checks.Error,
	Doc: `volume is of a type that Kubernetes no longer mounts

The API still takes the fields glusterfs, rbd, cephfs, flocker, quobyte,
storageos, scaleIO, photonPersistentDisk and gitRepo, but the kubelet has lost
what stood behind them: the pod stays in ContainerCreating
(` + "`no volume plugin matched`" + `). cephfs and rbd went with Kubernetes 1.31; gitRepo is
switched off since 1.33.

awsElasticBlockStore, gcePersistentDisk, azureDisk, azureFile, cinder,
vsphereVolume and portworxVolume are handed to CSI drivers and still work. nfs,
iscsi, fc, hostPath and local never went. Without the target's version, removals
that it may not have reached are undecided.`,
	Fix: "Use a PersistentVolumeClaim of a CSI driver; clone repositories in an init container.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/volumes/#types-of-volumes",
		"https://kubernetes.io/docs/concepts/storage/volumes/#gitrepo",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for pod := range kubeflow.Pods(pass.Render) {
			for i := range pod.Spec.Volumes {
				reportRemovedVolume(pass, pod.At("spec", "volumes", i), pod.Owner.Key.String()+" has a volume")
			}
		}
		for volume := range volumes.PersistentVolumes.In(pass.Render) {
			reportRemovedVolume(pass, volume.At("spec"), volume.Key.String()+" is")
		}
	},
}

func reportRemovedVolume(pass *checks.Pass, source inventory.Place, what string) {
	for _, plugin := range kubeflow.InTreePlugins() {
		at := source.At(plugin.Field)
		if value, set := at.Value(); !set || value == nil || plugin.Removed == "" {
			continue
		}
		switch gone, known := goneIn(pass, plugin.Removed); {
		case !known:
			pass.Undecidedf(at, "%s of type %s, which Kubernetes mounts until %s: the target's version is not known", what, plugin.Field, plugin.Removed)
		case gone:
			pass.Reportf(at, "%s of type %s, which Kubernetes does not mount since %s", what, plugin.Field, plugin.Removed)
		}
	}
}
