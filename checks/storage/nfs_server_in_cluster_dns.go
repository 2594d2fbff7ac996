package storage

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var nfsServerInClusterDNS = &checks.Check{
	ID:       "storage/nfs-server-in-cluster-dns",
	Severity: checks.Warning,
	Doc: `node is to mount NFS from a name that only pods can resolve

The kubelet mounts nfs volumes on the node, whose resolver does not know the
cluster's DNS: a server such as nfs.storage.svc.cluster.local fails with
` + "`Failed to resolve server`" + `. It works on GKE, hence a warning. The NFS CSI driver
mounts from a pod that uses the cluster's DNS, and is right.`,
	Fix: "Give the Service a fixed clusterIP and write that, or use the driver nfs.csi.k8s.io.",
	Refs: []string{
		"kubernetes/minikube#3417",
		"kubernetes/examples#390",
		"rook/rook#5112",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		domain, _ := pass.Cluster.Domain()
		inCluster := func(server string) bool {
			return strings.HasSuffix(server, ".svc") || strings.HasSuffix(strings.TrimSuffix(server, "."), ".svc."+domain)
		}
		report := func(at inventory.Place, what, server string) {
			pass.Reportf(at, "%s is mounted by the node from %s, a name of the cluster's DNS", what, server)
		}
		for volume := range volumes.PersistentVolumes.In(pass.Render) {
			if nfs := volume.Value.Spec.NFS; nfs != nil && inCluster(nfs.Server) {
				report(volume.At("spec", "nfs", "server"), volume.Key.String(), nfs.Server)
			}
		}
		for pod := range kubeflow.Pods(pass.Render) {
			for i, volume := range pod.Spec.Volumes {
				if volume.NFS != nil && inCluster(volume.NFS.Server) {
					report(pod.At("spec", "volumes", i, "nfs", "server"), "volume "+volume.Name+" of "+pod.Owner.Key.String(), volume.NFS.Server)
				}
			}
		}
	},
}
