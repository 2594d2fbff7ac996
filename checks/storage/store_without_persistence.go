package storage

import (
	"iter"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var storeWithoutPersistence = &checks.Check{
	ID:       "storage/store-without-persistence",
	Severity: checks.Warning,
	Doc: `database or object store loses its data with its pod

MySQL, PostgreSQL, MinIO and SeaweedFS hold the runs, experiments, artifacts and
models of the platform. Data on an emptyDir, or in the container itself because
no volume is mounted where the store writes, are gone when the pod is replaced;
on a hostPath, of the pod or of a PersistentVolume without node affinity, they
stay behind when the pod moves to another node.

Where a store writes is read from its arguments and environment, else it is the
image's default. Containers that run a command of their own are taken for
clients and passed over, as are jobs.`,
	Fix: "Mount a PersistentVolumeClaim where the store keeps its data.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
		"kubeflow/pipelines#11965",
		"kubeflow/katib#1415",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		claims := volumes.Claims(v)
		for s := range stores(v) {
			if claim := claimOfStore(v, claims, s); claim != nil && !oneNode(pass) {
				volume, ok := staticVolume(classes, claim)
				if ok && volume.Value.Spec.HostPath != nil && volume.Value.Spec.NodeAffinity == nil {
					pass.Reportf(volume.At("spec", "hostPath"), "%s of %s keeps its data on %s, the disk of whichever node it runs on", s.store.Title, s.pod.Owner.Key, volume.Key).
						See(claim.At("spec"), "the claim that binds to it")
				}
			}
			if s.mount == nil {
				pass.Reportf(s.at.At("volumeMounts"), "%s of %s keeps its data in the container: nothing is mounted at %s", s.store.Title, s.pod.Owner.Key, s.store.Dir)
				continue
			}
			if s.volume == nil {
				continue
			}
			at := s.pod.At("spec", "volumes", s.index)
			switch {
			case s.volume.EmptyDir != nil:
				pass.Reportf(at.At("emptyDir"), "%s of %s keeps its data on an emptyDir: they are lost with the pod", s.store.Title, s.pod.Owner.Key).
					See(s.mountAt(), "mounted where it writes")
			case s.volume.HostPath != nil:
				pass.Reportf(at.At("hostPath"), "%s of %s keeps its data on the disk of whichever node it runs on", s.store.Title, s.pod.Owner.Key).
					See(s.mountAt(), "mounted where it writes")
			}
		}
	},
}

// A stored is a store's container with the volume that holds its data.
type stored struct {
	pod       *kubeflow.Pod
	container *corev1.Container
	store     kubeflow.Store
	at        inventory.Place // the container
	mount     *corev1.VolumeMount
	mountNo   int
	volume    *corev1.Volume // nil where a claim template makes it
	index     int            // of the volume
}

func (s *stored) mountAt() inventory.Place { return s.at.At("volumeMounts", s.mountNo) }

// stores yields the databases and object stores of the render.
func stores(v *inventory.View) iter.Seq[*stored] {
	return func(yield func(*stored) bool) {
		for pod := range kubeflow.Pods(v) {
			switch pod.Owner.Key.Kind {
			case "Deployment", "StatefulSet", "ReplicaSet", "Pod", "DaemonSet":
			default:
				continue
			}
			templates := volumes.TemplateNames(pod.Owner)
			for i := range pod.Spec.Containers {
				c := &pod.Spec.Containers[i]
				store, ok := kubeflow.StoreOf(c)
				if !ok {
					continue
				}
				s := &stored{pod: pod, container: c, store: store, at: pod.ContainerAt("containers", i), mount: mountFor(c, store.Dir)}
				if s.mount != nil {
					s.mountNo = slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == s.mount.MountPath })
					if !slices.Contains(templates, s.mount.Name) {
						s.index = slices.IndexFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool { return volume.Name == s.mount.Name })
						if s.index >= 0 {
							s.volume = &pod.Spec.Volumes[s.index]
						}
					}
				}
				if !yield(s) {
					return
				}
			}
		}
	}
}

// mountFor finds the mount that holds a folder: the deepest one.
func mountFor(c *corev1.Container, dir string) *corev1.VolumeMount {
	var best *corev1.VolumeMount
	for i := range c.VolumeMounts {
		mount := &c.VolumeMounts[i]
		at := strings.TrimSuffix(mount.MountPath, "/")
		if (dir == at || strings.HasPrefix(dir, at+"/")) && (best == nil || len(mount.MountPath) > len(best.MountPath)) {
			best = mount
		}
	}
	return best
}

// claimOfStore finds the claim behind a store's data.
func claimOfStore(v *inventory.View, claims []*volumes.Claim, s *stored) *volumes.Claim {
	if s.mount == nil {
		return nil
	}
	for _, m := range mountedClaims(v, claims, s.pod) {
		if m.volume == s.mount.Name {
			return m.claim
		}
	}
	return nil
}
