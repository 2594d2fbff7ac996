package kubeflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Load is one kind of pods that will run in a namespace: the template, what
// injectors and controllers add to it, and how many of it run at once.
type Load struct {
	*Pod
	// Name is how messages call the pods: "Deployment team-a/web".
	Name string
	// Full is the pod as it comes to the last plugins of the API server: the
	// template with every container that is added, LimitRanges not yet applied.
	Full *corev1.PodSpec
	// Least are the pods that must run at once for the owner to work, Most
	// those that it may run; Most is 0 where nothing bounds it.
	Least, Most int32
	// Scale is the field that sets Most above Least: a maximum of an
	// autoscaler.
	Scale inventory.Place
	// Stuck says that a rolling update starts a new pod before it ends an old
	// one, and does nothing else first.
	Stuck bool
	// Finite pods run to an end, and others may take their room then.
	Finite bool
	// PerNode pods run once on every node that they are for.
	PerNode bool
	// Controller is who creates the pods, where it is not Kubernetes.
	Controller string

	parts map[string]PodPart
}

// A PodPart tells where a container of a pod comes from.
type PodPart struct {
	// Place is the container in the user's tree, or what adds it.
	Place inventory.Place
	// By names who adds the container; it is empty for one of the template.
	By string
}

// Part tells where a container of the full pod comes from.
func (l *Load) Part(container string) PodPart {
	if part, ok := l.parts[container]; ok {
		return part
	}
	for i, c := range l.Spec.Containers {
		if c.Name == container {
			return PodPart{Place: l.ContainerAt("containers", i)}
		}
	}
	for i, c := range l.Spec.InitContainers {
		if c.Name == container {
			return PodPart{Place: l.ContainerAt("initContainers", i)}
		}
	}
	return PodPart{Place: l.At("spec")}
}

// add adds a container to the full pod.
func (l *Load) add(c corev1.Container, part PodPart) {
	l.parts[c.Name] = part
	l.Full.Containers = append(l.Full.Containers, c)
}

func (l *Load) addInit(c corev1.Container, part PodPart) {
	l.parts[c.Name] = part
	l.Full.InitContainers = append(l.Full.InitContainers, c)
}

// Loads are the pods that the objects of the view will run in the namespaces
// that are wanted, in a fixed order. unread are templates inside custom
// resources that cannot be read as pods.
//
// What users start later (pipeline runs, notebooks from the form) is not among
// them: see [OnDemand].
func Loads(v *inventory.View, wanted func(namespace string) bool) (loads []*Load, unread []Unread) {
	b := newLoadBuilder(v)
	for _, p := range podPaths {
		for o := range v.LiveOf(p.kind) {
			if !wanted(o.Key.Namespace) {
				continue
			}
			if pod, ok := podOf(v, o, p.path, p.replicas); ok {
				b.yield(b.workload(pod))
			}
		}
	}
	b.inferenceServices(wanted)
	b.trainingJobs(wanted)
	b.tensorboards(wanted)
	b.workflows(wanted)
	b.sparkApplications(wanted)
	b.suggestions(wanted)
	b.pipelineProfiles(wanted)
	slices.SortStableFunc(b.loads, func(x, y *Load) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	return b.loads, b.unread
}

// Unread is a pod template that cannot be read.
type Unread struct {
	Place inventory.Place
	Err   error
}

type loadBuilder struct {
	view   *inventory.View
	mesh   *injector
	native bool
	proxy  PodPart // the sidecar's
	scaled map[inventory.Key]*inventory.Object
	class  string // of pods that name no priority class
	loads  []*Load
	unread []Unread
}

var (
	hpaKind           = inventory.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	priorityClassKind = inventory.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}
	runtimeClassKind  = inventory.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}
	deploymentKind    = inventory.GroupKind{Group: "apps", Kind: "Deployment"}
	jobKind           = inventory.GroupKind{Group: "batch", Kind: "Job"}
	notebookKind      = inventory.GroupKind{Group: "kubeflow.org", Kind: "Notebook"}
	knativeKind       = inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}
)

func newLoadBuilder(v *inventory.View) *loadBuilder {
	b := &loadBuilder{view: v, mesh: injectorOf(v.Inventory()), scaled: map[inventory.Key]*inventory.Object{}}
	b.proxy.By = "Istio"
	// What the builder only consults is not what a check is about.
	quiet := v.Inventory().View()
	for o := range quiet.Of(configMap) {
		if o.Key.Name == "istio-sidecar-injector" {
			b.proxy.Place = o.At("data", "values")
		}
	}
	for o := range quiet.Of(deploymentKind) {
		if b.mesh.present && strings.HasPrefix(o.Key.Name, "istiod") {
			b.native = b.native || envOf(o, "ENABLE_NATIVE_SIDECARS") == "true"
		}
	}
	for o := range quiet.Of(hpaKind) {
		group, _ := inventory.SplitAPIVersion(o.String("spec", "scaleTargetRef", "apiVersion"))
		b.scaled[inventory.Key{
			GroupKind: inventory.GroupKind{Group: group, Kind: o.String("spec", "scaleTargetRef", "kind")},
			Namespace: o.Key.Namespace,
			Name:      o.String("spec", "scaleTargetRef", "name"),
		}] = o
	}
	for o := range quiet.Of(priorityClassKind) {
		if global, _ := o.Get("globalDefault").(bool); global {
			b.class = o.Key.Name
		}
	}
	return b
}

