package backup

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var backupMissesStore = &checks.Check{
	ID:       "backup/backup-misses-store",
	Severity: checks.Warning,
	Doc: `backup leaves out the namespace of a store or names none that exists

A Velero Schedule or Backup that lists a namespace which is misspelled backs up
nothing of it and still reports Completed; so does one that leaves out the volumes
by excludedResources. A VolumeSnapshot of a claim that does not exist stays
unready.

A namespace that the render does not hold is reported only where its name is near
that of one which it holds. A store counts as left out only where no Velero
Schedule or Backup of the render, no other means of its namespace and no CronJob
that dumps covers it.`,
	Fix:   "Include the namespaces of the databases and object stores, with their volumes.",
	Refs:  []string{"https://velero.io/docs/main/api-types/backup/", "https://velero.io/docs/main/resource-filtering/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		var plans []plan
		for o := range v.Of(schedules, backups) {
			p := plan{o, inventory.Path{"spec"}}
			if o.Key.GroupKind == schedules {
				p.path = inventory.Path{"spec", "template"}
			}
			plans = append(plans, p)
			p.misspelled(pass)
		}
		if len(plans) > 0 {
			uncovered(pass, plans)
		}
		snapshots := missingClaims(pass)
		if len(plans) == 0 && !snapshots {
			pass.NotApplicable()
		}
	},
}

// A plan is a Velero Schedule or Backup; path leads to the backup's spec.
type plan struct {
	*inventory.Object
	path inventory.Path
}

func (p plan) list(field string) []string {
	var words []string
	for _, item := range p.List(p.path.Join(field)) {
		if s, ok := item.(string); ok {
			words = append(words, s)
		}
	}
	return words
}

// misspelled reports namespaces that are nearly those of the render.
func (p plan) misspelled(pass *checks.Pass) {
	var names []string
	for ns := range pass.Render.LiveOf(namespaceKind) {
		names = append(names, ns.Key.Name)
	}
	for _, field := range []string{"includedNamespaces", "excludedNamespaces"} {
		for i, name := range p.list(field) {
			if strings.Contains(name, "*") || slices.Contains(names, name) || slices.Contains(pass.Cluster.Namespaces, name) {
				continue
			}
			if hint := near.Hint(name, names); hint != "" {
				pass.Reportf(p.At(p.path, field, i), "%s lists namespace %s, which is not rendered%s", p.Key, name, hint)
			}
		}
	}
}

// leavesOut says which field leaves a namespace's data out.
func (p plan) leavesOut(namespace string) (field string, out bool) {
	if included := p.list("includedNamespaces"); len(included) > 0 && !slices.Contains(included, "*") && !slices.Contains(included, namespace) {
		return "includedNamespaces", !globbed(included)
	}
	if slices.Contains(p.list("excludedNamespaces"), namespace) {
		return "excludedNamespaces", true
	}
	for _, resource := range p.list("excludedResources") {
		if slices.Contains([]string{"persistentvolumeclaims", "pvc", "persistentvolumes", "pv"}, resource) {
			return "excludedResources", true
		}
	}
	return "", false
}

func globbed(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "*") })
}

func uncovered(pass *checks.Pass, plans []plan) {
	covered := map[string]bool{}
	for o := range pass.Render.Of(namespaced...) {
		covered[o.Key.Namespace] = true
	}
	if len(dumps(pass.Render)) > 0 {
		return // which store they reach is not known
	}
	for _, s := range stores(pass.Render) {
		field, missed := "", !covered[s.namespace]
		for _, p := range plans {
			f, out := p.leavesOut(s.namespace)
			missed = missed && out
			if field == "" {
				field = f
			}
		}
		if !missed {
			continue
		}
		covered[s.namespace] = true // once for a namespace
		p := plans[0]
		pass.Reportf(p.At(p.path, field), "%s leaves out the volumes of namespace %s, where %s keeps the data of %s", p.Key, s.namespace, s.owner.Key, s.title).
			See(s.place, "the store")
	}
}

// missingClaims reports snapshots of claims that are not there.
func missingClaims(pass *checks.Pass) bool {
	found := false
	claimKind := inventory.GroupKind{Kind: "PersistentVolumeClaim"}
	for o := range pass.Render.Of(namespaced[0]) {
		found = true
		name := o.String("spec", "source", "persistentVolumeClaimName")
		if name == "" || pass.Render.Get(claimKind, o.Key.Namespace, name) != nil {
			continue
		}
		var names []string
		for c := range pass.Render.LiveOf(claimKind) {
			if c.Key.Namespace == o.Key.Namespace {
				names = append(names, c.Key.Name)
			}
		}
		if hint := near.Hint(name, names); hint != "" {
			pass.Reportf(o.At("spec", "source", "persistentVolumeClaimName"), "%s is of claim %s, which namespace %s does not have%s", o.Key, name, o.Key.Namespace, hint)
		}
	}
	return found
}
