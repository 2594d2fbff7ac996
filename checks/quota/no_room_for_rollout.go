package quota

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var noRoomForRollout = &checks.Check{
	ID:       "quota/no-room-for-rollout",
	Severity: checks.Warning,
	Doc: `quota leaves no room for a rolling update

A Deployment of few replicas starts a new pod before it ends an old one (25 % of
one replica are none that may be missing). Where the quota has no room for that
pod, the next change of the Deployment never begins: the old pods run on, the
new ReplicaSet reports FailedCreate.

Deployments with the strategy Recreate, or that may miss a pod, make room
themselves. StatefulSets end a pod before they start another.`,
	Fix:   "Leave room for one more pod in the quota, or set maxUnavailable to 1 or the strategy to Recreate.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable", "https://kubernetes.io/docs/concepts/policy/resource-quotas/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range peopled(pass) {
			for _, h := range s.quotas {
				rollouts(pass, s, h)
			}
		}
	},
}

// rollouts reports the Deployments whose update has no room: once for each name
// of the quota.
func rollouts(pass *checks.Pass, s *space, h *hard) {
	used := total(ledger(pass, s, h))
	over := quota.Exceeded(used, h.Hard)
	waiting := map[corev1.ResourceName][]*pod{}
	for _, p := range s.pods {
		usage := h.charges(p, options(pass))
		if usage == nil || !p.Stuck || p.Finite || p.Least == 0 {
			continue
		}
		for _, name := range quota.Exceeded(quota.Add(used, usage), h.Hard) {
			if one := usage[name]; !one.IsZero() && !slices.Contains(over, name) {
				waiting[name] = append(waiting[name], p)
				break
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		pods, most, now := waiting[name], h.Hard[name], used[name]
		var needs []string
		for _, p := range pods {
			one := p.usage[name]
			needs = append(needs, fmt.Sprintf("of %s needs %s %s", p.Name, &one, bare(name)))
		}
		f := pass.Reportf(h.hardAt(name), "a rolling update %s beside the %s in use, %s allows %s (%s)", words(needs), &now, h.name, &most, name)
		for i, p := range pods {
			if one := p.usage[name]; i < 3 {
				f.See(p.At("spec"), "a pod of %s needs %s", p.Name, &one)
			}
		}
	}
}
