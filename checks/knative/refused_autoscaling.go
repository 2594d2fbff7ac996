package knative

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var refusedAutoscaling = &checks.Check{
	ID:       "knative/refused-autoscaling",
	Severity: checks.Error,
	Doc: `autoscaling annotation that Knative's webhook refuses

The Knative Service is not admitted; of an InferenceService the controller is
refused when it makes one, so that it never becomes ready: "admission webhook
validation.webhook.serving.knative.dev denied the request". Bounds are whole
numbers from 0, max-scale not below min-scale unless it is 0; a window is 6s to
1h in whole seconds; target is at least 0.01, target-utilization-percentage 1 to
100; the metrics of the class kpa are concurrency and rps, cpu and memory need
the class hpa. On a Knative Service the annotations stand in
spec.template.metadata.annotations: on the Service itself they are refused.

The former names, minScale and the like, are as good. The limits of
config-autoscaler, where it sets any, count too. InferenceServices in
RawDeployment mode are not looked at: nothing reads the annotations there.`,
	Fix: "Give the annotation a value that Knative takes.",
	Refs: []string{
		"https://knative.dev/docs/serving/autoscaling/",
		"https://github.com/knative/serving/blob/main/pkg/apis/autoscaling/annotation_validation.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		limit, zero := 0, false
		if o := config(pass.Render, "config-autoscaler"); o != nil {
			limit, _ = strconv.Atoi(o.String("data", "max-scale-limit"))
			zero = strings.EqualFold(o.String("data", "allow-zero-initial-scale"), "true")
		}
		for _, a := range autoscaled(pass.Render) {
			if a.aside {
				names := make([]string, 0, len(a.set))
				for name := range a.set {
					names = append(names, name)
				}
				slices.Sort(names)
				pass.Reportf(a.at(names[0]), "%s carries %s itself: it must stand in spec.template.metadata.annotations", a.owner.Key, strings.Join(names, ", "))
				continue
			}
			refused(a, limit, zero, func(key, problem string) {
				pass.Reportf(a.at(key), "Knative refuses %s of %s: %s", key, a.owner.Key, problem)
			})
			replicas(pass, a)
		}
	},
}

// refused tells what Knative's webhook would say of annotations.
func refused(a annotations, limit int, zeroInitial bool, report func(key, problem string)) {
	whole := func(name string, least int) (int, string, bool) {
		key, value, ok := a.get(name)
		if !ok {
			return 0, "", false
		}
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			report(key, fmt.Sprintf("%q is no whole number", value))
			return 0, key, false
		}
		if int(n) < least {
			report(key, fmt.Sprintf("%d is below %d", n, least))
			return 0, key, false
		}
		return int(n), key, true
	}
	low, _, _ := whole("min-scale", 0)
	high, highKey, hasHigh := whole("max-scale", 0)
	if hasHigh && high != 0 && high < low {
		report(highKey, fmt.Sprintf("max-scale %d is below min-scale %d", high, low))
	}
	if hasHigh && limit > 0 && (high > limit || high == 0) {
		report(highKey, fmt.Sprintf("%d is not between 1 and the max-scale-limit of config-autoscaler, %d", high, limit))
	}
	if n, key, ok := whole("activation-scale", 2); ok && (n < low || high != 0 && n > high) {
		report(key, fmt.Sprintf("%d is not between min-scale and max-scale", n))
	}
	least := 1
	if zeroInitial {
		least = 0
	}
	whole("initial-scale", least)
	number := func(name string, from, to float64) {
		key, value, ok := a.get(name)
		if !ok {
			return
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			report(key, fmt.Sprintf("%q is no number", value))
		} else if f < from || to > 0 && f > to {
			if to == 0 {
				report(key, fmt.Sprintf("%s is below %g", value, from))
			} else {
				report(key, fmt.Sprintf("%s is not between %g and %g", value, from, to))
			}
		}
	}
	number("target", 0.01, 0)
	number("target-utilization-percentage", 1, 100)
	number("panic-window-percentage", 1, 100)
	number("panic-threshold-percentage", 110, 1000)
	if key, value, ok := a.get("target-burst-capacity"); ok {
		if f, err := strconv.ParseFloat(value, 64); err != nil || f < 0 && f != -1 {
			report(key, fmt.Sprintf("%q is neither -1 nor a number from 0", value))
		}
	}
	span := func(name string, from time.Duration, seconds bool) {
		key, value, ok := a.get(name)
		if !ok {
			return
		}
		d, err := time.ParseDuration(value)
		switch {
		case err != nil:
			report(key, fmt.Sprintf("%q is no duration, as 60s is", value))
		case d < from || d > time.Hour:
			report(key, fmt.Sprintf("%s is not between %s and 1h", value, from))
		case seconds && d.Truncate(time.Second) != d:
			report(key, fmt.Sprintf("%s is not in whole seconds", value))
		}
	}
	span("window", 6*time.Second, true)
	span("scale-down-delay", 0, true)
	span("scale-to-zero-pod-retention-period", 0, false)
	class := "kpa." + strings.TrimSuffix(prefix, "/")
	if key, value, ok := a.get("class"); ok {
		if domain := strings.TrimSuffix(prefix, "/"); strings.HasSuffix(value, domain) && value != "kpa."+domain && value != "hpa."+domain {
			report(key, fmt.Sprintf("there is no class %s", value))
		}
		class = value
	}
	if key, value, ok := a.get("metric"); ok {
		switch {
		case strings.HasPrefix(class, "kpa.") && value != "concurrency" && value != "rps":
			report(key, fmt.Sprintf("the class %s knows the metrics concurrency and rps, not %q", class, value))
		case strings.HasPrefix(class, "hpa.") && value == "":
			report(key, "it is empty")
		}
	}
}

// replicas looks at the bounds that an InferenceService's components set beside
// annotations: KServe puts them into the annotations of its own accord.
func replicas(pass *checks.Pass, a annotations) {
	if a.owner.Key.GroupKind != inferenceKind || a.path[0] != "metadata" {
		return
	}
	_, text, ok := a.get("min-scale")
	low, err := strconv.Atoi(text)
	if !ok || err != nil {
		return
	}
	if high, ok := a.owner.Get("spec", "predictor", "maxReplicas").(int64); ok && high != 0 && int64(low) > high {
		if _, _, own := a.get("max-scale"); !own && a.owner.Get(inventory.Path{"spec", "predictor", "minReplicas"}) == nil {
			pass.Reportf(a.at(prefix+"min-scale"), "min-scale %d of %s is above its maxReplicas, %d", low, a.owner.Key, high)
		}
	}
}
