package pipelines

import (
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var refusedArgoConfig = &checks.Check{
	ID:       "pipelines/refused-argo-config",
	Severity: checks.Error,
	Doc: `workflow controller does not start with its configuration

Argo's workflow controller reads its ConfigMap strictly: a key that it does not
know ends it ("unknown field"), as does one whose text is no YAML, a key config
beside others, and a ConfigMap that is not there. containerRuntimeExecutor and its
like went with Argo Workflows 3.4, which has the emissary executor alone; before
that, docker and pns need a runtime that Kubernetes 1.24 no longer has.

Keys that no known version has are an error where they are nearly one that
exists, and otherwise a warning, because a later version may know them.`,
	Fix:   "Remove the key, or write it as the controller's version has it.",
	Refs:  []string{"argoproj/argo-workflows#9432", "kubeflow/pipelines#5714", "kubeflow/pipelines#7021", "https://argo-workflows.readthedocs.io/en/latest/workflow-controller-configmap/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := argoConfigs(pass.Render)
		if len(list) == 0 {
			pass.NotApplicable()
			return
		}
		for _, a := range list {
			if a.object == nil {
				var names []string
				for o := range pass.Render.LiveOf(configMapKind) {
					if o.Key.Namespace == a.controller.pod.Namespace {
						names = append(names, o.Key.Name)
					}
				}
				pass.Reportf(a.nameAt, "%s reads ConfigMap %s, which is not rendered in namespace %s%s", a.controller.pod.Owner.Key, a.name, a.controller.pod.Namespace, near.Hint(a.name, names))
				continue
			}
			argoConfigKeys(pass, a)
		}
	},
}

func argoConfigKeys(pass *checks.Pass, a argoConfig) {
	o, data := a.object, a.object.Map("data")
	if _, ok := data["config"]; ok {
		if len(data) > 1 {
			pass.Reportf(o.At("data", "config"), "%s has a key config beside others, which %s refuses", o.Key, a.controller.pod.Owner.Key)
		}
		return
	}
	version, err := semver.NewVersion(a.controller.image.Tag)
	emissaryOnly := err == nil && !version.LessThan(semver.MustParse("3.4.0-0"))
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, _ := data[key].(string)
		place := o.At("data", key)
		switch {
		case slices.Contains(kubeflow.ArgoFieldsGone, key):
			switch {
			case emissaryOnly:
				pass.Reportf(place, "%s sets %s, which Argo Workflows %s no longer has: %s does not start", o.Key, key, a.controller.image.Tag, a.controller.pod.Owner.Key).WithFix("Remove the key: emissary is the only executor.")
			case key == "containerRuntimeExecutor" && (text == "docker" || text == "pns" || text == "kubelet" || text == "k8sapi"):
				old(pass, a, key, text)
			}
		case !slices.Contains(kubeflow.ArgoFields, key):
			f := pass.Reportf(place, "%s sets %s, which no known version of Argo Workflows has: %s does not start%s", o.Key, key, a.controller.pod.Owner.Key, near.Hint(key, kubeflow.ArgoFields))
			if len(near.Words(key, kubeflow.ArgoFields)) == 0 {
				f.As(checks.Warning)
			}
		default:
			var parsed any
			if err := yaml.Unmarshal([]byte(joined(key, text)), &parsed); err != nil {
				pass.Reportf(place, "%s has a %s that is no YAML, and %s does not start", o.Key, key, a.controller.pod.Owner.Key)
			}
		}
	}
}

// joined is how the controller puts one key into its configuration.
func joined(key, text string) string {
	if strings.Contains(text, "\n") {
		return key + ":\n  " + strings.Join(strings.Split(strings.Trim(text, "\n"), "\n"), "\n  ") + "\n"
	}
	return key + ": " + text + "\n"
}

// old are the executors that need the runtime's own socket or the kubelet.
func old(pass *checks.Pass, a argoConfig, key, text string) {
	place := a.object.At("data", key)
	switch target := pass.Target.Kubernetes; {
	case target == "":
		pass.Undecidedf(place, "%s runs steps with the executor %s, which works with Docker alone; the version of Kubernetes is not known", a.object.Key, text)
	case text == "docker":
		if v, err := semver.NewVersion(target); err == nil && !v.LessThan(semver.MustParse("1.24.0")) {
			pass.Reportf(place, "%s runs steps with the executor docker, while nodes of Kubernetes %s have no Docker", a.object.Key, target)
		}
	default:
		pass.Reportf(place, "%s runs steps with the executor %s, which fails on runtimes other than Docker", a.object.Key, text).As(checks.Warning)
	}
}
