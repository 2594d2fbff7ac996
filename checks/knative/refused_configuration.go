package knative

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

// A limit says what a key of config-autoscaler must be.
type limit struct {
	kind     string // number, whole, span, bool or text
	from, to float64
	open     bool // from itself is too little
}

// autoscaler are the keys of config-autoscaler
// (knative/serving pkg/autoscaler/config).
var autoscaler = map[string]limit{
	"pod-autoscaler-class":                    {kind: "text"},
	"enable-scale-to-zero":                    {kind: "bool"},
	"allow-zero-initial-scale":                {kind: "bool"},
	"max-scale-up-rate":                       {kind: "number", from: 1, to: math.Inf(1), open: true},
	"max-scale-down-rate":                     {kind: "number", from: 1, to: math.Inf(1), open: true},
	"container-concurrency-target-percentage": {kind: "number", from: 0, to: 100, open: true},
	"container-concurrency-target-default":    {kind: "number", from: 0, to: math.Inf(1), open: true},
	"requests-per-second-target-default":      {kind: "number", from: 0.01, to: math.Inf(1)},
	"target-burst-capacity":                   {kind: "number", from: -1, to: math.Inf(1)},
	"panic-window-percentage":                 {kind: "number", from: 1, to: 100},
	"panic-threshold-percentage":              {kind: "number", from: math.Inf(-1), to: math.Inf(1)},
	"activator-capacity":                      {kind: "number", from: 1, to: math.Inf(1)},
	"initial-scale":                           {kind: "whole", from: 0, to: math.MaxInt32},
	"min-scale":                               {kind: "whole", from: 0, to: math.MaxInt32},
	"max-scale":                               {kind: "whole", from: 0, to: math.MaxInt32},
	"max-scale-limit":                         {kind: "whole", from: 0, to: math.MaxInt32},
	"stable-window":                           {kind: "span", from: 6, to: 3600},
	"scale-down-delay":                        {kind: "span", from: 0, to: math.Inf(1)},
	"scale-to-zero-grace-period":              {kind: "span", from: 0, to: math.Inf(1), open: true},
	"scale-to-zero-pod-retention-period":      {kind: "span", from: 0, to: math.Inf(1)},
}

var refusedConfiguration = &checks.Check{
	ID:       "knative/refused-configuration",
	Severity: checks.Error,
	Doc: `configuration of Knative that its webhook refuses

"admission webhook config.webhook.serving.knative.dev denied the request" or, on a
first installation where the webhook does not run yet, controllers that crash as
they start. Looked at are the numbers, durations and bounds of config-autoscaler.
A flag of config-features that is neither enabled, allowed nor disabled is taken
for its default: a warning.

A key of config-autoscaler that Knative does not know is a warning: it has no
effect. Everything below _example is an example and never read, which upstream
relies on: its ConfigMaps have little else.`,
	Fix:   "Give the key a value that Knative takes.",
	Refs:  []string{"https://github.com/knative/serving/blob/main/pkg/autoscaler/config/config.go", "https://knative.dev/docs/serving/configuration/feature-flags/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		if o := config(pass.Render, "config-autoscaler"); o != nil {
			for _, key := range keys(o) {
				rule, ok := autoscaler[key]
				if !ok {
					var names []string
					for name := range autoscaler {
						names = append(names, name)
					}
					if hint := near.Hint(key, sorted(names)); hint != "" {
						pass.Reportf(o.At("data", key), "%s has %s, which Knative does not know%s", o.Key, key, hint).As(checks.Warning)
					}
					continue
				}
				if problem := rule.problem(o.String("data", key)); problem != "" {
					pass.Reportf(o.At("data", key), "Knative refuses %s of %s: %s", key, o.Key, problem)
				}
			}
			scales(pass, o)
		}
		if o := config(pass.Render, "config-features"); o != nil {
			for _, key := range keys(o) {
				value := o.String("data", key)
				switch strings.ToLower(value) {
				case "enabled", "allowed", "disabled":
				default:
					if strings.HasPrefix(key, "kubernetes.podspec-") && key != "kubernetes.podspec-volumes-mount-propagation" {
						// Knative reads any other word as the default.
						pass.Reportf(o.At("data", key), "%s has %s: %q, which is neither enabled, allowed nor disabled: it is taken for the default", o.Key, key, value).As(checks.Warning)
					}
				}
			}
		}
	},
}

func (l limit) problem(text string) string {
	text = strings.TrimSpace(text)
	var n float64
	switch l.kind {
	case "text", "bool": // any other word is false
		return ""
	case "whole":
		i, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Sprintf("%q is no whole number", text)
		}
		n = float64(i)
	case "number":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Sprintf("%q is no number", text)
		}
		n = f
	case "span":
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Sprintf("%q is no duration, as 60s is", text)
		}
		n = d.Seconds()
	}
	switch {
	case n < l.from || l.open && n == l.from:
		return fmt.Sprintf("%s is too little", text)
	case n > l.to:
		return fmt.Sprintf("%s is too much", text)
	}
	return ""
}

// scales looks at the bounds of config-autoscaler that depend on each other.
func scales(pass *checks.Pass, o *inventory.Object) {
	if o.String("data", "initial-scale") == "0" && !strings.EqualFold(o.String("data", "allow-zero-initial-scale"), "true") {
		pass.Reportf(o.At("data", "initial-scale"), "Knative refuses initial-scale of %s: 0 needs allow-zero-initial-scale", o.Key)
	}
	most, _ := strconv.Atoi(o.String("data", "max-scale-limit"))
	high, _ := strconv.Atoi(o.String("data", "max-scale"))
	if most > 0 && (high < 1 || high > most) {
		pass.Reportf(o.At("data", "max-scale-limit"), "Knative refuses %s: with a max-scale-limit of %d max-scale must be between 1 and that, not %d", o.Key, most, high)
	}
}
