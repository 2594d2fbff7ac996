package storage

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var unusableProvisioner = &checks.Check{
	ID:       "storage/unusable-provisioner",
	Severity: checks.Error,
	Doc: `provisioner of a storage class makes no volumes

Names that begin with kubernetes.io/ belong to Kubernetes itself. It no longer
has GlusterFS (since 1.26), Ceph RBD (1.31), Flocker, Quobyte, StorageOS and
ScaleIO; any other such name that it does not know fails as well
(` + "`no volume plugin matched`" + `). Claims of the class stay Pending. Some CSI
drivers only mount volumes that were made before.

kubernetes.io/aws-ebs, gce-pd, azure-disk, azure-file, cinder, vsphere-volume
and portworx-volume still work: their claims go to the CSI driver, which must be
installed. That is said as information where neither the render nor the
cluster's classes show the driver: some platforms bring it along, EKS does not.
Names of external provisioners are free, so unknown ones pass.`,
	Fix: "Name the CSI driver that took the provisioner's place.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/volumes/#types-of-volumes",
		"https://kubernetes.io/docs/concepts/storage/storage-classes/#provisioner",
		"awslabs/kubeflow-manifests#549",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for class := range volumes.StorageClasses.In(pass.Render) {
			name := class.Value.Provisioner
			at := class.At("provisioner")
			plugin, inTree := kubeflow.InTreeProvisioner(name)
			switch {
			case inTree && plugin.Removed != "":
				switch gone, known := goneIn(pass, plugin.Removed); {
				case !known:
					pass.Undecidedf(at, "%s uses %s, which Kubernetes has until %s: the target's version is not known", class.Key, name, plugin.Removed)
				case gone:
					pass.Reportf(at, "%s uses %s, which Kubernetes %s removed: it makes no volumes", class.Key, name, plugin.Removed)
				}
			case inTree:
				if !driverSeen(pass, plugin.CSI) {
					pass.Reportf(at, "%s uses %s, whose work the driver %s does since Kubernetes %s: it must be installed", class.Key, name, plugin.CSI, plugin.Migrated).As(checks.Info)
				}
			case name == kubeflow.NoProvisioner:
			case name == kubeflow.HostPathProvisioner:
				pass.Reportf(at, "%s uses %s, which works only where kube-controller-manager runs with --enable-hostpath-provisioner", class.Key, name).As(checks.Warning)
			case kubeflow.BuiltInProvisioner(name):
				pass.Reportf(at, "%s uses %s, a name reserved for Kubernetes, which has no such provisioner", class.Key, name)
			default:
				if p, ok := kubeflow.ProvisionerOf(name); ok && p.StaticOnly {
					pass.Reportf(at, "%s uses %s, which mounts volumes that exist and makes none", class.Key, name).
						WithFix("Write PersistentVolumes for %s.", p.Title)
				}
			}
		}
	},
}

// driverSeen reports whether the render installs a CSI driver or the cluster's
// classes use it.
func driverSeen(pass *checks.Pass, driver string) bool {
	if pass.Render.Get(inventory.GroupKind{Group: "storage.k8s.io", Kind: "CSIDriver"}, "", driver) != nil {
		return true
	}
	for _, class := range pass.Cluster.StorageClasses {
		if class.Provisioner == driver {
			return true
		}
	}
	return false
}
