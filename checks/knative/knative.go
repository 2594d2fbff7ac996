// Package knative checks the configuration of Knative Serving and what is
// asked of its autoscaler: what Knative's webhook refuses, and what it takes and
// then cannot serve.
package knative

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	refusedAutoscaling,
	unknownAnnotation,
	refusedConfiguration,
	danglingGateway,
	noPublicDomain,
	missingIngressController,
}

var (
	serviceKind   = inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}
	inferenceKind = inventory.GroupKind{Group: "serving.kserve.io", Kind: "InferenceService"}
	configMapKind = inventory.GroupKind{Kind: "ConfigMap"}
	deployKind    = inventory.GroupKind{Group: "apps", Kind: "Deployment"}
)

const prefix = "autoscaling.knative.dev/"

// Annotations are a set of annotations that reach a revision.
type annotations struct {
	owner *inventory.Object
	path  inventory.Path
	set   map[string]string
	// aside says that they stand where Knative does not read them.
	aside bool
}

func (a annotations) at(key string) inventory.Place { return a.owner.At(a.path, key) }

// get finds an annotation under its name or its former one, minScale.
func (a annotations) get(name string) (key, value string, ok bool) {
	old := ""
	for i, part := range strings.Split(name, "-") {
		if i > 0 {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		old += part
	}
	for _, key := range []string{prefix + name, prefix + old} {
		if value, ok := a.set[key]; ok {
			return key, value, true
		}
	}
	return "", "", false
}

// autoscaled are the annotations of all revisions of the render: those of
// Knative Services, and of InferenceServices, whose controller hands them on.
func autoscaled(v *inventory.View) []annotations {
	var all []annotations
	add := func(o *inventory.Object, aside bool, path ...any) {
		set := map[string]string{}
		for name, value := range o.Map(path...) {
			if s, ok := value.(string); ok && strings.HasPrefix(name, prefix) {
				set[name] = s
			}
		}
		if len(set) > 0 {
			all = append(all, annotations{o, inventory.MakePath(path...), set, aside})
		}
	}
	for o := range v.Of(serviceKind) {
		add(o, true, "metadata", "annotations")
		add(o, false, "spec", "template", "metadata", "annotations")
	}
	for o := range v.Of(inferenceKind) {
		if raw := o.Annotations()["serving.kserve.io/deploymentMode"]; raw == "RawDeployment" || raw == "Standard" {
			continue
		}
		add(o, false, "metadata", "annotations")
		for _, component := range []string{"predictor", "transformer", "explainer"} {
			add(o, false, "spec", component, "annotations")
		}
	}
	return all
}

// config finds a ConfigMap of Knative Serving: in its namespace, wherever that
// is.
func config(v *inventory.View, name string) *inventory.Object {
	for o := range v.Of(configMapKind) {
		if o.Key.Name == name && (o.Key.Namespace == "knative-serving" || o.Labels()["app.kubernetes.io/name"] == "knative-serving") {
			return o
		}
	}
	return nil
}

// keys are those of a ConfigMap that mean something: _example does not.
func keys(o *inventory.Object) []string {
	var names []string
	for name := range o.Map("data") {
		if name != "_example" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
