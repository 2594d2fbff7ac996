// Package katib checks Katib: what its configuration offers, what its
// experiments ask for, and whether trials can run to an end.
package katib

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	refusedExperiment,
	unresolvedTrialParameter,
	notConfigured,
	missingPrimaryContainer,
	trialKindNotWatched,
	trialNeverEnds,
	metricsNotCollected,
	databaseMismatch,
}

var (
	experimentKind = inventory.GroupKind{Group: "kubeflow.org", Kind: "Experiment"}
	configMapKind  = inventory.GroupKind{Kind: "ConfigMap"}
	webhookKind    = inventory.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}
)

// A config is Katib's configuration file in a ConfigMap.
type config struct {
	object *inventory.Object
	doc    *inventory.Document
	Init   struct {
		Controller struct {
			TrialResources []string `yaml:"trialResources"`
		} `yaml:"controller"`
	} `yaml:"init"`
	Runtime struct {
		MetricsCollectors []struct {
			Kind string `yaml:"kind"`
		} `yaml:"metricsCollectors"`
		Suggestions []struct {
			AlgorithmName string `yaml:"algorithmName"`
		} `yaml:"suggestions"`
		EarlyStoppings []struct {
			AlgorithmName string `yaml:"algorithmName"`
		} `yaml:"earlyStoppings"`
	} `yaml:"runtime"`
}

const configKey = "katib-config.yaml"

// configOf reads Katib's configuration; nil where the render has none that can
// be read.
func configOf(v *inventory.View) *config {
	for o := range v.Of(configMapKind) {
		if o.String("data", configKey) == "" {
			continue
		}
		doc, err := o.At("data", configKey).Document()
		if err != nil {
			continue
		}
		c := &config{object: o, doc: doc}
		if doc.Decode(c) == nil {
			return c
		}
	}
	return nil
}

// experiments are the Experiments of the render.
func experiments(pass *checks.Pass) []*inventory.Object {
	var list []*inventory.Object
	for o := range pass.Render.Of(experimentKind) {
		list = append(list, o)
	}
	return list
}

// podSpecs are the pods inside the template of a trial: the paths of what holds
// a list of containers.
func podSpecs(value any, at inventory.Path) []inventory.Path {
	var found []inventory.Path
	switch value := value.(type) {
	case map[string]any:
		if _, ok := value["containers"].([]any); ok {
			return []inventory.Path{at}
		}
		for _, key := range sortedKeys(value) {
			found = append(found, podSpecs(value[key], at.Join(key))...)
		}
	case []any:
		for i, item := range value {
			found = append(found, podSpecs(item, at.Join(i))...)
		}
	}
	return found
}
