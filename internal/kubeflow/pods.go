package kubeflow

import (
	"encoding/json"
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Pod is a pod that will run because of an object: the template of a
// workload with what admission adds to it.
type Pod struct {
	Owner *inventory.Object
	// Path leads from the owner to the pod or pod template: its metadata and
	// spec are below.
	Path        inventory.Path
	Namespace   string
	Labels      labels.Set // injected ones included
	Annotations map[string]string
	Spec        *corev1.PodSpec
	// Replicas is how many of it run at once by the owner's own word (1 where
	// it says nothing; a DaemonSet's number is unknown and stands as 1).
	Replicas int32
	// Injected are the containers that a mesh adds, with their requests; the
	// ones that run to the end before the pod starts are in InjectedInit.
	Injected, InjectedInit []corev1.Container
}

// At names a field of the pod template, "metadata" and "spec" included.
func (p *Pod) At(steps ...any) inventory.Place {
	return p.Owner.At(p.Path, inventory.MakePath(steps...))
}

// ContainerAt names a container of the spec by its position, init containers
// included: list is "containers", "initContainers" or "ephemeralContainers".
func (p *Pod) ContainerAt(list string, i int, steps ...any) inventory.Place {
	return p.At("spec", list, i, inventory.MakePath(steps...))
}

// Containers yields the containers and init containers of the template (not
// the injected ones), each with its place.
func (p *Pod) Containers() iter.Seq2[inventory.Place, *corev1.Container] {
	return func(yield func(inventory.Place, *corev1.Container) bool) {
		for i := range p.Spec.InitContainers {
			if !yield(p.ContainerAt("initContainers", i), &p.Spec.InitContainers[i]) {
				return
			}
		}
		for i := range p.Spec.Containers {
			if !yield(p.ContainerAt("containers", i), &p.Spec.Containers[i]) {
				return
			}
		}
	}
}

// ServiceAccount is the account that the pod runs as.
func (p *Pod) ServiceAccount() string {
	if p.Spec.ServiceAccountName != "" {
		return p.Spec.ServiceAccountName
	}
	if p.Spec.DeprecatedServiceAccount != "" {
		return p.Spec.DeprecatedServiceAccount
	}
	return "default"
}

// HasSidecar reports whether a mesh sidecar will run in the pod.
func (p *Pod) HasSidecar() bool { return len(p.Injected) > 0 }

// podPaths are the kinds that make pods and where their template stands.
var podPaths = []struct {
	kind     inventory.GroupKind
	path     inventory.Path
	replicas inventory.Path
}{
	{inventory.GroupKind{Group: "", Kind: "Pod"}, inventory.Path{}, nil},
	{inventory.GroupKind{Group: "", Kind: "ReplicationController"}, inventory.Path{"spec", "template"}, inventory.Path{"spec", "replicas"}},
	{inventory.GroupKind{Group: "apps", Kind: "Deployment"}, inventory.Path{"spec", "template"}, inventory.Path{"spec", "replicas"}},
	{inventory.GroupKind{Group: "apps", Kind: "StatefulSet"}, inventory.Path{"spec", "template"}, inventory.Path{"spec", "replicas"}},
	{inventory.GroupKind{Group: "apps", Kind: "ReplicaSet"}, inventory.Path{"spec", "template"}, inventory.Path{"spec", "replicas"}},
	{inventory.GroupKind{Group: "apps", Kind: "DaemonSet"}, inventory.Path{"spec", "template"}, nil},
	{inventory.GroupKind{Group: "batch", Kind: "Job"}, inventory.Path{"spec", "template"}, inventory.Path{"spec", "parallelism"}},
	{inventory.GroupKind{Group: "batch", Kind: "CronJob"}, inventory.Path{"spec", "jobTemplate", "spec", "template"}, inventory.Path{"spec", "jobTemplate", "spec", "parallelism"}},
	{inventory.GroupKind{Group: "kubeflow.org", Kind: "Notebook"}, inventory.Path{"spec", "template"}, nil},
	{inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}, inventory.Path{"spec", "template"}, nil},
}

