package kubeflow

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// trainingKinds are the training operator's jobs and the field that holds
// their replicas by role.
var trainingKinds = map[string]string{
	"PyTorchJob": "pytorchReplicaSpecs",
	"TFJob":      "tfReplicaSpecs",
	"MPIJob":     "mpiReplicaSpecs",
	"XGBoostJob": "xgbReplicaSpecs",
	"PaddleJob":  "paddleReplicaSpecs",
	"JAXJob":     "jaxReplicaSpecs",
	"MXJob":      "mxReplicaSpecs",
}

// trainingJobs adds the pods of training jobs: one load for each role.
func (b *loadBuilder) trainingJobs(wanted func(string) bool) {
	for _, kind := range slices.Sorted(maps.Keys(trainingKinds)) {
		for o := range b.view.Of(inventory.GroupKind{Group: "kubeflow.org", Kind: kind}) {
			if wanted(o.Key.Namespace) {
				for _, l := range b.training(o, kind, nil, o.Key.String()) {
					b.yield(l)
				}
			}
		}
	}
}

// training are the loads of a training job that stands at a path of an object:
// its own, or the template of a Katib trial.
func (b *loadBuilder) training(o *inventory.Object, kind string, at inventory.Path, name string) []*Load {
	roles := at.Join("spec", trainingKinds[kind])
	suspended, _ := o.Get(at.Join("spec", "runPolicy", "suspend")).(bool)
	var loads []*Load
	for _, role := range slices.Sorted(maps.Keys(o.Map(roles))) {
		pod, ok := b.template(o, roles.Join(role, "template"))
		if !ok {
			continue
		}
		if n, ok := o.Get(roles.Join(role, "replicas")).(int64); ok {
			pod.Replicas = int32(n)
		}
		l := b.load(pod, strings.ToLower(role)+" of "+name)
		switch {
		case kind == "PyTorchJob" && role == "Worker" && o.Map(roles.Join("Master")) != nil:
			// pkg/controller.v1/pytorch/initcontainer.go
			l.addInit(corev1.Container{Name: "init-pytorch", Resources: requirements("50m", "10Mi", "100m", "20Mi")},
				PodPart{Place: o.At(roles.Join(role)), By: "training-operator"})
		case kind == "MPIJob" && role == "Launcher":
			// pkg/controller.v1/mpi/mpijob_controller.go
			r := requirements("100m", "512Mi", "100m", "512Mi")
			r.Requests[corev1.ResourceEphemeralStorage] = quantity("5Gi")
			r.Limits[corev1.ResourceEphemeralStorage] = quantity("5Gi")
			l.addInit(corev1.Container{Name: "kubectl-delivery", Resources: r}, PodPart{Place: o.At(roles.Join(role)), By: "training-operator"})
		}
		l.Controller, l.Finite = "training-operator", true
		if kind == "PyTorchJob" && role == "Worker" {
			if n, ok := o.Get(at.Join("spec", "elasticPolicy", "minReplicas")).(int64); ok && int32(n) < l.Least {
				l.Least = int32(n)
				l.Scale = o.At(roles.Join(role, "replicas"))
			}
		}
		if suspended {
			l.Least, l.Most = 0, 0
		}
		loads = append(loads, l)
	}
	return loads
}

// katib is Katib's configuration of the containers that it adds.
type katib struct {
	present                            bool
	place                              inventory.Place
	suggestions, stopping, metricsKind map[string]corev1.ResourceRequirements
}

var katibSizes = map[corev1.ResourceName][2]string{
	corev1.ResourceCPU:              {"50m", "500m"},
	corev1.ResourceMemory:           {"10Mi", "100Mi"},
	corev1.ResourceEphemeralStorage: {"500Mi", "5Gi"},
}

// katibDefaults completes resources of Katib's own containers
// (pkg/apis/config/v1beta1/defaults.go, setResourceRequirements): a negative
// size takes a resource away.
func katibDefaults(r corev1.ResourceRequirements) corev1.ResourceRequirements {
	r = *r.DeepCopy()
	for name, sizes := range katibSizes {
		for i, list := range []*corev1.ResourceList{&r.Requests, &r.Limits} {
			q := (*list)[name]
			switch {
			case q.IsZero():
				put(list, name, quantity(sizes[i]))
			case q.Sign() < 0:
				delete(*list, name)
			}
		}
	}
	return r
}

func (b *loadBuilder) katibOf() katib {
	k := katib{suggestions: map[string]corev1.ResourceRequirements{}, stopping: map[string]corev1.ResourceRequirements{}, metricsKind: map[string]corev1.ResourceRequirements{}}
	for o := range b.view.Inventory().View().Of(configMap) {
		const key = "katib-config.yaml"
		if o.Key.Name != "katib-config" || o.String("data", key) == "" {
			continue
		}
		doc, err := o.At("data", key).Document()
		if err != nil {
			continue
		}
		content, err := doc.Content()
		if err != nil {
			continue
		}
		type named struct {
			AlgorithmName string                      `json:"algorithmName"`
			Kind          string                      `json:"kind"`
			Resources     corev1.ResourceRequirements `json:"resources"`
		}
		var config struct {
			Runtime struct {
				Suggestions       []named `json:"suggestions"`
				EarlyStoppings    []named `json:"earlyStoppings"`
				MetricsCollectors []named `json:"metricsCollectors"`
			} `json:"runtime"`
		}
		m, ok := content.(map[string]any)
		if !ok || runtime.DefaultUnstructuredConverter.FromUnstructured(m, &config) != nil {
			continue
		}
		k.present, k.place = true, o.At("data", key)
		for _, n := range config.Runtime.Suggestions {
			k.suggestions[n.AlgorithmName] = katibDefaults(n.Resources)
		}
		for _, n := range config.Runtime.EarlyStoppings {
			k.stopping[n.AlgorithmName] = katibDefaults(n.Resources)
		}
		for _, n := range config.Runtime.MetricsCollectors {
			k.metricsKind[n.Kind] = katibDefaults(n.Resources)
		}
	}
	return k
}

