package kubeflow

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

func quantity(text string) resource.Quantity { return resource.MustParse(text) }

// A Demand is a pod that users of the platform start in a namespace, as it is
// where they leave everything at its defaults.
type Demand struct {
	*Load
	// What is what starts such pods: "pipeline runs".
	What string
	// Source is what shapes them.
	Source inventory.Place
	// Spawner says that it is the notebook of the form's defaults.
	Spawner bool

	// Claim is the volume that the notebook of the form's defaults makes; nil
	// for none.
	Claim *corev1.PersistentVolumeClaimSpec

	form *inventory.Document
}

// Form names a field of the notebook form's configuration.
func (d *Demand) Form(steps ...any) inventory.Place {
	return d.form.At("spawnerFormDefaults", inventory.MakePath(steps...))
}

// OnDemand are the pods that users of a namespace can start with what the
// platform has: a step of a pipeline's driver, a Tensorboard, a model server,
// a notebook.
func OnDemand(v *inventory.View, namespace string) []*Demand {
	b := newLoadBuilder(v)
	quiet := v.Inventory().View()
	var demands []*Demand
	pod := func(annotations map[string]string, containers ...corev1.Container) *Pod {
		owner := v.Get(namespaceKind, "", namespace)
		if owner == nil {
			return nil
		}
		return &Pod{Owner: owner, Namespace: namespace, Labels: labels.Set{}, Annotations: annotations, Replicas: 1,
			Spec: &corev1.PodSpec{Containers: containers}}
	}
	// The pipeline's driver states its resources itself
	// (backend/src/v2/compiler/argocompiler, driverResources); Kubeflow
	// Pipelines keeps the sidecar out of runs.
	if a := b.argoOf(); a.present {
		if p := pod(map[string]string{"sidecar.istio.io/inject": "false"},
			corev1.Container{Name: "main", Resources: requirements("0.1", "64Mi", "0.5", "0.5Gi")}); p != nil {
			l := b.step(a, p, "driver of a pipeline run")
			demands = append(demands, &Demand{Load: l, What: "pipeline runs", Source: a.place})
		}
	}
	for o := range quiet.Of(deploymentKind) {
		if !strings.HasPrefix(o.Key.Name, "tensorboard-controller") {
			continue
		}
		if p := pod(nil, corev1.Container{Name: "tensorboard"}); p != nil {
			l := b.load(p, "Tensorboard")
			l.parts["tensorboard"] = PodPart{Place: o.At("metadata", "name"), By: "tensorboard-controller"}
			demands = append(demands, &Demand{Load: l, What: "Tensorboards", Source: o.At("metadata", "name")})
		}
		break
	}
	for o := range quiet.Of(deploymentKind) {
		if o.Key.Name != "kserve-controller-manager" {
			continue
		}
		k := b.kserveOf()
		p := pod(nil, corev1.Container{Name: "kserve-container", Resources: *k.resource.DeepCopy()})
		if p == nil {
			break
		}
		l := b.load(p, "model server")
		l.addInit(corev1.Container{Name: "storage-initializer", Resources: k.storageContainer("s3://")}, PodPart{Place: k.place, By: "KServe"})
		source := k.place
		if !k.raw {
			b.revision(l, nil)
			source = l.Part("queue-proxy").Place
		}
		demands = append(demands, &Demand{Load: l, What: "InferenceServices", Source: source})
		break
	}
	if d := b.notebook(quiet, pod); d != nil {
		demands = append(demands, d)
	}
	return demands
}

// notebook is the notebook that the form of the notebooks' web app gives
// (crud-web-apps/jupyter/backend/apps/common/form.py).
func (b *loadBuilder) notebook(quiet *inventory.View, pod func(map[string]string, ...corev1.Container) *Pod) *Demand {
	const key = "spawner_ui_config.yaml"
	for o := range quiet.Of(configMap) {
		if o.String("data", key) == "" {
			continue
		}
		doc, err := o.At("data", key).Document()
		if err != nil {
			continue
		}
		type field struct {
			Value       any `yaml:"value"`
			LimitFactor any `yaml:"limitFactor"`
		}
		var form struct {
			Defaults struct {
				CPU    field `yaml:"cpu"`
				Memory field `yaml:"memory"`
				Volume struct {
					Value struct {
						NewPVC struct {
							Spec map[string]any `yaml:"spec"`
						} `yaml:"newPvc"`
					} `yaml:"value"`
				} `yaml:"workspaceVolume"`
			} `yaml:"spawnerFormDefaults"`
		}
		if doc.Decode(&form) != nil {
			continue
		}
		text := func(v any) string {
			if v == nil {
				return ""
			}
			return fmt.Sprint(v)
		}
		cpu, memory := text(form.Defaults.CPU.Value), text(form.Defaults.Memory.Value)
		p := pod(nil, corev1.Container{Name: "notebook", Resources: requirements(cpu, memory,
			factored(cpu, "", text(form.Defaults.CPU.LimitFactor), 1),
			factored(memory, "Gi", text(form.Defaults.Memory.LimitFactor), 2))})
		if p == nil {
			return nil
		}
		l := b.load(p, "notebook of the form's defaults")
		l.parts["notebook"] = PodPart{Place: doc.At("spawnerFormDefaults"), By: "the notebook form"}
		l.Controller = "jupyter-web-app"
		d := &Demand{Load: l, What: "notebooks", Source: doc.At("spawnerFormDefaults", "cpu"), Spawner: true, form: doc}
		var claim corev1.PersistentVolumeClaimSpec
		if spec := form.Defaults.Volume.Value.NewPVC.Spec; spec != nil && runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &claim) == nil {
			d.Claim = &claim
		}
		return d
	}
	return nil
}

// factored is the limit that the web app computes: the number times the factor,
// rounded; empty for no limit.
func factored(value, unit, factor string, digits int) string {
	f, err := strconv.ParseFloat(factor, 64)
	if err != nil {
		return "" // "none", or nothing given
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(value, unit), 64)
	if err != nil {
		return ""
	}
	scale := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(n*f*scale)/scale, 'f', -1, 64) + unit
}
