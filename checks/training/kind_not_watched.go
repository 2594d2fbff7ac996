package training

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var kindNotWatched = &checks.Check{
	ID:       "training/kind-not-watched",
	Severity: checks.Error,
	Doc: `training operator does not run this kind of job

The training operator runs the kinds that its --enable-scheme options name, all
of them where there is none, in the namespace of --namespace, or in all. It ends
at once on a scheme that it does not know. A job of a kind or in a namespace that
it does not watch is taken by the API server and stays without pods and status.

Jobs that are rendered without any operator are left out: the operator may be
installed by another source. So are MPIJobs where an mpi-operator is in the
render.`,
	Fix:   "Name the kind in --enable-scheme, or give no such option.",
	Refs:  []string{"https://github.com/kubeflow/training-operator/blob/release-1.9/cmd/training-operator.v1/main.go", "https://www.kubeflow.org/docs/components/trainer/legacy-v1/installation/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		var known []string
		for _, rule := range kubeflow.JobRules() {
			known = append(known, strings.ToLower(rule.Kind))
		}
		found := false
		for pod := range kubeflow.Pods(v) {
			for at, c := range pod.Containers() {
				if !isOperator(c) {
					continue
				}
				found = true
				schemes := flags(c, at, "enable-scheme")
				var enabled []string
				for _, s := range schemes {
					enabled = append(enabled, strings.ToLower(s.value))
					if !slices.Contains(known, strings.ToLower(s.value)) && !strings.Contains(s.value, "$(") && !strings.EqualFold(s.value, "mxjob") {
						pass.Reportf(s.place, "%s ends at its start: it is told to run jobs of kind %s, of which it knows none; it knows %s", pod.Owner.Key, s.value, strings.Join(known, ", ")).
							WithFix("Write the kind as one of %s.", strings.Join(known, ", "))
					}
				}
				namespace := ""
				var namespacePlace inventory.Place
				for _, f := range flags(c, at, "namespace") {
					namespace, namespacePlace = f.value, f.place
				}
				if value, place, ok := kubeflow.EnvAt(v, pod, at, c, "KUBEFLOW_NAMESPACE"); namespace == "" && ok {
					namespace, namespacePlace = value, place
				}
				for o := range v.Of(kubeflow.TrainingKinds()...) {
					if o.Key.Kind == "MPIJob" && o.Version() != "v1" {
						continue
					}
					if len(enabled) > 0 && !slices.Contains(enabled, strings.ToLower(o.Key.Kind)) {
						pass.Reportf(o.At("kind"), "%s never runs: %s runs jobs of %s alone", o.Key, pod.Owner.Key, strings.Join(enabled, ", ")).
							See(schemes[0].place, "these are the kinds that are watched")
					}
					if namespace != "" && !strings.Contains(namespace, "$(") && namespace != o.Key.Namespace {
						pass.Reportf(o.At("metadata", "namespace"), "%s never runs: %s runs jobs in namespace %s alone", o.Key, pod.Owner.Key, namespace).
							See(namespacePlace, "this is the namespace that is watched").
							WithFix("Move the job to namespace %s, or let the operator watch all namespaces.", namespace)
					}
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

// isOperator reports whether a container runs the training operator.
func isOperator(c *corev1.Container) bool {
	image, _, _ := strings.Cut(c.Image, "@")
	return strings.Contains(image[strings.LastIndex(image, "/")+1:], "training-operator")
}

// A flag is the value of one option and where it stands.
type flag struct {
	value string
	place inventory.Place
}

// flags finds every value of an option, --name=value or --name value.
func flags(c *corev1.Container, at inventory.Place, name string) []flag {
	var found []flag
	for _, field := range []struct {
		name string
		list []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, arg := range field.list {
			key, value, given := strings.Cut(arg, "=")
			if !strings.HasPrefix(key, "-") || strings.TrimLeft(key, "-") != name {
				continue
			}
			if !given {
				if i++; i >= len(field.list) {
					continue
				}
				value = field.list[i]
			}
			found = append(found, flag{value, at.At(field.name, i)})
		}
	}
	return found
}
