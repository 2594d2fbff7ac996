package storage

import (
	"maps"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var invalidClassParameter = &checks.Check{
	ID:       "storage/invalid-class-parameter",
	Severity: checks.Error,
	Doc: `storage class asks for a type of disk that does not exist

The type of Amazon EBS and Google disks and the skuName of Azure disks are
among few values. With another the driver refuses every claim of the class,
which stays Pending; the API server does not look. Upper and lower case do not
count. Other parameters, and drivers that are not in the table, are passed over;
so are types that are not close to a known one, which may be new, as a warning.`,
	Fix: "Write one of the driver's types.",
	Refs: []string{
		"https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md",
		"https://github.com/kubernetes-sigs/azuredisk-csi-driver/blob/master/docs/driver-parameters.md",
		"https://cloud.google.com/kubernetes-engine/docs/how-to/persistent-volumes/gce-pd-csi-driver",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for class := range volumes.StorageClasses.In(pass.Render) {
			p, ok := kubeflow.ProvisionerOf(class.Value.Provisioner)
			if !ok || p.TypeParameter == "" {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(class.Value.Parameters)) {
				value := strings.ToLower(class.Value.Parameters[name])
				if !strings.EqualFold(name, p.TypeParameter) || slices.Contains(p.Types, value) || value == "" {
					continue
				}
				hint := near.Hint(value, p.Types)
				f := pass.Reportf(class.At("parameters", name), "%s asks for %s %s, which is none of %s's: %s%s", class.Key, name, class.Value.Parameters[name], p.Title, strings.Join(p.Types, ", "), hint)
				if hint == "" {
					f.As(checks.Warning)
				}
			}
		}
	},
}
