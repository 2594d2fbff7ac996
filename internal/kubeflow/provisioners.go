package kubeflow

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A Provisioner makes volumes for the claims of a StorageClass.
//
// The table below holds what the drivers' own code and documentation say, as
// of [ProvisionersDate]. What a driver leaves to its configuration is left
// unknown: an unknown fact must not become a finding.
type Provisioner struct {
	// Name is what StorageClass.provisioner says. A leading * stands for any
	// prefix: Rook puts its namespace before the names of its drivers.
	Name  string
	Title string
	// Filesystem and Block are the access modes that it gives to claims of
	// that volume mode. Nil is unknown; empty means that it refuses the mode.
	Filesystem, Block []corev1.PersistentVolumeAccessMode
	// Attached volumes are attached to one node at a time, so that
	// ReadWriteOnce is enforced; a shared file system ignores it.
	Attached bool
	// Zonal volumes live in one availability zone, NodeLocal ones on a node.
	Zonal, NodeLocal bool
	// NeedsConsumer provisioners refuse a claim that no pod was scheduled for:
	// volumeBindingMode must be WaitForFirstConsumer.
	NeedsConsumer bool
	// OpenToAll volumes can be written by any user without fsGroup.
	OpenToAll bool
	// StaticOnly drivers mount PersistentVolumes and make none.
	StaticOnly bool
	// Parameters of the class that it cannot do without.
	Parameters []string
	// Types are the values that the parameter TypeParameter may have, in lower
	// case; empty where it is free or not known.
	TypeParameter string
	Types         []string
	// Source is where the facts stand.
	Source string
}

// ProvisionersDate is when the table of provisioners was last checked.
const ProvisionersDate = "2026-11"

var (
	none     = []corev1.PersistentVolumeAccessMode{}
	once     = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOncePod}
	onceRead = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOncePod, corev1.ReadOnlyMany}
	onceMany = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOncePod, corev1.ReadWriteMany}
	anyMode  = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOncePod, corev1.ReadOnlyMany, corev1.ReadWriteMany}
)