// PodKinds are the kinds whose objects make pods.
func PodKinds() []inventory.GroupKind {
	var kinds []inventory.GroupKind
	for _, p := range podPaths {
		kinds = append(kinds, p.kind)
	}
	return kinds
}

// podObject reads a pod or a pod template.
type podObject struct {
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec corev1.PodSpec `json:"spec"`
}

// Pods yields the pods that the objects of the view will run, those of objects
// that controllers make included. The owner's Made tells them apart.
func Pods(v *inventory.View) iter.Seq[*Pod] {
	return func(yield func(*Pod) bool) {
		mesh := injectorOf(v.Inventory())
		for _, p := range podPaths {
			for o := range v.LiveOf(p.kind) {
				pod, ok := podOf(v, o, p.path, p.replicas)
				if !ok {
					continue
				}
				mesh.inject(v, pod)
				if !yield(pod) {
					return
				}
			}
		}
	}
}

// PodsOf is [Pods] for one owner. It yields nothing for kinds that make no
// pods.
func PodsOf(v *inventory.View, o *inventory.Object) iter.Seq[*Pod] {
	return func(yield func(*Pod) bool) {
		for _, p := range podPaths {
			if p.kind != o.Key.GroupKind {
				continue
			}
			if pod, ok := podOf(v, o, p.path, p.replicas); ok {
				injectorOf(v.Inventory()).inject(v, pod)
				yield(pod)
			}
			return
		}
	}
}

func podOf(v *inventory.View, o *inventory.Object, path, replicas inventory.Path) (*Pod, bool) {
	var decoded *podObject
	if len(path) == 0 {
		typed, ok := inventory.Kind[podObject]{}.As(v, o)
		if !ok {
			return nil, false
		}
		decoded = typed.Value
	} else {
		typed, ok := inventory.Kind[templates]{}.As(v, o)
		if !ok {
			return nil, false
		}
		decoded = &typed.Value.Spec.Template
		if o.Key.Kind == "CronJob" {
			decoded = &typed.Value.Spec.JobTemplate.Spec.Template
		}
	}
	if len(decoded.Spec.Containers) == 0 {
		return nil, false
	}
	pod := &Pod{
		Owner:       o,
		Path:        path,
		Namespace:   o.Key.Namespace,
		Labels:      labels.Set{},
		Annotations: decoded.Metadata.Annotations,
		Spec:        &decoded.Spec,
		Replicas:    1,
	}
	for name, value := range decoded.Metadata.Labels {
		pod.Labels[name] = value
	}
	if n, ok := o.Get(replicas).(int64); ok && replicas != nil {
		pod.Replicas = int32(n)
	}
	switch o.Key.GroupKind {
	case inventory.GroupKind{Group: "kubeflow.org", Kind: "Notebook"}:
		// notebook_controller.go, generateStatefulSet.
		pod.Labels["statefulset"] = o.Key.Name
		pod.Labels["notebook-name"] = o.Key.Name
		for name, value := range o.Labels() {
			pod.Labels[name] = value
		}
	case inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}:
		pod.Labels["serving.knative.dev/service"] = o.Key.Name
	case inventory.GroupKind{Group: "batch", Kind: "Job"}:
		pod.Labels["batch.kubernetes.io/job-name"] = o.Key.Name
		pod.Labels["job-name"] = o.Key.Name
	}
	return pod, true
}

