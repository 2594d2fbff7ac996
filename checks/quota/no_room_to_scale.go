package quota

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var noRoomToScale = &checks.Check{
	ID:       "quota/no-room-to-scale",
	Severity: checks.Warning,
	Doc: `quota leaves no room for the pods that may run at most

An autoscaler, a model server or a Job may run more pods than the quota has room
for beside what else stays in the namespace: under load it stops below its
maximum, and the pods that it wants are refused.

Counted is one at a time: several may share the room. A maximum that nothing
bounds (an InferenceService without maxReplicas) is left out.`,
	Fix:   "Raise the quota, or lower the maximum to what fits.",
	Refs:  []string{"https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/", "https://kubernetes.io/docs/concepts/policy/resource-quotas/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range peopled(pass) {
			for _, h := range s.quotas {
				used := total(ledger(pass, s, h))
				over := quota.Exceeded(used, h.Hard)
				for _, p := range s.pods {
					usage := h.charges(p, options(pass))
					if usage == nil || p.Scale.IsZero() || p.Most <= p.Least {
						continue
					}
					more, running := p.Most-p.Least, p.Least
					if p.Finite {
						more, running = p.Most, 0
					}
					for _, name := range quota.Exceeded(quota.Add(used, quota.Times(usage, int64(more))), h.Hard) {
						one, most := usage[name], h.Hard[name]
						if one.IsZero() || slices.Contains(over, name) {
							continue
						}
						fits := int64(running) + quota.Fits(usage, used, h.Hard)
						if p.Finite && fits < 1 {
							continue // not even one: quota/exceeded
						}
						pass.Reportf(p.Scale, "%s may run %d pods of %s %s, %s has room for %d (%s of %s)", p.Name, p.Most, &one, bare(name), h.name, fits, &most, name).
							See(h.hardAt(name), "%s allows %s", h.name, &most)
						break
					}
				}
			}
		}
	},
}