// envOf is the value of an environment variable of a workload's first
// container.
func envOf(o *inventory.Object, name string) string {
	for i := range o.List("spec", "template", "spec", "containers", 0, "env") {
		if o.String("spec", "template", "spec", "containers", 0, "env", i, "name") == name {
			return o.String("spec", "template", "spec", "containers", 0, "env", i, "value")
		}
	}
	return ""
}

func (b *loadBuilder) yield(l *Load) {
	if l != nil {
		b.loads = append(b.loads, l)
	}
}

// load completes a pod with what admission adds to any pod.
func (b *loadBuilder) load(pod *Pod, name string) *Load {
	l := &Load{Pod: pod, Name: name, Full: pod.Spec.DeepCopy(), Least: pod.Replicas, Most: pod.Replicas, parts: map[string]PodPart{}}
	b.mesh.inject(b.view, pod)
	sidecar := slices.Clone(pod.Injected)
	for i := range sidecar {
		sidecar[i].Resources = annotated(pod.Annotations, sidecar[i].Resources)
	}
	inits := slices.Clone(pod.InjectedInit)
	for i := range inits {
		inits[i].Resources = annotated(pod.Annotations, inits[i].Resources)
		l.parts[inits[i].Name] = b.proxy
	}
	native := b.native
	if value, ok := pod.Annotations["sidecar.istio.io/nativeSidecar"]; ok {
		native = value == "true"
	}
	for _, c := range sidecar {
		if native {
			always := corev1.ContainerRestartPolicyAlways
			c.RestartPolicy = &always
			l.parts[c.Name] = b.proxy
			inits = append(inits, c)
			continue
		}
		l.add(c, b.proxy)
	}
	l.Full.InitContainers = append(inits, l.Full.InitContainers...)
	if l.Full.PriorityClassName == "" {
		l.Full.PriorityClassName = b.class
	}
	if class := l.Full.RuntimeClassName; class != nil && l.Full.Overhead == nil {
		if o := b.view.Get(runtimeClassKind, "", *class); o != nil {
			l.Full.Overhead = resourceList(o.Map("overhead", "podFixed"))
		}
	}
	return l
}

// annotated are the resources of Istio's sidecar with the annotations of the
// pod, by the template "resources" of Istio's injection: one annotation
// replaces all defaults.
func annotated(annotations map[string]string, defaults corev1.ResourceRequirements) corev1.ResourceRequirements {
	own := corev1.ResourceRequirements{}
	any := false
	for name, set := range map[string]func(resource.Quantity){
		"proxyCPU":         func(q resource.Quantity) { put(&own.Requests, corev1.ResourceCPU, q) },
		"proxyMemory":      func(q resource.Quantity) { put(&own.Requests, corev1.ResourceMemory, q) },
		"proxyCPULimit":    func(q resource.Quantity) { put(&own.Limits, corev1.ResourceCPU, q) },
		"proxyMemoryLimit": func(q resource.Quantity) { put(&own.Limits, corev1.ResourceMemory, q) },
	} {
		value, ok := annotations["sidecar.istio.io/"+name]
		if !ok {
			continue
		}
		any = true
		if q, err := resource.ParseQuantity(value); err == nil {
			set(q)
		}
	}
	if any {
		return own
	}
	return defaults
}

func put(list *corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) {
	if *list == nil {
		*list = corev1.ResourceList{}
	}
	(*list)[name] = q
}

// resourceList reads quantities; what is not one is left out.
func resourceList(m map[string]any) corev1.ResourceList {
	list := corev1.ResourceList{}
	for name, value := range m {
		if q, err := resource.ParseQuantity(fmt.Sprint(value)); err == nil {
			list[corev1.ResourceName(name)] = q
		}
	}
	return list
}

