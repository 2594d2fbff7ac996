package storage

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var noDefaultClass = &checks.Check{
	ID:       "storage/no-default-class",
	Severity: checks.Error,
	Doc: `claim without a class where no class is the default

A claim that names no storage class gets the default one. Where there is none
it stays Pending: ` + "`no persistent volumes available for this claim and no storage class is set`" + `.
This is how MySQL, MinIO and Katib's database hang on a new cluster.

Upstream's claims name no class; that is right wherever a default exists, so
that without the cluster's storage classes it is undecided, once for the render.
A claim that a rendered PersistentVolume without a class can serve needs no
default.`,
	Fix: "Mark one class as the default, or set storageClassName on the claim.",
	Refs: []string{
		"kubeflow/manifests#3258",
		"kubeflow/kubeflow#2076",
		"kubeflow/kubeflow#5295",
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		classes := volumes.ClassesOf(pass.Render, pass.Cluster)
		var open []*volumes.Claim
		claims := volumes.Claims(pass.Render)
		if len(claims) == 0 {
			pass.NotApplicable()
		}
		for _, c := range claims {
			if _, asked := c.Class(); asked || c.Spec.VolumeName != "" {
				continue
			}
			if _, ok := staticVolume(classes, c); ok {
				continue
			}
			switch _, answer := classes.Of(c); {
			case answer == volumes.NoDefault:
				f := pass.Reportf(c.ClassAt(), "%s names no storage class, and the cluster has no default one", c.What)
				if c.Optional {
					f.As(checks.Warning)
				}
			case answer == volumes.Unknown && len(classes.Defaults()) == 0 && c.Origin != volumes.Configured:
				open = append(open, c)
			}
		}
		if len(open) > 0 {
			others := ""
			if n := len(open) - 1; n > 0 {
				others = fmt.Sprintf(", as %d more do", n)
			}
			f := pass.Undecidedf(open[0].ClassAt(), "%s needs a default storage class%s: the cluster's storage classes are not known", open[0].What, others)
			for _, c := range open[1:] {
				f.See(c.ClassAt(), "%s names no class either", c.What)
			}
		}
	},
}
