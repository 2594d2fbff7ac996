// Package backup checks whether the platform's data are backed up: whether
// anything does, and whether it reaches them.
package backup

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// Checks of the family.
var Checks = []*checks.Check{
	noBackup,
	backupMissesStore,
}

var (
	schedules     = inventory.GroupKind{Group: "velero.io", Kind: "Schedule"}
	backups       = inventory.GroupKind{Group: "velero.io", Kind: "Backup"}
	namespaceKind = inventory.GroupKind{Kind: "Namespace"}
	// namespaced back up data of their own namespace.
	namespaced = []inventory.GroupKind{
		{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshot"},
		{Group: "snapscheduler.backube", Kind: "SnapshotSchedule"},
		{Group: "k8up.io", Kind: "Schedule"}, {Group: "k8up.io", Kind: "Backup"},
		{Group: "volsync.backube", Kind: "ReplicationSource"},
		{Group: "stash.appscode.com", Kind: "BackupConfiguration"},
		{Group: "longhorn.io", Kind: "RecurringJob"},
	}
)

// A store is a container with data that nobody else has.
type store struct {
	title     string
	namespace string
	owner     *inventory.Object
	place     inventory.Place
}

// stores are the databases and object stores of the render.
func stores(v *inventory.View) []store {
	var found []store
	for pod := range kubeflow.Pods(v) {
		if pod.Owner.Made != nil || !slices.Contains([]string{"Deployment", "StatefulSet"}, pod.Owner.Key.Kind) {
			continue
		}
		for i := range pod.Spec.Containers {
			if s, ok := kubeflow.StoreOf(&pod.Spec.Containers[i]); ok {
				found = append(found, store{s.Title, pod.Namespace, pod.Owner, pod.Owner.At("metadata", "name")})
				break
			}
		}
	}
	return found
}

// dumps are the CronJobs that copy data, by what they run.
func dumps(v *inventory.View) []*kubeflow.Pod {
	var found []*kubeflow.Pod
	for pod := range kubeflow.Pods(v) {
		if pod.Owner.Key.Kind != "CronJob" {
			continue
		}
		words := []string{pod.Owner.Key.Name}
		for _, c := range pod.Containers() {
			words = append(words, c.Image)
			words = append(words, c.Command...)
			words = append(words, c.Args...)
		}
		for _, word := range []string{"backup", "dump", "mc mirror", "rclone", "restic", "xtrabackup", "snapshot"} {
			if strings.Contains(strings.Join(words, " "), word) {
				found = append(found, pod)
				break
			}
		}
	}
	return found
}
