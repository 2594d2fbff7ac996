package katib

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var refusedExperiment = &checks.Check{
	ID:       "katib/refused-experiment",
	Severity: checks.Error,
	Doc: `experiment breaks a rule of Katib's webhook

Katib judges Experiments in a webhook of its own, whose rules the CRD does not
have: the objective and its type, positive numbers of trials, no more parallel
ones than there are in all, a feasible space that fits the type of each
parameter, a source that fits the metrics collector, conditions of success for
kinds that Katib does not know. kubectl apply ends in "admission webhook
validator.experiment.katib.kubeflow.org denied the request".

A feasible space whose minimum is above its maximum passes the webhook and fails
in the suggestion service; it is reported too. Defaults are set as Katib sets
them before it judges.`,
	Fix:   "Write the field as Katib wants it.",
	Refs:  []string{"https://github.com/kubeflow/katib/blob/master/pkg/webhook/v1beta1/experiment/validator/validator.go", "https://www.kubeflow.org/docs/components/katib/user-guides/hp-tuning/configure-experiment/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, o := range experiments(pass) {
			e := &judge{pass, o}
			e.counts()
			e.objective()
			e.parameters()
			e.template()
			e.collector()
		}
	},
}

// A judge holds the webhook's rules against one experiment.
type judge struct {
	pass *checks.Pass
	*inventory.Object
}

func (e *judge) refuse(path inventory.Path, format string, args ...any) {
	e.pass.Reportf(e.At(path), "%s is refused: %s", e.Key, fmt.Sprintf(format, args...))
}

func (e *judge) oneOf(path inventory.Path, values ...string) {
	if text := e.String(path); !slices.Contains(values, text) {
		e.refuse(path, "%s is %q, not one of %s%s", path, text, strings.Join(values, ", "), near.Hint(text, values))
	}
}

func (e *judge) counts() {
	number := func(name string) (int64, bool) {
		n, ok := e.Get("spec", name).(int64)
		return n, ok
	}
	most, hasMost := number("maxTrialCount")
	if hasMost && most <= 0 {
		e.refuse(inventory.Path{"spec", "maxTrialCount"}, "maxTrialCount is %d and must be above 0", most)
	}
	parallel, hasParallel := number("parallelTrialCount")
	if hasParallel && parallel <= 0 {
		e.refuse(inventory.Path{"spec", "parallelTrialCount"}, "parallelTrialCount is %d and must be above 0", parallel)
	}
	if !hasParallel {
		parallel = 3 // the default
	}
	if hasMost && most > 0 && parallel > most {
		e.refuse(inventory.Path{"spec", "parallelTrialCount"}, "parallelTrialCount is %d, above the %d of maxTrialCount", parallel, most)
	}
	if failed, ok := number("maxFailedTrialCount"); ok {
		switch {
		case failed < 0:
			e.refuse(inventory.Path{"spec", "maxFailedTrialCount"}, "maxFailedTrialCount is %d and must not be below 0", failed)
		case hasMost && failed > most:
			e.refuse(inventory.Path{"spec", "maxFailedTrialCount"}, "maxFailedTrialCount is %d, above the %d of maxTrialCount", failed, most)
		}
	}
	if e.Get("spec", "resumePolicy") != nil {
		e.oneOf(inventory.Path{"spec", "resumePolicy"}, "Never", "LongRunning", "FromVolume", "")
	}
}

func (e *judge) objective() {
	at := inventory.Path{"spec", "objective"}
	if e.Map(at) == nil {
		e.refuse(at, "it has no objective")
		return
	}
	e.oneOf(at.Join("type"), "minimize", "maximize")
	metric := e.String(at.Join("objectiveMetricName"))
	if metric == "" {
		e.refuse(at.Join("objectiveMetricName"), "its objective names no metric")
	}
	for i, name := range e.List(at.Join("additionalMetricNames")) {
		if name == metric && metric != "" {
			e.refuse(at.Join("additionalMetricNames", i), "%s is the objective and an additional metric", metric)
		}
	}
	if e.String("spec", "algorithm", "algorithmName") == "" {
		e.refuse(inventory.Path{"spec", "algorithm", "algorithmName"}, "it names no algorithm")
	}
	if e.Map("spec", "earlyStopping") != nil && e.String("spec", "earlyStopping", "algorithmName") == "" {
		e.refuse(inventory.Path{"spec", "earlyStopping", "algorithmName"}, "its early stopping names no algorithm")
	}
}

