package storage

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var missingStorageClass = &checks.Check{
	ID:       "storage/missing-storage-class",
	Severity: checks.Error,
	Doc: `claim asks for a storage class that does not exist

The API server accepts the claim; it stays Pending (` + "`storageclass.storage.k8s.io \"x\" not found`" + `),
and with it every pod that mounts it. Katib's database hung so when its claim
asked for a class named katib.

Looked at are PersistentVolumeClaims, volumeClaimTemplates and ephemeral
volumes of any kind, the volumes of the notebook form and the claims of Katib's
suggestions.

Without the cluster's storage classes in the configuration it is undecided, and
a warning where the render has a class with nearly that name. The empty name
asks for no class at all, and a class may be nothing but a name that claim and
PersistentVolume share: both are right, and judged by storage/claim-cannot-bind.`,
	Fix: "Name a class that the cluster has, or render it; list the cluster's classes under cluster.storageClasses.",
	Refs: []string{
		"kubeflow/katib#1499",
		"kubeflow/katib#1479",
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		classes := volumes.ClassesOf(pass.Render, pass.Cluster)
		claims := volumes.Claims(pass.Render)
		if len(claims) == 0 {
			pass.NotApplicable()
		}
		for _, c := range claims {
			name, asked := c.Class()
			if !asked || name == "" || !volumes.FilledIn(name) || c.Volume != nil || len(classes.VolumesOf(name)) > 0 {
				continue
			}
			switch _, answer := classes.Of(c); answer {
			case volumes.Missing:
				pass.Reportf(c.ClassAt(), "%s asks for storage class %s, which neither the render nor the cluster has%s", c.What, name, near.Hint(name, classes.Names()))
			case volumes.Unknown:
				if other := misspelt(name, classes.Names()); other != "" {
					class, _ := classes.Get(other)
					pass.Reportf(c.ClassAt(), "%s asks for storage class %s; the render has %s", c.What, name, other).
						As(checks.Warning).See(class.At("metadata", "name"), "the class of the render")
					continue
				}
				pass.Undecidedf(c.ClassAt(), "%s asks for storage class %s: the cluster's storage classes are not known", c.What, name)
			}
		}
	},
}

// misspelt finds the class that a name was meant for. Distributions bring
// classes whose names differ by a digit or an ending (gp2 beside a rendered
// gp3): those are no mistakes.
func misspelt(name string, names []string) string {
	if _, known := kubeflow.ProvisionerOfClassName(name); known {
		return ""
	}
	fold := strings.NewReplacer("-", "", "_", "", ".", "").Replace
	for _, other := range names {
		if fold(strings.ToLower(other)) == fold(strings.ToLower(name)) {
			return other
		}
	}
	for _, other := range near.Words(name, names) {
		withoutDigits := func(s string) string { return strings.Trim(s, "0123456789") }
		if len(name) > 3 && len(other)-len(name) <= 1 && len(name)-len(other) <= 1 && withoutDigits(name) != withoutDigits(other) {
			return other
		}
	}
	return ""
}
