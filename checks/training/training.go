// Package training checks training jobs and the operators that run them.
package training

import (
	"iter"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// Checks of the family.
var Checks = []*checks.Check{
	refusedJob,
	jobNeverEnds,
	kindNotWatched,
	invalidElasticPolicy,
	missingRuntime,
	missingGangScheduler,
}

var (
	experimentKind = inventory.GroupKind{Group: "kubeflow.org", Kind: "Experiment"}
	definitionKind = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

// A job is a training job of the render, or one that Katib will make of the
// template of an Experiment.
type job struct {
	*inventory.Object
	path inventory.Path
	kind string
	name string // how messages call it
}

func (j *job) spec(steps ...any) inventory.Place {
	return j.At(j.path.Join("spec").Join(steps...))
}

func (j *job) get(steps ...any) any { return j.Get(j.path.Join("spec").Join(steps...)) }

func (j *job) roles() map[string]any {
	roles, _ := j.get(kubeflow.ReplicasField(j.kind)).(map[string]any)
	return roles
}

// number reads a whole number; ok is false for what is absent or a placeholder.
func (j *job) number(steps ...any) (n int64, ok bool) {
	n, ok = j.get(steps...).(int64)
	return n, ok
}

// jobs yields the training jobs of the render, and those of trials.
func jobs(v *inventory.View) iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for o := range v.Of(kubeflow.TrainingKinds()...) {
			if !yield(&job{o, nil, o.Key.Kind, o.Key.String()}) {
				return
			}
		}
		for o := range v.Of(experimentKind) {
			at := inventory.Path{"spec", "trialTemplate", "trialSpec"}
			kind := o.String(at.Join("kind"))
			if kubeflow.ReplicasField(kind) != "" && !yield(&job{o, at, kind, "the " + kind + " of the trials of " + o.Key.String()}) {
				return
			}
		}
	}
}
