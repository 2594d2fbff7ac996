package katib

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var unresolvedTrialParameter = &checks.Check{
	ID:       "katib/unresolved-trial-parameter",
	Severity: checks.Error,
	Doc: `trial parameter leads nowhere

A value goes from spec.parameters through trialParameters (name and reference)
into ${trialParameters.name} in the template. Katib's webhook refuses an
Experiment in which a reference names no parameter, a name is used twice, a name
does not occur in the template, or the template has one that is not declared.

Templates from ConfigMaps of the render are read as well. References to the
trial's own metadata, ${trialSpec.Name} and the like, are right, and with a
nasConfig references are not compared.`,
	Fix:   "Let the reference name a parameter, and the template and trialParameters use the same names.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/katib/user-guides/trial-template/", "https://github.com/kubeflow/katib/blob/master/pkg/webhook/v1beta1/experiment/validator/validator.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, o := range experiments(pass) {
			trialParameters(pass, o)
		}
	},
}

var (
	placeholder = regexp.MustCompile(`\$\{trialParameters\.([^{}]*)\}`)
	metadata    = regexp.MustCompile(`^\$\{trialSpec\.([A-Za-z]+)(\[.*\])?\}$`)
)

// An occurrence is a placeholder in a template.
type occurrence struct {
	name  string
	place inventory.Place
}

func trialParameters(pass *checks.Pass, o *inventory.Object) {
	var parameters []string
	for i := range o.List("spec", "parameters") {
		parameters = append(parameters, o.String("spec", "parameters", i, "name"))
	}
	used, readable := occurrences(pass.Render, o)
	at := inventory.Path{"spec", "trialTemplate", "trialParameters"}
	var names, refs []string
	for i := range o.List(at) {
		name, ref := o.String(at.Join(i, "name")), o.String(at.Join(i, "reference"))
		switch {
		case name == "" || ref == "":
			pass.Reportf(o.At(at, i), "%s has a trial parameter without name or reference", o.Key)
			continue
		case slices.Contains(names, name):
			pass.Reportf(o.At(at, i, "name"), "%s has two trial parameters %s", o.Key, name)
			continue
		case slices.Contains(refs, ref):
			pass.Reportf(o.At(at, i, "reference"), "%s has two trial parameters that refer to %s", o.Key, ref)
			continue
		}
		names, refs = append(names, name), append(refs, ref)
		if len(parameters) > 0 && !ofMetadata(ref) && !slices.Contains(parameters, ref) {
			pass.Reportf(o.At(at, i, "reference"), "%s has trial parameter %s, which refers to %s: spec.parameters has none of that name%s", o.Key, name, ref, near.Hint(ref, parameters))
		}
		if readable && !slices.ContainsFunc(used, func(u occurrence) bool { return u.name == name }) {
			pass.Reportf(o.At(at, i, "name"), "%s has trial parameter %s, which its template does not use", o.Key, name)
		}
	}
	reported := map[string]bool{}
	for _, u := range used {
		if slices.Contains(names, u.name) || reported[u.name] {
			continue
		}
		reported[u.name] = true
		pass.Reportf(u.place, "the trials of %s use ${trialParameters.%s}, which trialParameters does not have%s", o.Key, u.name, near.Hint(u.name, names)).
			See(o.At(at), "the trial parameters")
	}
}

func ofMetadata(ref string) bool {
	m := metadata.FindStringSubmatch(ref)
	return m != nil && slices.Contains(kubeflow.KatibMetadata, m[1])
}

// occurrences are the placeholders of an experiment's template, and whether it
// can be read.
func occurrences(v *inventory.View, o *inventory.Object) (found []occurrence, readable bool) {
	at := inventory.Path{"spec", "trialTemplate"}
	if spec := o.Map(at.Join("trialSpec")); spec != nil {
		var walk func(value any, at inventory.Path)
		walk = func(value any, at inventory.Path) {
			switch value := value.(type) {
			case map[string]any:
				for _, key := range sortedKeys(value) {
					walk(value[key], at.Join(key))
				}
			case []any:
				for i, item := range value {
					walk(item, at.Join(i))
				}
			case string:
				for _, m := range placeholder.FindAllStringSubmatch(value, -1) {
					found = append(found, occurrence{m[1], o.At(at)})
				}
			}
		}
		walk(spec, at.Join("trialSpec"))
		return found, true
	}
	source := v.Get(configMapKind, o.String(at.Join("configMap", "configMapNamespace")), o.String(at.Join("configMap", "configMapName")))
	key := o.String(at.Join("configMap", "templatePath"))
	if source == nil || key == "" || source.String("data", key) == "" {
		return nil, false
	}
	for i, line := range strings.Split(source.String("data", key), "\n") {
		for _, m := range placeholder.FindAllStringSubmatch(line, -1) {
			found = append(found, occurrence{m[1], source.At("data", key).AtLine(i + 1)})
		}
	}
	return found, true
}
