package notebooks

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var conflictingPodDefaults = &checks.Check{
	ID:       "notebooks/conflicting-pod-defaults",
	Severity: checks.Error,
	Doc: `two PodDefaults set the same thing differently

The PodDefault webhook refuses a pod for which two PodDefaults of its namespace
give an environment variable, volume, mount (by volume name or by path),
toleration (by key), label or annotation that is not the same in both. Users see a
notebook that never gets its pod.

Two that select the same labels always meet, and so does one that selects a part
of the other's. Two with different labels meet where a user ticks both in the form,
which is a warning. Selectors with expressions are left out. PodDefaults that set
the same value, and those that no pod can have both, are right.`,
	Fix:   "Give both the same value, or selectors that no pod matches together.",
	Refs:  []string{"https://github.com/kubeflow/kubeflow/blob/v1.10.0/components/admission-webhook/main.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		all := slices.Collect(pass.Render.Of(podDefaultKind))
		for i, b := range all {
			for _, a := range all[:i] {
				if a.Key.Namespace != b.Key.Namespace {
					continue
				}
				always, may := meet(a, b)
				if !may {
					continue
				}
				for _, list := range []struct{ field, key string }{{"env", "name"}, {"volumes", "name"}, {"volumeMounts", "name"}, {"volumeMounts", "mountPath"}, {"tolerations", "key"}} {
					for j, y := range b.List("spec", list.field) {
						for k, x := range a.List("spec", list.field) {
							id, same := identity(x, y, list.key)
							if !same || reflect.DeepEqual(x, y) || list.key == "mountPath" && sameName(x, y) {
								continue
							}
							refuse(pass, b.At("spec", list.field, j), a.At("spec", list.field, k), a, b, list.field+" "+id, always)
						}
					}
				}
				for _, field := range []string{"labels", "annotations"} {
					theirs := a.Map("spec", field)
					for _, key := range slices.Sorted(maps.Keys(b.Map("spec", field))) {
						if x, ok := theirs[key]; ok && !reflect.DeepEqual(x, b.Get("spec", field, key)) {
							refuse(pass, b.At("spec", field, key), a.At("spec", field, key), a, b, field+" "+key, always)
						}
					}
				}
			}
		}
	},
}

func refuse(pass *checks.Pass, at, other inventory.Place, a, b *inventory.Object, what string, always bool) {
	f := pass.Reportf(at, "pods that %s and %s both select are refused: they set %s differently", b.Key, a.Key, what).See(other, "the other one")
	if !always {
		f.As(checks.Warning)
	}
}

// meet reports whether every pod that one of two selects is one of the other's
// too, and whether any can be.
func meet(a, b *inventory.Object) (always, may bool) {
	if len(a.List("spec", "selector", "matchExpressions")) > 0 || len(b.List("spec", "selector", "matchExpressions")) > 0 {
		return false, false
	}
	x, y := a.Map("spec", "selector", "matchLabels"), b.Map("spec", "selector", "matchLabels")
	both := 0
	for key, value := range x {
		if other, ok := y[key]; ok {
			if other != value {
				return false, false
			}
			both++
		}
	}
	return both == len(x) || both == len(y), true
}

func identity(x, y any, key string) (string, bool) {
	a, _ := x.(map[string]any)
	b, _ := y.(map[string]any)
	if a[key] == nil || a[key] != b[key] {
		return "", false
	}
	return fmt.Sprint(a[key]), true
}

func sameName(x, y any) bool {
	_, same := identity(x, y, "name")
	return same
}
