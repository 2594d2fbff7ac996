package quota

import (
	"maps"
	"reflect"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var overruledQuota = &checks.Check{
	ID:       "quota/overruled-quota",
	Severity: checks.Warning,
	Doc: `quota is overruled by another one

The profile controller owns the ResourceQuota kf-resource-quota of a Profile
that has a resourceQuotaSpec: one that the manifests hold is written over at the
next turn, and written back at the next apply. Of several quotas in a namespace
all must hold, so that a higher value in one of them allows nothing (info).

Quotas with scopes are left out: they count different pods. A Profile without
resourceQuotaSpec leaves kf-resource-quota alone.`,
	Fix:   "Say it in one place: in the Profile's resourceQuotaSpec, or in a ResourceQuota of another name.",
	Refs:  []string{"https://github.com/kubeflow/kubeflow/blob/master/components/profile-controller/controllers/profile_controller.go", "https://kubernetes.io/docs/concepts/policy/resource-quotas/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := writtenQuotas(pass.Render)
		for _, w := range list {
			if w.ofProfile() || w.object.Key.Name != profileQuota {
				continue
			}
			for _, other := range list {
				if other.ofProfile() && other.namespace == w.namespace && !reflect.DeepEqual(other.object.Map(other.spec), w.object.Map("spec")) {
					pass.Reportf(w.at("hard"), "%s is written over by the profile controller, which makes it of %s", w.name, other.object.Key).
						See(other.at("hard"), "%s says otherwise", other.object.Key)
				}
			}
		}
		for _, s := range spaces(pass) {
			for i, a := range s.quotas {
				for _, b := range s.quotas[i+1:] {
					compare(pass, a, b)
				}
			}
		}
	},
}

// compare reports the names that two quotas of a namespace limit differently.
func compare(pass *checks.Pass, a, b *hard) {
	if quota.Scoped(&a.ResourceQuotaSpec) || quota.Scoped(&b.ResourceQuotaSpec) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(a.Hard)) {
		high, low := a, b
		x, y := a.Hard[name], b.Hard[name]
		if _, both := b.Hard[name]; !both || x.Cmp(y) == 0 {
			continue
		}
		if x.Cmp(y) < 0 {
			high, low = b, a
			x, y = y, x
		}
		pass.Reportf(high.hardAt(name), "%s allows %s of %s, but %s in the same namespace allows %s, and both must hold", high.name, &x, name, low.name, &y).
			As(checks.Info).See(low.hardAt(name), "%s allows %s", low.name, &y)
	}
}
