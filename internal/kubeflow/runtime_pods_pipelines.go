package kubeflow

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// requirements are resources of a container: requests, then limits, each of
// processor and memory; empty texts are left out.
func requirements(cpu, memory, cpuLimit, memoryLimit string) corev1.ResourceRequirements {
	r := corev1.ResourceRequirements{Requests: corev1.ResourceList{}, Limits: corev1.ResourceList{}}
	for _, each := range []struct {
		list corev1.ResourceList
		name corev1.ResourceName
		text string
	}{
		{r.Requests, corev1.ResourceCPU, cpu}, {r.Requests, corev1.ResourceMemory, memory},
		{r.Limits, corev1.ResourceCPU, cpuLimit}, {r.Limits, corev1.ResourceMemory, memoryLimit},
	} {
		if q, err := resource.ParseQuantity(each.text); err == nil {
			each.list[each.name] = q
		}
	}
	return r
}

// perProfile are the Deployments that Kubeflow Pipelines runs in each
// namespace with the label pipelines.kubeflow.org/enabled=true
// (pipelines-profile-controller/sync.py). The second is made by releases that
// have a visualization server themselves.
var perProfile = []struct {
	name      string
	resources corev1.ResourceRequirements
}{
	{"ml-pipeline-ui-artifact", requirements("10m", "70Mi", "100m", "500Mi")},
	{"ml-pipeline-visualizationserver", requirements("50m", "200Mi", "500m", "1Gi")},
}

const profileControllerName = "kubeflow-pipelines-profile-controller"

// pipelineProfiles adds what Kubeflow Pipelines runs for profiles.
func (b *loadBuilder) pipelineProfiles(wanted func(string) bool) {
	quiet := b.view.Inventory().View()
	var controller *inventory.Object
	for o := range quiet.Of(deploymentKind) {
		if o.Key.Name == profileControllerName {
			controller = o
		}
	}
	if controller == nil {
		return
	}
	annotations := map[string]string{}
	if b.sidecarDisabled(controller) {
		annotations["sidecar.istio.io/inject"] = "false"
	}
	for namespace := range quiet.LiveOf(namespaceKind) {
		if namespace.Labels()["pipelines.kubeflow.org/enabled"] != "true" || !wanted(namespace.Key.Name) {
			continue
		}
		for _, d := range perProfile {
			if b.view.Get(deploymentKind, controller.Key.Namespace, d.name) == nil && d.name == "ml-pipeline-visualizationserver" {
				continue
			}
			if b.view.Get(deploymentKind, namespace.Key.Name, d.name) != nil {
				continue // rendered, and counted as such
			}
			owner := make1(profileControllerName, namespace, nil, map[string]any{
				"apiVersion": "apps/v1", "kind": "Deployment",
				"metadata": map[string]any{"name": d.name, "namespace": namespace.Key.Name},
			})
			pod := &Pod{Owner: owner, Namespace: namespace.Key.Name, Labels: labels.Set{"app": d.name}, Annotations: annotations, Replicas: 1,
				Spec: &corev1.PodSpec{Containers: []corev1.Container{{Name: d.name, Resources: d.resources}}}}
			l := b.load(pod, owner.Key.String())
			l.parts[d.name] = PodPart{Place: namespace.At("metadata", "name"), By: profileControllerName}
			l.Controller, l.Stuck = profileControllerName, true
			b.yield(l)
		}
	}
}

func (b *loadBuilder) sidecarDisabled(controller *inventory.Object) bool {
	if envOf(controller, "DISABLE_ISTIO_SIDECAR") == "true" {
		return true
	}
	container := inventory.Path{"spec", "template", "spec", "containers", 0, "envFrom"}
	for i := range controller.List(container) {
		name := controller.String(container.Join(i, "configMapRef", "name"))
		if env := b.view.Get(configMap, controller.Key.Namespace, name); env != nil && env.String("data", "DISABLE_ISTIO_SIDECAR") == "true" {
			return true
		}
	}
	return false
}

// argo is the configuration of Argo's workflow controller that shapes pods.
type argo struct {
	present  bool
	executor corev1.ResourceRequirements // of the containers init and wait
	main     corev1.ResourceRequirements // of main containers that state none
	place    inventory.Place
}

