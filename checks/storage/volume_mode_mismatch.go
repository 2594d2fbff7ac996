package storage

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var volumeModeMismatch = &checks.Check{
	ID:       "storage/volume-mode-mismatch",
	Severity: checks.Error,
	Doc: `container uses a volume in another mode than its claim's

A claim with volumeMode Block gives a device, which a container takes through
volumeDevices; any other claim gives a directory, taken through volumeMounts.
The API server does not compare the two. The kubelet does, and the pod stays in
ContainerCreating: ` + "`volume x has volumeMode Block, but is specified in volumeMounts`" + `.`,
	Fix: "Take block claims through volumeDevices and others through volumeMounts.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#raw-block-volume-support",
		"https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		claims := volumes.Claims(pass.Render)
		if len(claims) == 0 {
			pass.NotApplicable()
		}
		for pod := range kubeflow.Pods(pass.Render) {
			for _, m := range mountedClaims(pass.Render, claims, pod) {
				if m.claim == nil {
					continue
				}
				block := m.claim.Mode() == corev1.PersistentVolumeBlock
				for place, container := range pod.Containers() {
					for i, mount := range container.VolumeMounts {
						if mount.Name == m.volume && block {
							pass.Reportf(place.At("volumeMounts", i, "name"), "container %s of %s mounts volume %s as a directory; %s has volumeMode Block", container.Name, pod.Owner.Key, m.volume, m.claim.What).
								See(m.claim.At("spec", "volumeMode"), "the claim's mode")
						}
					}
					for i, device := range container.VolumeDevices {
						if device.Name == m.volume && !block {
							pass.Reportf(place.At("volumeDevices", i, "name"), "container %s of %s takes volume %s as a device; %s has volumeMode Filesystem", container.Name, pod.Owner.Key, m.volume, m.claim.What).
								See(m.claim.At("spec", "volumeMode"), "the claim's mode")
						}
					}
				}
			}
		}
	},
}
