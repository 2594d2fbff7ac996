package quota

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var trialsExceedQuota = &checks.Check{
	ID:       "quota/trials-exceed-quota",
	Severity: checks.Warning,
	Doc: `trials of an Experiment need more than the quota allows

Katib starts parallelTrialCount trials at once (3 where nothing is said). Where
they need more than the quota has room for beside what stays in the namespace,
trials wait, and with them the Experiment; where not even one fits, it never
begins (error). Counted are all pods of a trial, its sidecar and the metrics
collector, and the suggestion.

A trial of a Job is its pods, one of a training job all of its roles.`,
	Fix:   "Lower parallelTrialCount to what fits, or raise the quota.",
	Refs:  []string{"kubeflow/website#139", "https://www.kubeflow.org/docs/components/katib/user-guides/hp-tuning/configure-experiment/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		all := peopled(pass)
		byName := map[string]*space{}
		for _, s := range all {
			byName[s.name] = s
		}
		if len(all) == 0 {
			return
		}
		trials, _ := kubeflow.Trials(pass.Render, func(ns string) bool { return byName[ns] != nil })
		for _, t := range trials {
			s := byName[t.Experiment.Key.Namespace]
			for _, h := range s.quotas {
				trial(pass, s, h, t)
			}
		}
	},
}

func trial(pass *checks.Pass, s *space, h *hard, t *kubeflow.Trial) {
	opts := options(pass)
	used := total(ledger(pass, s, h))
	for _, p := range s.pods {
		if p.Owner == t.Experiment { // the suggestion
			used = quota.Add(used, h.charges(p, opts))
		}
	}
	each := corev1.ResourceList{}
	var biggest *pod
	for _, l := range t.Loads {
		p := s.complete(pass, l)
		usage := h.charges(p, opts)
		if usage == nil {
			return // refused, or another quota's
		}
		each = quota.Add(each, quota.Times(usage, int64(max(l.Least, 1))))
		if biggest == nil {
			biggest = p
		}
	}
	already := quota.Exceeded(used, h.Hard)
	over := func(n int64) []corev1.ResourceName {
		return slices.DeleteFunc(quota.Exceeded(quota.Add(used, quota.Times(each, n)), h.Hard), func(name corev1.ResourceName) bool {
			q := each[name]
			return q.IsZero() || slices.Contains(already, name)
		})
	}
	describe := func(n int64, name corev1.ResourceName) string {
		need, most, now := quota.Times(each, n)[name], h.Hard[name], used[name]
		return fmt.Sprintf("%s %s beside the %s in use, %s allows %s (%s)", &need, bare(name), &now, h.name, &most, name)
	}
	if names := over(1); len(names) > 0 {
		for _, name := range names {
			pass.Reportf(place(biggest, name), "one trial of %s needs %s", t.Experiment.Key, describe(1, name)).
				As(checks.Error).See(h.hardAt(name), "%s", h.name)
		}
		return
	}
	for _, name := range over(int64(t.Parallel)) {
		pass.Reportf(t.Experiment.At("spec", "parallelTrialCount"), "%d trials of %s at once need %s; %d fit",
			t.Parallel, t.Experiment.Key, describe(int64(t.Parallel), name), quota.Fits(each, used, h.Hard)).
			See(h.hardAt(name), "%s", h.name).See(place(biggest, name), "what a trial asks for")
		return
	}
}
