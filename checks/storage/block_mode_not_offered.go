package storage

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var blockModeNotOffered = &checks.Check{
	ID:       "storage/block-mode-not-offered",
	Severity: checks.Error,
	Doc: `raw block device is asked of a file system

volumeMode Block on NFS, Amazon EFS, Filestore, Azure Files, CephFS, local-path
and their like: the driver refuses the claim, or the kubelet cannot map the
volume. Claims and hand-made PersistentVolumes are looked at. Where only the
class's usual name is known it is a warning.`,
	Fix: "Use volumeMode Filesystem, or a class of block devices.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#raw-block-volume-support",
		"https://github.com/kubernetes-sigs/sig-storage-lib-external-provisioner/blob/master/controller/controller.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		classes := volumes.ClassesOf(pass.Render, pass.Cluster)
		for _, c := range volumes.Claims(pass.Render) {
			if c.Mode() != corev1.PersistentVolumeBlock {
				continue
			}
			if _, static := staticVolume(classes, c); static {
				continue
			}
			provider, ok := classes.ProviderOf(c)
			if !ok || provider.Block == nil || len(provider.Block) > 0 {
				continue
			}
			f := pass.Reportf(c.At("spec", "volumeMode"), "%s asks for a block device, which %s does not make", c.What, provider.Title)
			if provider.Guessed {
				f.As(checks.Warning)
			}
			if provider.Class != nil {
				f.See(provider.Class.At("provisioner"), "the provisioner of class %s", provider.Class.Name)
			}
		}
		for _, volume := range classes.Volumes {
			spec := volume.Value.Spec
			if spec.VolumeMode == nil || *spec.VolumeMode != corev1.PersistentVolumeBlock {
				continue
			}
			if kind := fileSystemOf(&spec); kind != "" {
				pass.Reportf(volume.At("spec", "volumeMode"), "%s is a block device on %s, which has none", volume.Key, kind)
			}
		}
	},
}

// fileSystemOf names the source of a volume that is a file system and cannot
// be a block device; empty for others.
func fileSystemOf(spec *corev1.PersistentVolumeSpec) string {
	switch {
	case spec.NFS != nil:
		return "NFS"
	case spec.HostPath != nil:
		return "hostPath"
	case spec.AzureFile != nil:
		return "Azure Files"
	case spec.CSI != nil:
		if p, ok := kubeflow.ProvisionerOf(spec.CSI.Driver); ok && p.Block != nil && len(p.Block) == 0 {
			return p.Title
		}
	}
	return ""
}
