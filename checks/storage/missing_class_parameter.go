package storage

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var missingClassParameter = &checks.Check{
	ID:       "storage/missing-class-parameter",
	Severity: checks.Error,
	Doc: `storage class lacks a parameter that its driver cannot do without

Amazon EFS needs provisioningMode and fileSystemId, FSx for Lustre subnetId,
NFS server and share, SMB source, Ceph clusterID and its pool or file system.
Without them every claim of the class stays Pending (` + "`Missing fileSystemId parameter`" + `).
The API server does not look: parameters are free text to it. Names count to
the letter. A value that is still a placeholder (` + "`<file-system-id>`" + `) is no
value.

Drivers that do without parameters, or are not in the table, are passed over.`,
	Fix: "Set the parameter on the storage class.",
	Refs: []string{
		"https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/docs/README.md#storage-class-parameters-for-dynamic-provisioning",
		"https://github.com/kubernetes-csi/csi-driver-nfs/blob/master/docs/driver-parameters.md",
		"awslabs/kubeflow-manifests#548",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for class := range volumes.StorageClasses.In(pass.Render) {
			p, ok := kubeflow.ProvisionerOf(class.Value.Provisioner)
			if !ok {
				continue
			}
			for _, name := range p.Parameters {
				value, set := class.Value.Parameters[name]
				value = strings.TrimSpace(value)
				switch {
				case !set:
					pass.Reportf(class.At("parameters", name), "%s lacks parameter %s, which %s (%s) needs", class.Key, name, p.Title, class.Value.Provisioner)
				case value == "" || placeholder(value):
					pass.Reportf(class.At("parameters", name), "%s has no value for parameter %s, which %s (%s) needs", class.Key, name, p.Title, class.Value.Provisioner)
				}
			}
		}
	},
}

// placeholder recognises what documentation puts where a value belongs.
func placeholder(value string) bool {
	return strings.HasPrefix(value, "<") && strings.HasSuffix(value, ">") ||
		strings.HasPrefix(value, "${") && strings.HasSuffix(value, "}")
}
