package storage

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var volumeNotWritable = &checks.Check{
	ID:       "storage/volume-not-writable",
	Severity: checks.Warning,
	Doc: `container without root writes to a volume that belongs to root

A new volume belongs to root. A container that runs as another user can write
to it only if the pod sets fsGroup, whereupon the kubelet hands the volume to
that group; else it fails with permission denied. MinIO, SeaweedFS and MySQL did,
when upstream gave them runAsUser first and fsGroup later.

A warning, because some storage lets everybody write. Where that is known
(local-path, EFS access points, Azure Files), and for read-only mounts, shared
volumes, hostPath and NFS, where fsGroup is not applied, nothing is said. Nor is
it where an init container that may be root mounts the volume, presumably to
change its owner, or for notebooks, whose controller sets fsGroup. A container
that says nothing about its user runs as its image has it: passed over.`,
	Fix: "Set spec.securityContext.fsGroup of the pod to the container's group, with fsGroupChangePolicy OnRootMismatch.",
	Refs: []string{
		"kubeflow/manifests#3045",
		"kubeflow/manifests#3279",
		"https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		claims := volumes.Claims(v)
		if len(claims) == 0 {
			pass.NotApplicable()
		}
		for pod := range kubeflow.Pods(v) {
			if pod.Owner.Key.Kind == "Notebook" || (pod.Spec.SecurityContext != nil && pod.Spec.SecurityContext.FSGroup != nil) {
				continue
			}
			for _, m := range mountedClaims(v, claims, pod) {
				if m.claim == nil || !m.claim.Once() || m.claim.Mode() == corev1.PersistentVolumeBlock || (m.use != nil && m.use.ReadOnly) || openToAll(classes, m.claim) {
					continue
				}
				if at, who := writerWithoutRoot(pod, m.volume); who != "" {
					pass.Reportf(at, "%s, and %s, which it writes to, belongs to root: the pod sets no fsGroup", who, m.claim.What).
						See(pod.At("spec", "securityContext", "fsGroup"), "fsGroup is missing here").
						See(m.claim.At("spec"), "the claim")
				}
			}
		}
	},
}

// openToAll reports whether storage is known to let every user write, or to
// leave fsGroup aside.
func openToAll(classes *volumes.Classes, c *volumes.Claim) bool {
	if volume, ok := staticVolume(classes, c); ok {
		spec := volume.Value.Spec
		return spec.NFS != nil || spec.HostPath != nil || spec.AzureFile != nil
	}
	provider, known := classes.ProviderOf(c)
	return known && provider.OpenToAll
}

// writerWithoutRoot finds a container that writes to a volume and is not root,
// unless an init container may have prepared the volume.
func writerWithoutRoot(pod *kubeflow.Pod, volume string) (at inventory.Place, who string) {
	prepared := map[string]bool{}
	for i := range pod.Spec.InitContainers {
		prepared[pod.Spec.InitContainers[i].Name] = true
	}
	for _, mount := range volumes.MountsOf(pod, volume) {
		at, user, known := userOf(pod, mount)
		if prepared[mount.Container.Name] {
			if !known || user == "root" {
				return inventory.Place{}, ""
			}
			continue
		}
		if known && user != "root" && !mount.ReadOnly {
			return at, fmt.Sprintf("container %s of %s runs as %s", mount.Container.Name, pod.Owner.Key, user)
		}
	}
	return inventory.Place{}, ""
}

// userOf tells as whom a container runs, where the manifests say it.
func userOf(pod *kubeflow.Pod, mount volumes.Mount) (at inventory.Place, user string, known bool) {
	own, all := mount.Container.SecurityContext, pod.Spec.SecurityContext
	describe := func(uid int64) string {
		if uid == 0 {
			return "root"
		}
		return fmt.Sprintf("user %d", uid)
	}
	switch {
	case own != nil && own.RunAsUser != nil:
		return mount.Place.At("securityContext", "runAsUser"), describe(*own.RunAsUser), true
	case all != nil && all.RunAsUser != nil:
		return pod.At("spec", "securityContext", "runAsUser"), describe(*all.RunAsUser), true
	case own != nil && own.RunAsNonRoot != nil:
		return mount.Place.At("securityContext", "runAsNonRoot"), "another user than root", *own.RunAsNonRoot
	case all != nil && all.RunAsNonRoot != nil:
		return pod.At("spec", "securityContext", "runAsNonRoot"), "another user than root", *all.RunAsNonRoot
	}
	return inventory.Place{}, "", false
}