var experimentKind = inventory.GroupKind{Group: "kubeflow.org", Kind: "Experiment"}

// suggestions adds the Deployment that Katib runs for each Experiment.
func (b *loadBuilder) suggestions(wanted func(string) bool) {
	var k *katib
	for o := range b.view.Of(experimentKind) {
		if !wanted(o.Key.Namespace) {
			continue
		}
		if k == nil {
			read := b.katibOf()
			k = &read
		}
		algorithm := o.String("spec", "algorithm", "algorithmName")
		r, ok := k.suggestions[algorithm]
		if !ok {
			continue
		}
		part := PodPart{Place: k.place, By: "Katib"}
		pod := &Pod{Owner: o, Path: inventory.Path{"spec", "algorithm"}, Namespace: o.Key.Namespace, Labels: labels.Set{}, Replicas: 1,
			Annotations: map[string]string{"sidecar.istio.io/inject": "false"},
			Spec:        &corev1.PodSpec{Containers: []corev1.Container{{Name: "suggestion", Resources: r}}}}
		l := b.load(pod, "suggestion of "+o.Key.String())
		l.parts["suggestion"] = part
		if r, ok := k.stopping[o.String("spec", "earlyStopping", "algorithmName")]; ok {
			l.add(corev1.Container{Name: "early-stopping", Resources: r}, part)
		}
		l.Controller, l.Finite = "Katib", true
		b.yield(l)
	}
}

// A Trial is what one trial of a Katib Experiment runs.
type Trial struct {
	Experiment *inventory.Object
	Loads      []*Load
	Parallel   int32 // trials at once
}

// Trials are the trials of the Experiments in the wanted namespaces.
func Trials(v *inventory.View, wanted func(namespace string) bool) (trials []*Trial, unread []Unread) {
	b := newLoadBuilder(v)
	k := b.katibOf()
	for o := range v.Of(experimentKind) {
		if !wanted(o.Key.Namespace) {
			continue
		}
		t := &Trial{Experiment: o, Parallel: 3} // defaults of experiment_defaults.go
		if n, ok := o.Get("spec", "parallelTrialCount").(int64); ok {
			t.Parallel = int32(n)
		}
		if n, ok := o.Get("spec", "maxTrialCount").(int64); ok && int32(n) < t.Parallel {
			t.Parallel = int32(n)
		}
		spec := inventory.Path{"spec", "trialTemplate", "trialSpec"}
		kind := o.String(spec.Join("kind"))
		switch {
		case kind == "Job":
			pod, ok := b.template(o, spec.Join("spec", "template"))
			if !ok {
				continue
			}
			if n, ok := o.Get(spec.Join("spec", "parallelism")).(int64); ok {
				pod.Replicas = int32(n)
			}
			l := b.load(pod, "trial of "+o.Key.String())
			l.Controller, l.Finite = "Katib", true
			t.Loads = []*Load{l}
		case trainingKinds[kind] != "":
			t.Loads = b.training(o, kind, spec, "a trial of "+o.Key.String())
		}
		if len(t.Loads) == 0 {
			continue
		}
		b.collector(k, o, t)
		trials = append(trials, t)
	}
	return trials, b.unread
}

// collector adds the metrics collector to the pods that hold the metrics: all
// of a Job, and the first role of a training job.
func (b *loadBuilder) collector(k katib, o *inventory.Object, t *Trial) {
	namespace, _ := b.view.Namespace(o.Key.Namespace)
	if namespace["katib.kubeflow.org/metrics-collector-injection"] != "enabled" {
		return
	}
	kind := o.String("spec", "metricsCollectorSpec", "collector", "kind")
	if kind == "" {
		kind = "StdOut"
	}
	c := corev1.Container{Name: "metrics-logger-and-collector"}
	part := PodPart{Place: k.place, By: "Katib"}
	if kind == "Custom" {
		at := inventory.Path{"spec", "metricsCollectorSpec", "collector", "customCollector"}
		if m := o.Map(at); m == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(m, &c) != nil {
			return
		}
		part = PodPart{Place: o.At(at)}
	} else {
		r, ok := k.metricsKind[kind]
		if !ok {
			return
		}
		c.Resources = r
	}
	for _, l := range t.Loads {
		role, _, _ := strings.Cut(l.Name, " ")
		if len(t.Loads) == 1 && l.Least == 1 || role == "trial" || role == "master" || role == "chief" || role == "launcher" {
			l.add(c, part)
		}
	}
}
