package quota

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var suspiciousQuantity = &checks.Check{
	ID:       "quota/suspicious-quantity",
	Severity: checks.Warning,
	Doc: `quantity says something else than it seems to mean

The letters after a number are easily confused: m is a thousandth, M a million,
Mi some more than a million. memory: 100m is a tenth of a byte, memory: 512 is
512 bytes, cpu: 4Gi is four thousand million processors. The API server takes
them all (some with a warning), and then no pod fits, none is limited, or the
container is killed as it starts.

Reported are processors with a suffix of bytes or beyond what a node has,
memory and storage below one mebibyte, and counts with a suffix of bytes: in
quotas, limit ranges, claims and containers. Zero is a value like any other.`,
	Fix:   "Write processors as 500m or 4, memory and storage as 512Mi or 20Gi.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#meaning-of-memory", "https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, w := range writtenQuotas(pass.Render) {
			suspectAll(pass, w.at("hard"), w.object.Map(w.spec.Join("hard")), w.name, 100_000)
		}
		for o := range pass.Render.Of(rangeKind) {
			for i := range o.List("spec", "limits") {
				for _, field := range []string{"max", "min", "default", "defaultRequest"} {
					suspectAll(pass, o.At("spec", "limits", i, field), o.Map("spec", "limits", i, field), o.Key.String(), 100_000)
				}
			}
		}
		for o := range pass.Render.Of(claimKind) {
			suspectAll(pass, o.At("spec", "resources", "requests"), o.Map("spec", "resources", "requests"), o.Key.String(), 0)
		}
		for pod := range kubeflow.Pods(pass.Render) {
			if pod.Owner.Made != nil {
				continue
			}
			for at := range pod.Containers() {
				for _, field := range []string{"requests", "limits"} {
					place := at.At("resources", field)
					value, _ := place.Value()
					m, _ := value.(map[string]any)
					suspectAll(pass, place, m, "container of "+pod.Owner.Key.String(), 512)
				}
			}
		}
	},
}

func suspectAll(pass *checks.Pass, at inventory.Place, list map[string]any, name string, processors int64) {
	for _, key := range slices.Sorted(maps.Keys(list)) {
		q, err := amount(list[key])
		if err != nil {
			continue
		}
		if why := suspect(corev1.ResourceName(key), q, processors); why != "" {
			pass.Reportf(at.At(key), "%s: %s %v is %s", name, key, list[key], why)
		}
	}
}

// suspect says what a quantity really means, where that is surely not meant.
func suspect(name corev1.ResourceName, q resource.Quantity, processors int64) string {
	if q.Sign() <= 0 {
		return ""
	}
	field := corev1.ResourceName(bare(name))
	bytes := field == corev1.ResourceMemory || field == corev1.ResourceEphemeralStorage || strings.HasSuffix(string(field), "storage") || quota.IsHugePages(field)
	switch {
	case field == corev1.ResourceCPU && (q.Format == resource.BinarySI || q.CmpInt64(processors) > 0):
		return fmt.Sprintf("%d processors", q.Value())
	case bytes && q.CmpInt64(1) < 0:
		return "less than one byte: m is a thousandth"
	case bytes && q.CmpInt64(1<<20) < 0:
		return fmt.Sprintf("%d bytes", q.Value())
	case !bytes && field != corev1.ResourceCPU && q.Format == resource.BinarySI:
		return fmt.Sprintf("%d pieces", q.Value())
	}
	return ""
}
