package storage

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var rolloutWaitsForVolume = &checks.Check{
	ID:       "storage/rollout-waits-for-volume",
	Severity: checks.Warning,
	Doc: `rolling update starts a new pod while the old one holds the volume

With one replica, a Deployment that rolls (the default strategy) starts the new
pod first and stops the old one when the new one is ready. On another node the
new pod cannot attach a ReadWriteOnce volume, and a database does not start
while the old one holds its files, so that the update never ends. The first
installation goes well; the next change of the image does not.

Upstream's MySQL, MinIO and Katib databases say Recreate, for this reason.
Rolling with maxUnavailable of one or maxSurge of none is right too. Shared file
systems and disks of one node are left out unless the container is a database
that locks its files.`,
	Fix: "Set spec.strategy.type to Recreate.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#recreate-deployment",
		"https://kubernetes.io/docs/tasks/run-application/run-single-instance-stateful-application/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		for o := range v.Of(deployments.GroupKind()) {
			deployment, ok := deployments.As(v, o)
			if !ok || !surges(deployment.Value) {
				continue
			}
			for pod := range kubeflow.PodsOf(v, o) {
				for _, use := range volumes.UsesOf(pod) {
					claim, ok := claimOf(v, use)
					if !ok || !claim.Once() {
						continue
					}
					held := !oneNode(pass) && enforced(classes, claim) && !together(pod)
					what, locked := lockedBy(pod, use.Volume.Name)
					if !held && !locked && !claim.OncePerPod() {
						continue
					}
					at := o.At("spec", "strategy")
					if o.Get("spec", "strategy", "type") != nil {
						at = at.At("type")
					}
					why := "which is " + string(claim.Spec.AccessModes[0])
					if locked {
						why += " and locked by " + what
					}
					pass.Reportf(at, "%s starts its new pod before the old one leaves %s, %s", o.Key, claim.What, why).
						See(use.Place, "where the pod mounts it").See(claim.At("spec", "accessModes"), "the access mode")
					break
				}
			}
		}
	},
}

var deployments = inventory.Kind[appsv1.Deployment]{Group: "apps", Name: "Deployment"}

// surges reports whether an update of a Deployment with one replica runs two
// pods at once and keeps the old one until the new one is ready.
func surges(d *appsv1.Deployment) bool {
	if d.Spec.Replicas != nil && *d.Spec.Replicas != 1 {
		return false
	}
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return false
	}
	surge, unavailable := 1, 0 // 25% of one, up and down
	if rolling := d.Spec.Strategy.RollingUpdate; rolling != nil {
		if rolling.MaxSurge != nil {
			surge, _ = intstr.GetScaledValueFromIntOrPercent(rolling.MaxSurge, 1, true)
		}
		if rolling.MaxUnavailable != nil {
			unavailable, _ = intstr.GetScaledValueFromIntOrPercent(rolling.MaxUnavailable, 1, false)
		}
	}
	// Neither more nor less cannot be: Kubernetes then takes one away.
	return surge > 0 && unavailable < 1
}

// lockedBy reports whether a database that locks its files keeps them on a
// volume.
func lockedBy(pod *kubeflow.Pod, volume string) (string, bool) {
	for _, c := range pod.Spec.Containers {
		store, ok := kubeflow.StoreOf(&c)
		if !ok || !store.OneWriter {
			continue
		}
		if mount := mountFor(&c, store.Dir); mount != nil && mount.Name == volume {
			return store.Title, true
		}
	}
	return "", false
}