var argoConfigs = map[string]bool{"workflow-controller-configmap": true}

// argoOf reads the workflow controller's ConfigMap.
func (b *loadBuilder) argoOf() argo {
	var a argo
	for o := range b.view.Inventory().View().Of(configMap) {
		if !argoConfigs[o.Key.Name] {
			continue
		}
		a.present, a.place = true, o.At("data", "executor")
		read := func(key string, fields ...string) (r corev1.ResourceRequirements, ok bool) {
			doc, err := o.At("data", key).Document()
			if err != nil {
				return r, false
			}
			content, err := doc.Content()
			if err != nil {
				return r, false
			}
			for _, field := range fields {
				m, _ := content.(map[string]any)
				content = m[field]
			}
			m, _ := content.(map[string]any)
			if len(m) == 0 {
				return r, false
			}
			err = runtime.DefaultUnstructuredConverter.FromUnstructured(m, &r)
			return r, err == nil
		}
		// Each key of the ConfigMap, or one document of all under "config".
		for _, key := range [][]string{{"executorResources"}, {"config", "executorResources"}, {"executor", "resources"}, {"config", "executor", "resources"}} {
			if r, ok := read(key[0], key[1:]...); ok {
				a.executor = r
			}
		}
		for _, key := range [][]string{{"mainContainer", "resources"}, {"config", "mainContainer", "resources"}} {
			if r, ok := read(key[0], key[1:]...); ok {
				a.main = r
			}
		}
		if o.String("data", "executor") == "" && o.String("data", "config") != "" {
			a.place = o.At("data", "config")
		}
	}
	return a
}

// step is a pod of a workflow: Argo adds the containers init and wait.
func (b *loadBuilder) step(a argo, pod *Pod, name string) *Load {
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; len(c.Resources.Requests) == 0 && len(c.Resources.Limits) == 0 {
			c.Resources = *a.main.DeepCopy()
		}
	}
	l := b.load(pod, name)
	part := PodPart{Place: a.place, By: "Argo"}
	l.addInit(corev1.Container{Name: "init", Resources: *a.executor.DeepCopy()}, part)
	l.add(corev1.Container{Name: "wait", Resources: *a.executor.DeepCopy()}, part)
	l.Controller, l.Finite = "workflow-controller", true
	return l
}

// workflows adds the pods of rendered Workflows: one load for each template
// that is a pod.
func (b *loadBuilder) workflows(wanted func(string) bool) {
	a := b.argoOf()
	for _, kind := range []struct {
		name string
		spec inventory.Path
	}{
		{"Workflow", inventory.Path{"spec"}},
		{"CronWorkflow", inventory.Path{"spec", "workflowSpec"}},
	} {
		for o := range b.view.Of(inventory.GroupKind{Group: "argoproj.io", Kind: kind.name}) {
			if !wanted(o.Key.Namespace) {
				continue
			}
			var metadata podObject
			if m := o.Map(kind.spec.Join("podMetadata")); m != nil {
				_ = runtime.DefaultUnstructuredConverter.FromUnstructured(map[string]any{"metadata": m}, &metadata)
			}
			for i := range o.List(kind.spec.Join("templates")) {
				for _, field := range []string{"container", "script"} {
					at := kind.spec.Join("templates", i, field)
					content := o.Map(at)
					if content == nil {
						continue
					}
					var c corev1.Container
					if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &c); err != nil {
						b.unread = append(b.unread, Unread{o.At(at), err})
						continue
					}
					c.Name = "main"
					pod := &Pod{Owner: o, Path: kind.spec.Join("templates", i), Namespace: o.Key.Namespace, Labels: labels.Set{}, Replicas: 1,
						Annotations: metadata.Metadata.Annotations, Spec: &corev1.PodSpec{Containers: []corev1.Container{c}}}
					for name, value := range metadata.Metadata.Labels {
						pod.Labels[name] = value
					}
					l := b.step(a, pod, "template "+o.String(kind.spec.Join("templates", i, "name"))+" of "+o.Key.String())
					l.parts["main"] = PodPart{Place: o.At(at)}
					b.yield(l)
				}
			}
		}
	}
}
