package storage

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var severalDefaultClasses = &checks.Check{
	ID:       "storage/several-default-classes",
	Severity: checks.Warning,
	Doc: `more than one storage class is the default

Claims without a class then get the default that was created last: which one
depends on the order of installation, and may differ between clusters. Before
Kubernetes 1.26 the API server refused such claims.

Counted are the classes of the render and those of the cluster that the
configuration lists.`,
	Fix: "Keep the annotation storageclass.kubernetes.io/is-default-class on one class and set it to \"false\" on the others.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/administer-cluster/change-default-storage-class/",
		"https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var names []string
		var rendered []*volumes.Class
		for _, class := range volumes.ClassesOf(pass.Render, pass.Cluster).Defaults() {
			names = append(names, class.Name)
			if class.Object != nil {
				rendered = append(rendered, class)
			}
		}
		if len(names) < 2 || len(rendered) == 0 {
			return
		}
		last := rendered[len(rendered)-1]
		f := pass.Reportf(defaultAt(last), "%s are all default storage classes: a claim without a class gets the one created last", strings.Join(names, ", "))
		if target := minor(pass.Target.Kubernetes); target > 0 && target < 26 {
			f.As(checks.Error)
		}
		for _, class := range rendered[:len(rendered)-1] {
			f.See(defaultAt(class), "%s is a default too", class.Name)
		}
	},
}

// defaultAt is the annotation that makes a rendered class a default.
func defaultAt(class *volumes.Class) inventory.Place {
	if class.Value.Annotations[volumes.DefaultAnnotation] == "true" {
		return class.At("metadata", "annotations", volumes.DefaultAnnotation)
	}
	return class.At("metadata", "annotations", volumes.BetaDefaultAnnotation)
}
