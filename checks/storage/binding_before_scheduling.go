package storage

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var bindingBeforeScheduling = &checks.Check{
	ID:       "storage/binding-before-scheduling",
	Severity: checks.Error,
	Doc: `volume is bound before a node is chosen, or waits for one in vain

A StorageClass without volumeBindingMode binds at once (Immediate). Provisioners
of a node's own disk (local-path, OpenEBS local) refuse that, because they know
no node yet (` + "`configuration error, no node was specified`" + `): an error. Hand-made
local volumes may be bound on a node that cannot run the pod: a warning. Disks
of one zone may be made where no node has room: worth knowing where there are
several zones.

The other way round, a pod with nodeName never passes the scheduler, so that a
claim whose class waits for its first consumer (WaitForFirstConsumer) waits for
ever.`,
	Fix: "Set volumeBindingMode: WaitForFirstConsumer on the class, and choose nodes by nodeSelector.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode",
		"https://github.com/rancher/local-path-provisioner/blob/master/provisioner.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		for _, class := range classes.List {
			waits, known := class.WaitsForConsumer()
			if waits || !known {
				continue
			}
			at := class.At("volumeBindingMode")
			p, _ := kubeflow.ProvisionerOf(class.Provisioner)
			switch {
			case p.NeedsConsumer && p.Name == "rancher.io/local-path" && sharesLocalPath(v):
			case p.NeedsConsumer:
				pass.Reportf(at, "%s binds claims at once, and %s makes volumes only for a node that was chosen", class.Object.Key, p.Title)
			case class.Static() && hasLocalVolume(classes, class.Name):
				pass.Reportf(at, "%s binds claims at once to volumes of a node that their pods may not be able to run on", class.Object.Key).As(checks.Warning)
			case p.Zonal && class.Value.AllowedTopologies == nil:
				pass.Reportf(at, "%s binds claims at once: %s makes the volume in a zone that the pod may not fit in", class.Object.Key, p.Title).As(checks.Info)
			}
		}
		for pod := range kubeflow.Pods(v) {
			if pod.Spec.NodeName == "" {
				continue
			}
			for _, m := range mountedClaims(v, volumes.Claims(v), pod) {
				if m.claim == nil || m.claim.Spec.VolumeName != "" {
					continue
				}
				class, answer := classes.Of(m.claim)
				if answer != volumes.Found {
					continue
				}
				if waits, _ := class.WaitsForConsumer(); waits {
					pass.Reportf(pod.At("spec", "nodeName"), "%s bypasses the scheduler, and %s waits for it: class %s has WaitForFirstConsumer", pod.Owner.Key, m.claim.What, class.Name).
						See(class.At("volumeBindingMode"), "the class waits for the scheduler")
				}
			}
		}
	},
}

func hasLocalVolume(classes *volumes.Classes, name string) bool {
	for _, volume := range classes.VolumesOf(name) {
		if volume.Value.Spec.Local != nil {
			return true
		}
	}
	return false
}