func (e *judge) parameters() {
	list := e.List("spec", "parameters")
	nas := e.Map("spec", "nasConfig") != nil
	switch {
	case len(list) == 0 && !nas:
		e.refuse(inventory.Path{"spec", "parameters"}, "it has neither parameters nor a nasConfig")
	case len(list) > 0 && nas:
		e.refuse(inventory.Path{"spec", "nasConfig"}, "it has both parameters and a nasConfig")
	}
	for i := range list {
		at := inventory.Path{"spec", "parameters", i}
		name, kind := e.String(at.Join("name")), e.String(at.Join("parameterType"))
		e.oneOf(at.Join("parameterType"), "int", "double", "categorical", "discrete", "unknown")
		space := at.Join("feasibleSpace")
		if e.Get(space.Join("distribution")) != nil {
			e.oneOf(space.Join("distribution"), "uniform", "logUniform", "normal", "logNormal", "unknown")
		}
		if len(e.Map(space)) == 0 {
			e.refuse(space, "parameter %s has no feasibleSpace", name)
			continue
		}
		low, high := e.String(space.Join("min")), e.String(space.Join("max"))
		switch kind {
		case "int", "double":
			if len(e.List(space.Join("list"))) > 0 {
				e.refuse(space.Join("list"), "parameter %s is of type %s, which has no list", name, kind)
			}
			if low == "" || high == "" {
				e.refuse(space, "parameter %s is of type %s and must have both min and max", name, kind)
				continue
			}
			e.bounds(space, name, kind, low, high)
		case "categorical", "discrete":
			for _, field := range []string{"min", "max", "step"} {
				if e.String(space.Join(field)) != "" {
					e.refuse(space.Join(field), "parameter %s is of type %s, which has no %s", name, kind, field)
				}
			}
			if len(e.List(space.Join("list"))) == 0 {
				e.pass.Reportf(e.At(space), "%s has parameter %s of type %s without a list: there is nothing to choose from", e.Key, name, kind)
			}
		}
	}
}

// bounds are what the suggestion services trip over.
func (e *judge) bounds(space inventory.Path, name, kind, low, high string) {
	parse := func(text, field string) (float64, bool) {
		if kind == "int" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				e.pass.Reportf(e.At(space, field), "%s has parameter %s of type int, whose %s is %q: no suggestion can be made", e.Key, name, field, text)
			}
			return float64(n), err == nil
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			e.pass.Reportf(e.At(space, field), "%s has parameter %s of type double, whose %s is %q: no suggestion can be made", e.Key, name, field, text)
		}
		return n, err == nil
	}
	from, ok := parse(low, "min")
	to, ok2 := parse(high, "max")
	if ok && ok2 && from > to {
		e.pass.Reportf(e.At(space, "min"), "%s has parameter %s, whose min %s is above its max %s: no suggestion can be made", e.Key, name, low, high)
	}
}

