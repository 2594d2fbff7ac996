package schema

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var unexpandedVariable = &checks.Check{
	ID:       "schema/unexpanded-variable",
	Severity: checks.Error,
	Doc: `a variable is left where nothing expands it

A name, namespace, host or other field still holds $(NAME) or ${NAME}: a
kustomize variable or replacement that found no target, or a template that was
not filled in. It is applied to the letter. Kustomize 5.8 reads the names in a
replacement's selector as regular expressions, in which $( ) never matches: that
is how the Profile of Kubeflow 1.10.2 keeps the name $(profile-name).

Places where something does expand are left out: args, command and env of
containers ($(NAME) of the container's environment), volume mounts'
subPathExpr, and texts inside ConfigMaps, Secrets and annotations, which belong
to whoever reads them.`,
	Fix:   "Make the replacement find its target, or write the value.",
	Refs:  []string{"kubeflow/manifests#3315", "kubeflow/manifests#2401"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for o := range pass.Render.All() {
			if o.Key.GroupKind == crdKind {
				continue // patterns and descriptions
			}
			variables(o.Content(), nil, func(path inventory.Path, name string) {
				if free(o, path) {
					return
				}
				pass.Reportf(o.At(path), "%s holds %s, which nothing expands there", o.Key, name)
			})
		}
	},
}

var variable = regexp.MustCompile(`\$\([A-Za-z_][-A-Za-z0-9_.]*\)|\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

func variables(value any, path inventory.Path, visit func(inventory.Path, string)) {
	switch value := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			variables(value[key], path.Join(key), visit)
		}
	case []any:
		for i, item := range value {
			variables(item, path.Join(i), visit)
		}
	case string:
		if m := variable.FindString(value); m != "" && !strings.Contains(value, "\n") {
			visit(path, m)
		}
	}
}

// expandedBelow are the fields of containers that the kubelet expands, and
// those of pods and other kinds whose text is a program or template of its own.
var expandedBelow = []string{"args", "command", "env", "envFrom", "subPathExpr", "exec", "httpGet", "annotations", "description", "script", "trialTemplate", "trialSpec", "volumeAttributes", "patch", "configPatches", "lua", "inlineCode", "messageExpression", "expression", "rule", "storageUri", "labels"}

// free reports whether a text at the path may hold variables of its own.
func free(o *inventory.Object, path inventory.Path) bool {
	switch o.Key.GroupKind {
	case inventory.GroupKind{Kind: "ConfigMap"}, inventory.GroupKind{Kind: "Secret"}:
		return path[0] != "metadata"
	}
	for _, step := range path {
		if name, ok := step.(string); ok && slices.Contains(expandedBelow, name) {
			// Labels are values of the API, whatever else stands in them.
			return name != "labels"
		}
	}
	// Templates of Argo and Tekton expand {{ }}; the other kinds that make pods
	// or run programs have fields of their own.
	for _, kind := range kubeflow.PodKinds() {
		if kind == o.Key.GroupKind {
			return false
		}
	}
	switch o.Key.Group {
	case "argoproj.io", "serving.kserve.io", "trainer.kubeflow.org", "networking.istio.io", "telemetry.istio.io":
		return path[0] == "spec"
	}
	return false
}
