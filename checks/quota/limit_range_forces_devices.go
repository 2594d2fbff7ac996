package quota

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var limitRangeForcesDevices = &checks.Check{
	ID:       "quota/limit-range-forces-devices",
	Severity: checks.Error,
	Doc: `limit range forces devices on every container

A bound of a LimitRange is also a default: the maximum becomes the limit and the
request of every container that states none, the minimum its request. With
nvidia.com/gpu that gives each container of each pod a device, sidecars and init
containers included, and pods wait for nodes that are not there. A minimum
without a default or maximum is worse: it sets a request without the limit that
devices must have, and every pod is refused. A bound of type Pod refuses every
pod that asks for no device.

A maximum beside a default of zero limits devices and forces none. To limit how
many a namespace takes, a quota on requests.nvidia.com/gpu is the means.`,
	Fix:   "Limit devices by a ResourceQuota on requests.nvidia.com/gpu, or add a default of 0.",
	Refs:  []string{"canonical/bundle-kubeflow#599", "https://kubernetes.io/docs/concepts/policy/limit-range/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range spaces(pass) {
			for _, r := range s.ranges {
				for i, item := range r.spec.Limits {
					switch item.Type {
					case corev1.LimitTypeContainer:
						forced(pass, s, r, item)
					case corev1.LimitTypePod:
						for _, bound := range []struct {
							field string
							list  corev1.ResourceList
						}{{"min", item.Min}, {"max", item.Max}, {"maxLimitRequestRatio", item.MaxLimitRequestRatio}} {
							for _, name := range slices.Sorted(maps.Keys(bound.list)) {
								if device(name) {
									q := bound.list[name]
									pass.Reportf(r.At("spec", "limits", i, bound.field, string(name)),
										"%s has %s %s of %s for pods, which refuses every pod in namespace %s that asks for none", r.Key, bound.field, &q, name, s.name)
								}
							}
						}
					}
				}
			}
		}
	},
}

func device(name corev1.ResourceName) bool { return quota.IsExtended(name) || quota.IsHugePages(name) }

func forced(pass *checks.Pass, s *space, r *limits, item corev1.LimitRangeItem) {
	for _, name := range slices.Sorted(maps.Keys(item.DefaultRequest)) {
		if !device(name) {
			continue
		}
		request := item.DefaultRequest[name]
		_, limited := item.Default[name]
		switch {
		case !limited:
			pass.Reportf(boundAt(r, "defaultRequest", name), "%s gives every container in namespace %s a request of %s %s without the limit that it must have, so every pod that states none is refused", r.Key, s.name, &request, name)
		case request.Sign() > 0:
			pass.Reportf(boundAt(r, "default", name), "%s gives %s %s to every container in namespace %s that asks for none", r.Key, &request, name, s.name)
		}
	}
}