// templates reads the pod template of any workload kind.
type templates struct {
	Spec struct {
		Template    podObject `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template podObject `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

// An injector is Istio's sidecar injection as the render configures it.
type injector struct {
	present bool
	proxy   corev1.ResourceRequirements
	init    corev1.ResourceRequirements
	cni     bool
}

var (
	configMap       = inventory.GroupKind{Group: "", Kind: "ConfigMap"}
	mutatingWebhook = inventory.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}
)

// injectorOf reads the injector's values: the ConfigMap istio-sidecar-injector,
// key values (istio/manifests/charts/istio-control/istio-discovery).
func injectorOf(inv *inventory.Inventory) *injector {
	mesh := &injector{}
	for o := range inv.View().Of(mutatingWebhook) {
		for _, hook := range o.List("webhooks") {
			name, _ := inventory.Lookup(hook, inventory.Path{"name"})
			if s, _ := name.(string); s == "namespace.sidecar-injector.istio.io" || s == "sidecar-injector.istio.io" || s == "rev.namespace.sidecar-injector.istio.io" {
				mesh.present = true
			}
		}
	}
	if !mesh.present {
		return mesh
	}
	var values struct {
		Global struct {
			Proxy struct {
				Resources corev1.ResourceRequirements `json:"resources"`
			} `json:"proxy"`
			ProxyInit struct {
				Resources *corev1.ResourceRequirements `json:"resources"`
			} `json:"proxy_init"`
		} `json:"global"`
		CNI struct {
			Enabled bool `json:"enabled"`
		} `json:"istio_cni"`
		Pilot struct {
			CNI struct {
				Enabled bool `json:"enabled"`
			} `json:"cni"`
		} `json:"pilot"`
	}
	for o := range inv.View().Of(configMap) {
		if o.Key.Name == "istio-sidecar-injector" {
			// What does not parse leaves no requests, which is what would be
			// injected if the field were absent.
			_ = json.Unmarshal([]byte(o.String("data", "values")), &values)
		}
	}
	mesh.proxy = values.Global.Proxy.Resources
	mesh.init = mesh.proxy
	if values.Global.ProxyInit.Resources != nil {
		mesh.init = *values.Global.ProxyInit.Resources
	}
	mesh.cni = values.CNI.Enabled || values.Pilot.CNI.Enabled
	return mesh
}

// inject adds what the webhook would add, by the rules of Istio's injection
// (labels win over annotations, the pod's over the namespace's).
func (m *injector) inject(v *inventory.View, pod *Pod) {
	if !m.present || pod.Spec.HostNetwork || slices.Contains([]string{"kube-system", "kube-public", "kube-node-lease", "local-path-storage"}, pod.Namespace) {
		return
	}
	namespace, _ := v.Namespace(pod.Namespace)
	wanted := namespace["istio-injection"] == "enabled" ||
		(namespace["istio-injection"] == "" && namespace["istio.io/rev"] != "")
	if namespace["istio-injection"] == "disabled" {
		return
	}
	if value := pod.Annotations["sidecar.istio.io/inject"]; value != "" {
		// The annotation only opts out, or in where the namespace asks.
		wanted = wanted && value != "false"
	}
	switch pod.Labels["sidecar.istio.io/inject"] {
	case "true":
		wanted = true
	case "false":
		wanted = false
	}
	if !wanted {
		return
	}
	for _, c := range pod.Spec.Containers {
		if c.Name == "istio-proxy" { // a gateway: its own template, completed in place
			return
		}
	}
	if _, set := pod.Labels["service.istio.io/canonical-name"]; !set {
		name := pod.Labels["app.kubernetes.io/name"]
		if name == "" {
			name = pod.Labels["app"]
		}
		if name == "" {
			name = pod.Owner.Key.Name
		}
		pod.Labels["service.istio.io/canonical-name"] = name
	}
	pod.Labels["security.istio.io/tlsMode"] = "istio"
	pod.Injected = []corev1.Container{{Name: "istio-proxy", Resources: m.proxy, Ports: []corev1.ContainerPort{{Name: "http-envoy-prom", ContainerPort: 15090, Protocol: corev1.ProtocolTCP}}}}
	name := "istio-init"
	if m.cni {
		name = "istio-validation"
	}
	pod.InjectedInit = []corev1.Container{{Name: name, Resources: m.init}}
}