func (e *judge) template() {
	at := inventory.Path{"spec", "trialTemplate"}
	if e.Map(at) == nil {
		e.refuse(at, "it has no trialTemplate")
		return
	}
	if e.String(at.Join("primaryContainerName")) == "" {
		e.refuse(at.Join("primaryContainerName"), "its trialTemplate names no primaryContainerName")
	}
	spec, fromMap := e.Map(at.Join("trialSpec")), e.Map(at.Join("configMap"))
	kind, _ := spec["kind"].(string)
	for _, field := range []string{"successCondition", "failureCondition"} {
		if (spec == nil && fromMap != nil || spec != nil && !kubeflow.KatibJobs[kind]) && e.String(at.Join(field)) == "" {
			what := kind
			if spec == nil {
				what = "a template from a ConfigMap"
			}
			e.refuse(at.Join(field), "for %s it must have a %s", what, field)
		}
	}
	switch {
	case e.Get(at.Join("trialParameters")) == nil:
		e.refuse(at.Join("trialParameters"), "its trialTemplate has no trialParameters")
	case spec == nil && fromMap == nil:
		e.refuse(at, "its trialTemplate has neither a trialSpec nor a configMap")
	case spec != nil && fromMap != nil:
		e.refuse(at.Join("configMap"), "its trialTemplate has both a trialSpec and a configMap")
	}
	if fromMap != nil {
		for _, field := range []string{"configMapName", "configMapNamespace", "templatePath"} {
			if text, _ := fromMap[field].(string); text == "" {
				e.refuse(at.Join("configMap", field), "its configMap has no %s", field)
			}
		}
	}
	if spec == nil {
		return
	}
	for _, field := range []string{"apiVersion", "kind"} {
		if text, _ := spec[field].(string); text == "" {
			e.refuse(at.Join("trialSpec", field), "its trialSpec has no %s", field)
		}
	}
	for _, field := range []string{"name", "namespace"} {
		if e.String(at.Join("trialSpec", "metadata", field)) != "" {
			e.refuse(at.Join("trialSpec", "metadata", field), "its trialSpec must leave out metadata.%s", field)
		}
	}
}

var twoGroups = regexp.MustCompile(`.*\(.*\).*\(.*\).*`)

func (e *judge) collector() {
	at := inventory.Path{"spec", "metricsCollectorSpec"}
	kind := e.String(at.Join("collector", "kind"))
	if e.Map(at.Join("collector")) == nil {
		kind = "StdOut"
	}
	kinds := []string{"StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "None", "Push"}
	source := at.Join("source")
	file := source.Join("fileSystemPath")
	pathGiven := e.String(file.Join("path"))
	switch kind {
	case "File":
		if pathGiven != "" && !path.IsAbs(pathGiven) {
			e.refuse(file.Join("path"), "the path of its metrics file is %q and must be absolute", pathGiven)
		}
		if e.Get(file.Join("kind")) != nil {
			e.oneOf(file.Join("kind"), "File")
		}
		if e.Get(file.Join("format")) != nil {
			e.oneOf(file.Join("format"), "TEXT", "JSON")
		}
		if e.String(file.Join("format")) == "JSON" && e.Map(source.Join("filter")) != nil {
			e.refuse(source.Join("filter"), "a metrics file of format JSON has no filter")
		}
	case "TensorFlowEvent":
		if pathGiven != "" && !path.IsAbs(pathGiven) {
			e.refuse(file.Join("path"), "the path of its events is %q and must be absolute", pathGiven)
		}
		if e.Get(file.Join("kind")) != nil {
			e.oneOf(file.Join("kind"), "Directory")
		}
	case "Custom":
		if e.Map(at.Join("collector", "customCollector")) == nil {
			e.refuse(at.Join("collector", "customCollector"), "a collector of kind Custom must have a customCollector")
		}
	case "StdOut", "PrometheusMetric", "None", "Push":
	default:
		e.refuse(at.Join("collector", "kind"), "its metrics collector is of kind %q, not one of %s%s", kind, strings.Join(kinds, ", "), near.Hint(kind, kinds))
	}
	for i, format := range e.List(source.Join("filter", "metricsFormat")) {
		text, _ := format.(string)
		if _, err := regexp.Compile(text); err != nil {
			e.refuse(source.Join("filter", "metricsFormat", i), "its metricsFormat %q is no regular expression", text)
		} else if !twoGroups.MatchString(text) {
			e.refuse(source.Join("filter", "metricsFormat", i), "its metricsFormat %q must have two groups: the metric's name and its value", text)
		}
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