var provisioners = []Provisioner{
	// Amazon
	{Name: "ebs.csi.aws.com", Title: "Amazon EBS", Filesystem: once, Block: onceMany, Attached: true, Zonal: true,
		TypeParameter: "type", Types: []string{"gp2", "gp3", "io1", "io2", "st1", "sc1", "standard", "sbg1", "sbp1"},
		Source: "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/multi-attach.md"},
	{Name: "ebs.csi.eks.amazonaws.com", Title: "Amazon EBS (EKS Auto Mode)", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html"},
	{Name: "efs.csi.aws.com", Title: "Amazon EFS", Filesystem: anyMode, Block: none, OpenToAll: true, Parameters: []string{"provisioningMode", "fileSystemId"},
		Source: "https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/docs/README.md"},
	{Name: "fsx.csi.aws.com", Title: "Amazon FSx for Lustre", Filesystem: anyMode, Block: none, Parameters: []string{"subnetId"},
		Source: "https://github.com/kubernetes-sigs/aws-fsx-csi-driver/blob/master/docs/README.md"},
	{Name: "s3.csi.aws.com", Title: "Mountpoint for Amazon S3", Filesystem: anyMode, Block: none, StaticOnly: true, OpenToAll: true,
		Source: "https://github.com/awslabs/mountpoint-s3-csi-driver"},
	// Google
	{Name: "pd.csi.storage.gke.io", Title: "Google Compute Engine persistent disk", Filesystem: onceRead, Block: anyMode, Attached: true, Zonal: true,
		TypeParameter: "type", Types: []string{"pd-standard", "pd-balanced", "pd-ssd", "pd-extreme", "hyperdisk-balanced", "hyperdisk-extreme", "hyperdisk-throughput", "hyperdisk-ml", "hyperdisk-balanced-high-availability", "dynamic"},
		Source: "https://github.com/kubernetes-sigs/gcp-compute-persistent-disk-csi-driver/blob/master/pkg/gce-pd-csi-driver/utils.go"},
	{Name: "filestore.csi.storage.gke.io", Title: "Google Filestore", Filesystem: anyMode, Block: none,
		Source: "https://cloud.google.com/kubernetes-engine/docs/how-to/persistent-volumes/filestore-csi-driver"},
	// Azure. A shared disk (maxShares) may be read by many.
	{Name: "disk.csi.azure.com", Title: "Azure disk", Filesystem: onceRead, Block: anyMode, Attached: true, Zonal: true,
		TypeParameter: "skuName", Types: []string{"standard_lrs", "standardssd_lrs", "premium_lrs", "premiumv2_lrs", "ultrassd_lrs", "standardssd_zrs", "premium_zrs"},
		Source: "https://learn.microsoft.com/azure/aks/azure-csi-disk-storage-provision"},
	{Name: "file.csi.azure.com", Title: "Azure Files", Filesystem: anyMode, Block: none, OpenToAll: true,
		Source: "https://learn.microsoft.com/azure/aks/azure-csi-files-storage-provision"},
	{Name: "blob.csi.azure.com", Title: "Azure Blob storage", Filesystem: anyMode, Block: none, OpenToAll: true,
		Source: "https://github.com/kubernetes-sigs/blob-csi-driver"},
	// Other clouds
	{Name: "cinder.csi.openstack.org", Title: "OpenStack Cinder", Attached: true, Zonal: true,
		Source: "https://github.com/kubernetes/cloud-provider-openstack/blob/master/docs/cinder-csi-plugin/features.md"},
	{Name: "csi.vsphere.vmware.com", Title: "VMware vSphere", Attached: true,
		Source: "https://docs.vmware.com/en/VMware-vSphere-Container-Storage-Plug-in/"},
	{Name: "dobs.csi.digitalocean.com", Title: "DigitalOcean block storage", Filesystem: once, Attached: true,
		Source: "https://docs.digitalocean.com/products/kubernetes/how-to/add-volumes/"},
	{Name: "csi.hetzner.cloud", Title: "Hetzner Cloud volumes", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://github.com/hetznercloud/csi-driver/blob/main/docs/kubernetes/README.md"},
	{Name: "linodebs.csi.linode.com", Title: "Linode block storage", Filesystem: once, Attached: true,
		Source: "https://github.com/linode/linode-blockstorage-csi-driver"},
	{Name: "block.csi.vultr.com", Title: "Vultr block storage", Filesystem: once, Attached: true,
		Source: "https://github.com/vultr/vultr-csi"},
	{Name: "csi.civo.com", Title: "Civo volumes", Filesystem: once, Attached: true,
		Source: "https://www.civo.com/docs/kubernetes/config/kubernetes-volumes"},
	{Name: "csi.scaleway.com", Title: "Scaleway block storage", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://github.com/scaleway/scaleway-csi"},
	{Name: "csi.exoscale.com", Title: "Exoscale block storage", Filesystem: once, Attached: true,
		Source: "https://github.com/exoscale/exoscale-csi-driver"},
	{Name: "storage.csi.upcloud.com", Title: "UpCloud block storage", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://github.com/UpCloudLtd/upcloud-csi"},
	{Name: "blockvolume.csi.oraclecloud.com", Title: "Oracle Cloud block volume", Filesystem: once, Attached: true,
		Source: "https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengcreatingpersistentvolumeclaim.htm"},
	{Name: "fss.csi.oraclecloud.com", Title: "Oracle Cloud file storage", Filesystem: anyMode, Block: none,
		Source: "https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengcreatingpersistentvolumeclaim.htm"},
	{Name: "vpc.block.csi.ibm.io", Title: "IBM Cloud block storage", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://cloud.ibm.com/docs/containers?topic=containers-vpc-block"},
	{Name: "vpc.file.csi.ibm.io", Title: "IBM Cloud file storage", Filesystem: anyMode, Block: none,
		Source: "https://cloud.ibm.com/docs/containers?topic=containers-storage-file-vpc-apps"},
	{Name: "diskplugin.csi.alibabacloud.com", Title: "Alibaba Cloud disk", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://github.com/kubernetes-sigs/alibaba-cloud-csi-driver/blob/master/docs/disk.md"},
	{Name: "nasplugin.csi.alibabacloud.com", Title: "Alibaba Cloud NAS", Filesystem: anyMode, Block: none,
		Source: "https://github.com/kubernetes-sigs/alibaba-cloud-csi-driver/blob/master/docs/nas.md"},
	{Name: "com.tencent.cloud.csi.cbs", Title: "Tencent Cloud block storage", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://github.com/TencentCloud/kubernetes-csi-tencentcloud/blob/master/docs/README_CBS.md"},
	{Name: "disk-csi-driver.mks.ycloud.io", Title: "Yandex Cloud disk", Filesystem: once, Attached: true, Zonal: true,
		Source: "https://yandex.cloud/docs/managed-kubernetes/concepts/volume"},
	// Storage in the cluster
	{Name: "*rbd.csi.ceph.com", Title: "Ceph RBD", Filesystem: onceRead, Block: anyMode, Attached: true, Parameters: []string{"clusterID", "pool"},
		Source: "https://github.com/ceph/ceph-csi/blob/devel/internal/rbd/controllerserver.go"},
	{Name: "*cephfs.csi.ceph.com", Title: "CephFS", Filesystem: anyMode, Block: none, Parameters: []string{"clusterID", "fsName"},
		Source: "https://github.com/ceph/ceph-csi/blob/devel/docs/cephfs/deploy.md"},
	{Name: "*nfs.csi.ceph.com", Title: "Ceph NFS", Filesystem: anyMode, Block: none,
		Source: "https://github.com/ceph/ceph-csi/blob/devel/docs/nfs/deploy.md"},
	{Name: "driver.longhorn.io", Title: "Longhorn", Filesystem: anyMode, Attached: true,
		Source: "https://longhorn.io/docs/latest/nodes-and-volumes/volumes/rwx-volumes/"},
	{Name: "pxd.portworx.com", Title: "Portworx", Attached: true, Source: "https://docs.portworx.com/"},
	{Name: "topolvm.io", Title: "TopoLVM", Filesystem: once, Block: once, NodeLocal: true,
		Source: "https://github.com/topolvm/topolvm/blob/main/docs/limitations.md"},
	{Name: "topolvm.cybozu.com", Title: "TopoLVM", Filesystem: once, Block: once, NodeLocal: true,
		Source: "https://github.com/topolvm/topolvm/blob/main/docs/limitations.md"},
	{Name: "openebs.io/local", Title: "OpenEBS local volumes", Filesystem: once, NodeLocal: true, NeedsConsumer: true,
		Source: "https://openebs.io/docs/user-guides/local-storage-user-guide/local-pv-hostpath/hostpath-overview"},
	{Name: "local.csi.openebs.io", Title: "OpenEBS LVM", Filesystem: once, Block: once, NodeLocal: true,
		Source: "https://github.com/openebs/lvm-localpv/blob/develop/docs/storageclasses.md"},
	{Name: "zfs.csi.openebs.io", Title: "OpenEBS ZFS", Filesystem: once, Block: once, NodeLocal: true,
		Source: "https://github.com/openebs/zfs-localpv/blob/develop/docs/storageclasses.md"},
	{Name: "cstor.csi.openebs.io", Title: "OpenEBS cStor", Filesystem: once, Attached: true,
		Source: "https://github.com/openebs/cstor-operators"},
	{Name: "jiva.csi.openebs.io", Title: "OpenEBS Jiva", Filesystem: once, Attached: true,
		Source: "https://github.com/openebs/jiva-operator"},
	{Name: "io.openebs.csi-mayastor", Title: "OpenEBS Mayastor", Filesystem: once, Attached: true,
		Source: "https://openebs.io/docs/user-guides/replicated-storage-user-guide/replicated-pv-mayastor/rs-overview"},
	{Name: "openebs.io/nfsrwx", Title: "OpenEBS NFS", Filesystem: anyMode, Block: none,
		Source: "https://github.com/openebs/dynamic-nfs-provisioner"},
	// Directories of a node. sig-storage-lib-external-provisioner refuses raw
	// block for all of them.
	{Name: "rancher.io/local-path", Title: "local-path", Filesystem: once, Block: none, NodeLocal: true, NeedsConsumer: true, OpenToAll: true,
		Source: "https://github.com/rancher/local-path-provisioner/blob/master/provisioner.go"},
	{Name: "k8s.io/minikube-hostpath", Title: "minikube's hostPath", Filesystem: anyMode, Block: none, NodeLocal: true, OpenToAll: true,
		Source: "https://github.com/kubernetes/minikube/blob/master/pkg/storage/storage_provisioner.go"},
	{Name: "microk8s.io/hostpath", Title: "MicroK8s' hostPath", Filesystem: anyMode, Block: none, NodeLocal: true, OpenToAll: true,
		Source: "https://microk8s.io/docs/addon-hostpath-storage"},
	{Name: "docker.io/hostpath", Title: "Docker Desktop's hostPath", Filesystem: anyMode, Block: none, NodeLocal: true, OpenToAll: true,
		Source: "https://docs.docker.com/desktop/features/kubernetes/"},
	// Shared file systems
	{Name: "nfs.csi.k8s.io", Title: "NFS", Filesystem: anyMode, Block: none, Parameters: []string{"server", "share"},
		Source: "https://github.com/kubernetes-csi/csi-driver-nfs/blob/master/docs/driver-parameters.md"},
	{Name: "smb.csi.k8s.io", Title: "SMB", Filesystem: anyMode, Block: none, OpenToAll: true, Parameters: []string{"source"},
		Source: "https://github.com/kubernetes-csi/csi-driver-smb/blob/master/docs/driver-parameters.md"},
	{Name: "*nfs-subdir-external-provisioner", Title: "NFS", Filesystem: anyMode, Block: none, OpenToAll: true,
		Source: "https://github.com/kubernetes-sigs/nfs-subdir-external-provisioner/blob/master/cmd/nfs-subdir-external-provisioner/provisioner.go"},
	{Name: "*nfs-client-provisioner", Title: "NFS", Filesystem: anyMode, Block: none, OpenToAll: true,
		Source: "https://github.com/kubernetes-sigs/nfs-subdir-external-provisioner"},
	{Name: "csi.juicefs.com", Title: "JuiceFS", Filesystem: anyMode, Block: none,
		Source: "https://juicefs.com/docs/csi/guide/pv"},
	{Name: "seaweedfs-csi-driver", Title: "SeaweedFS", Filesystem: anyMode, Block: none,
		Source: "https://github.com/seaweedfs/seaweedfs-csi-driver"},
	{Name: "beegfs.csi.netapp.com", Title: "BeeGFS", Filesystem: anyMode, Block: none,
		Source: "https://github.com/ThinkParQ/beegfs-csi-driver"},
	{Name: "csi.weka.io", Title: "WEKA", Filesystem: anyMode, Block: none,
		Source: "https://docs.weka.io/appendices/weka-csi-plugin"},
}

// NoProvisioner is the provisioner of classes whose volumes somebody makes by
// hand.
const NoProvisioner = "kubernetes.io/no-provisioner"

// inTreePrefix begins the names of provisioners that are part of Kubernetes.
const inTreePrefix = "kubernetes.io/"

// An InTreePlugin was a volume plugin of Kubernetes itself.
type InTreePlugin struct {
	Provisioner string // as a StorageClass names it; empty where it never made volumes
	Field       string // of a pod's volume and a PersistentVolume's spec
	Title       string
	// CSI is the driver that Kubernetes hands its work to, since the minor
	// version in Migrated; the fields stay valid.
	CSI      string
	Migrated string
	// Removed is the minor version that no longer has it, without a
	// replacement.
	Removed string
}

// inTreePlugins are those that the changelogs and feature gates of Kubernetes
// 1.22 to 1.37 moved or removed
// (https://kubernetes.io/docs/concepts/storage/volumes/, pkg/volume).
var inTreePlugins = []InTreePlugin{
	{Provisioner: "kubernetes.io/aws-ebs", Field: "awsElasticBlockStore", Title: "Amazon EBS", CSI: "ebs.csi.aws.com", Migrated: "1.23"},
	{Provisioner: "kubernetes.io/gce-pd", Field: "gcePersistentDisk", Title: "Google Compute Engine persistent disk", CSI: "pd.csi.storage.gke.io", Migrated: "1.23"},
	{Provisioner: "kubernetes.io/azure-disk", Field: "azureDisk", Title: "Azure disk", CSI: "disk.csi.azure.com", Migrated: "1.23"},
	{Provisioner: "kubernetes.io/azure-file", Field: "azureFile", Title: "Azure Files", CSI: "file.csi.azure.com", Migrated: "1.24"},
	{Provisioner: "kubernetes.io/cinder", Field: "cinder", Title: "OpenStack Cinder", CSI: "cinder.csi.openstack.org", Migrated: "1.21"},
	{Provisioner: "kubernetes.io/vsphere-volume", Field: "vsphereVolume", Title: "VMware vSphere", CSI: "csi.vsphere.vmware.com", Migrated: "1.25"},
	{Provisioner: "kubernetes.io/portworx-volume", Field: "portworxVolume", Title: "Portworx", CSI: "pxd.portworx.com", Migrated: "1.31"},
	{Provisioner: "kubernetes.io/scaleio", Field: "scaleIO", Title: "ScaleIO", Removed: "1.22"},
	{Provisioner: "kubernetes.io/storageos", Field: "storageos", Title: "StorageOS", Removed: "1.25"},
	{Provisioner: "kubernetes.io/quobyte", Field: "quobyte", Title: "Quobyte", Removed: "1.25"},
	{Provisioner: "kubernetes.io/flocker", Field: "flocker", Title: "Flocker", Removed: "1.25"},
	{Provisioner: "kubernetes.io/photon-pd", Field: "photonPersistentDisk", Title: "Photon persistent disk", Removed: "1.22"},
	{Provisioner: "kubernetes.io/glusterfs", Field: "glusterfs", Title: "GlusterFS", Removed: "1.26"},
	{Provisioner: "kubernetes.io/rbd", Field: "rbd", Title: "Ceph RBD", Removed: "1.31"},
	{Field: "cephfs", Title: "CephFS", Removed: "1.31"},
	// The plugin is still compiled in; the feature gate GitRepoVolumeDriver
	// switches it off since 1.33 and is locked since 1.36.
	{Field: "gitRepo", Title: "git repository", Removed: "1.33"},
}

// ProvisionerOf finds what is known about a provisioner. A plugin of
// Kubernetes itself that was handed to a CSI driver is that driver.
func ProvisionerOf(name string) (Provisioner, bool) {
	if plugin, ok := InTreeProvisioner(name); ok && plugin.CSI != "" {
		name = plugin.CSI
	}
	for _, p := range provisioners {
		suffix, any := strings.CutPrefix(p.Name, "*")
		if p.Name == name || (any && strings.HasSuffix(name, suffix)) {
			return p, true
		}
	}
	return Provisioner{}, false
}

// InTreeProvisioner finds a provisioner that was once part of Kubernetes.
func InTreeProvisioner(name string) (InTreePlugin, bool) {
	for _, p := range inTreePlugins {
		if p.Provisioner != "" && p.Provisioner == name {
			return p, true
		}
	}
	return InTreePlugin{}, false
}

// InTreePlugins are the volume plugins that Kubernetes once had.
func InTreePlugins() []InTreePlugin { return inTreePlugins }

// BuiltInProvisioner reports whether a name is reserved for provisioners of
// Kubernetes itself. It has none any more but the one for volumes of its
// node's disk, which needs a flag of kube-controller-manager: the volume
// controller reports any other such name as an error.
func BuiltInProvisioner(name string) bool { return strings.HasPrefix(name, inTreePrefix) }

// HostPathProvisioner works where kube-controller-manager runs with
// --enable-hostpath-provisioner.
const HostPathProvisioner = "kubernetes.io/host-path"

// classNames are the names under which distributions install their classes,
// where one name means one provisioner wherever it is met.
var classNames = map[string]string{
	"gp2":                            "ebs.csi.aws.com",
	"gp3":                            "ebs.csi.aws.com",
	"gp2-csi":                        "ebs.csi.aws.com",
	"gp3-csi":                        "ebs.csi.aws.com",
	"ebs-sc":                         "ebs.csi.aws.com",
	"efs-sc":                         "efs.csi.aws.com",
	"standard-rwo":                   "pd.csi.storage.gke.io",
	"premium-rwo":                    "pd.csi.storage.gke.io",
	"standard-rwx":                   "filestore.csi.storage.gke.io",
	"premium-rwx":                    "filestore.csi.storage.gke.io",
	"enterprise-rwx":                 "filestore.csi.storage.gke.io",
	"zonal-rwx":                      "filestore.csi.storage.gke.io",
	"managed":                        "disk.csi.azure.com",
	"managed-premium":                "disk.csi.azure.com",
	"managed-csi":                    "disk.csi.azure.com",
	"managed-csi-premium":            "disk.csi.azure.com",
	"azurefile":                      "file.csi.azure.com",
	"azurefile-premium":              "file.csi.azure.com",
	"azurefile-csi":                  "file.csi.azure.com",
	"azurefile-csi-premium":          "file.csi.azure.com",
	"local-path":                     "rancher.io/local-path",
	"do-block-storage":               "dobs.csi.digitalocean.com",
	"do-block-storage-retain":        "dobs.csi.digitalocean.com",
	"hcloud-volumes":                 "csi.hetzner.cloud",
	"linode-block-storage":           "linodebs.csi.linode.com",
	"linode-block-storage-retain":    "linodebs.csi.linode.com",
	"vultr-block-storage":            "block.csi.vultr.com",
	"oci-bv":                         "blockvolume.csi.oraclecloud.com",
	"rook-ceph-block":                "rook-ceph.rbd.csi.ceph.com",
	"rook-cephfs":                    "rook-ceph.cephfs.csi.ceph.com",
	"ocs-storagecluster-ceph-rbd":    "openshift-storage.rbd.csi.ceph.com",
	"ocs-storagecluster-cephfs":      "openshift-storage.cephfs.csi.ceph.com",
	"longhorn":                       "driver.longhorn.io",
	"microk8s-hostpath":              "microk8s.io/hostpath",
	"openebs-hostpath":               "openebs.io/local",
	"nfs-client":                     "cluster.local/nfs-subdir-external-provisioner",
	"ibmc-vpc-block-10iops-tier":     "vpc.block.csi.ibm.io",
	"ibmc-vpc-block-5iops-tier":      "vpc.block.csi.ibm.io",
	"ibmc-vpc-block-general-purpose": "vpc.block.csi.ibm.io",
}

// ProvisionerOfClassName guesses a provisioner from the name of a class that
// nobody describes: distributions install theirs under the same names
// everywhere. It is a guess, because anybody may use the name for another.
func ProvisionerOfClassName(class string) (Provisioner, bool) {
	name, ok := classNames[class]
	if !ok {
		return Provisioner{}, false
	}
	return ProvisionerOf(name)
}