// workload is the load of an object of one of the kinds in podPaths.
func (b *loadBuilder) workload(pod *Pod) *Load {
	o := pod.Owner
	l := b.load(pod, o.Key.String())
	switch o.Key.GroupKind {
	case deploymentKind:
		l.Stuck = stuck(o, pod.Replicas)
	case inventory.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		l.PerNode = true
	case jobKind, inventory.GroupKind{Group: "batch", Kind: "CronJob"}:
		spec := inventory.Path{"spec"}
		if o.Key.Kind == "CronJob" {
			spec = inventory.Path{"spec", "jobTemplate", "spec"}
		}
		l.Finite = true
		if n, ok := o.Get(spec.Join("completions")).(int64); ok && n < int64(l.Most) {
			l.Most = int32(n)
		}
		// A Job comes to its end with one pod at a time too.
		l.Least = min(1, l.Most)
		l.Scale = o.At(spec.Join("parallelism"))
		for _, path := range []inventory.Path{spec.Join("suspend"), {"spec", "suspend"}} {
			if suspended, _ := o.Get(path).(bool); suspended {
				l.Least, l.Most = 0, 0
			}
		}
	case inventory.GroupKind{Group: "", Kind: "Pod"}:
		l.Finite = pod.Spec.RestartPolicy == corev1.RestartPolicyNever || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
	case notebookKind:
		l.Controller = "notebook-controller"
		if _, stopped := o.Annotations()["kubeflow-resource-stopped"]; stopped {
			l.Least, l.Most = 0, 0
		}
	case knativeKind:
		b.revision(l, pod.Annotations)
	}
	if hpa := b.scaled[o.Key]; hpa != nil && l.Least > 0 {
		least, ok := hpa.Get("spec", "minReplicas").(int64)
		if !ok {
			least = 1
		}
		most, _ := hpa.Get("spec", "maxReplicas").(int64)
		l.Least, l.Most, l.Scale = int32(least), int32(max(least, most)), hpa.At("spec", "maxReplicas")
	}
	return l
}

// stuck reports whether a rolling update of a Deployment can only begin with a
// pod more than there are: none may be missing.
func stuck(o *inventory.Object, replicas int32) bool {
	if o.String("spec", "strategy", "type") == "Recreate" || replicas == 0 {
		return false
	}
	of := func(field string, roundUp bool) int {
		value := intstr.FromString("25%")
		switch set := o.Get("spec", "strategy", "rollingUpdate", field).(type) {
		case int64:
			value = intstr.FromInt32(int32(set))
		case string:
			value = intstr.FromString(set)
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(&value, int(replicas), roundUp)
		if err != nil {
			return 1
		}
		return n
	}
	surge, missing := of("maxSurge", true), of("maxUnavailable", false)
	if surge == 0 && missing == 0 {
		missing = 1 // deployment controller, ResolveFenceposts
	}
	return missing == 0
}

// template reads a pod template of a custom resource.
func (b *loadBuilder) template(o *inventory.Object, path inventory.Path) (*Pod, bool) {
	content, ok := o.Get(path).(map[string]any)
	if !ok {
		return nil, false
	}
	return b.decoded(o, path, content)
}

func (b *loadBuilder) decoded(o *inventory.Object, path inventory.Path, content map[string]any) (*Pod, bool) {
	var t podObject
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &t); err != nil {
		b.unread = append(b.unread, Unread{o.At(path), err})
		return nil, false
	}
	if len(t.Spec.Containers) == 0 {
		return nil, false
	}
	pod := &Pod{Owner: o, Path: path, Namespace: o.Key.Namespace, Labels: labels.Set{}, Annotations: t.Metadata.Annotations, Spec: &t.Spec, Replicas: 1}
	for name, value := range t.Metadata.Labels {
		pod.Labels[name] = value
	}
	return pod, true
}

// tensorboards: the controller's Deployment states no resources
// (tensorboard_controller.go, generateDeployment).
func (b *loadBuilder) tensorboards(wanted func(string) bool) {
	for o := range b.view.Of(inventory.GroupKind{Group: "tensorboard.kubeflow.org", Kind: "Tensorboard"}) {
		if wanted(o.Key.Namespace) {
			b.yield(b.tensorboard(o, o.Key.Namespace, o.Key.String()))
		}
	}
	for o := range b.view.Of(inventory.GroupKind{Group: "kubeflow.org", Kind: "PVCViewer"}) {
		if !wanted(o.Key.Namespace) {
			continue
		}
		// The podSpec is a spec, not a template: there is no metadata.
		if spec := o.Map("spec", "podSpec"); spec != nil {
			if pod, ok := b.decoded(o, inventory.Path{"spec", "podSpec"}, map[string]any{"spec": spec}); ok {
				l := b.load(pod, o.Key.String())
				for i, c := range pod.Spec.Containers {
					l.parts[c.Name] = PodPart{Place: o.At("spec", "podSpec", "containers", i)}
				}
				l.Controller, l.Stuck = "pvcviewer-controller", true
				b.yield(l)
			}
		}
	}
}

func (b *loadBuilder) tensorboard(o *inventory.Object, namespace, name string) *Load {
	pod := &Pod{Owner: o, Namespace: namespace, Labels: labels.Set{"app": o.Key.Name}, Replicas: 1,
		Spec: &corev1.PodSpec{Containers: []corev1.Container{{Name: "tensorboard"}}}}
	l := b.load(pod, name)
	l.parts["tensorboard"] = PodPart{Place: o.At("spec"), By: "tensorboard-controller"}
	l.Controller, l.Stuck = "tensorboard-controller", true
	return l
}
