package backup

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var noBackup = &checks.Check{
	ID:       "backup/no-backup",
	Severity: checks.Info,
	Doc: `nothing in the render backs up the platform's data

The databases of Kubeflow Pipelines and Katib and the object store hold what
nobody else has: runs, experiments, artifacts. Where the render has no Velero
Schedule, no VolumeSnapshot, no schedule of k8up, VolSync or Stash and no CronJob
that dumps or mirrors, backups must come from elsewhere.

One finding for the platform with the list of what to back up. Upstream's releases
have none, so that they get it; silence it once backups are made outside.`,
	Fix:   "Back up the listed stores, or ignore this if something outside of these manifests does.",
	Refs:  []string{"https://velero.io/docs/main/backup-reference/", "https://kubernetes.io/docs/concepts/storage/volume-snapshots/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := stores(pass.Render)
		if len(list) == 0 {
			pass.NotApplicable()
			return
		}
		kinds := append([]inventory.GroupKind{schedules, backups}, namespaced...)
		for range pass.Render.Of(kinds...) {
			return
		}
		if len(dumps(pass.Render)) > 0 {
			return
		}
		var names []string
		for _, s := range list {
			names = append(names, s.title+" of "+s.owner.Key.String())
		}
		slices.Sort(names)
		f := pass.Reportf(list[0].place, "nothing in the render backs up %s", strings.Join(slices.Compact(names), ", "))
		for _, s := range list[1:] {
			f.See(s.place, "%s", s.title)
		}
	},
}
