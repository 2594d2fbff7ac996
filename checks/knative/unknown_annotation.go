package knative

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

// known are the annotations of the autoscaler, without their prefix.
var known = []string{
	"class", "min-scale", "max-scale", "initial-scale", "activation-scale", "scale-down-delay", "metric", "metric-aggregation-algorithm",
	"target", "target-utilization-percentage", "target-burst-capacity", "window", "panic-window-percentage", "panic-threshold-percentage",
	"scale-to-zero-pod-retention-period",
	// Their former names.
	"minScale", "maxScale", "initialScale", "activationScale", "scaleDownDelay", "metricAggregationAlgorithm", "targetUtilizationPercentage", "targetBurstCapacity",
	"panicWindowPercentage", "panicThresholdPercentage", "scaleToZeroPodRetentionPeriod",
}

var unknownAnnotation = &checks.Check{
	ID:       "knative/unknown-annotation",
	Severity: checks.Warning,
	Doc: `autoscaling annotation that Knative does not know

It has no effect and nobody says so: a model that should keep a replica goes to
zero, or one that should not grow does. Names are written with hyphens,
min-scale; the former spelling, minScale, is known too. Only names that begin with
autoscaling.knative.dev/ are looked at; a custom autoscaler of another class may
know more, and objects that ask for one are left out.`,
	Fix:   "Write the annotation's name as Knative knows it.",
	Refs:  []string{"https://knative.dev/docs/serving/autoscaling/scale-bounds/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, a := range autoscaled(pass.Render) {
			if _, class, ok := a.get("class"); ok && !strings.HasPrefix(class, "kpa.") && !strings.HasPrefix(class, "hpa.") {
				continue
			}
			for key := range a.set {
				if name := strings.TrimPrefix(key, prefix); !slices.Contains(known, name) {
					pass.Reportf(a.at(key), "%s carries %s, which Knative does not know%s", a.owner.Key, key, near.Hint(name, known))
				}
			}
		}
	},
}
