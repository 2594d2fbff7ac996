package kubeflow

import (
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// knativeConfig finds a ConfigMap of Knative Serving.
func (b *loadBuilder) knativeConfig(name string) *inventory.Object {
	return b.view.Get(configMap, "knative-serving", name)
}

// revision completes the pods of a Knative revision: the sidecar queue-proxy,
// defaults of the user's containers, and the bounds of the autoscaler.
func (b *loadBuilder) revision(l *Load, annotations map[string]string) {
	b.revisionDefaults(l)
	part := PodPart{Place: l.Owner.At("spec"), By: "Knative"}
	if o := b.knativeConfig("config-deployment"); o != nil {
		part.Place = o.At("data")
	}
	l.add(corev1.Container{Name: "queue-proxy", Resources: b.queueProxy(annotations, l.Spec)}, part)
	l.Controller = "Knative"
	number := func(fallback int32, names ...string) int32 {
		for _, name := range names {
			if n, err := strconv.Atoi(annotations["autoscaling.knative.dev/"+name]); err == nil {
				return int32(n)
			}
		}
		return fallback
	}
	least := number(0, "min-scale", "minScale")
	l.Least, l.Most = least, number(0, "max-scale", "maxScale")
	if l.Most > 0 {
		for _, name := range []string{"max-scale", "maxScale"} {
			if _, ok := annotations["autoscaling.knative.dev/"+name]; ok && l.Scale.IsZero() {
				l.Scale = l.At("metadata", "annotations", "autoscaling.knative.dev/"+name)
			}
		}
	}
	if least == 0 {
		// A revision is ready once its first pods ran; then they may go.
		l.Least, l.Finite = max(1, number(1, "initial-scale", "initialScale")), true
	}
}

// revisionDefaults fills in what config-defaults says of the user's containers.
func (b *loadBuilder) revisionDefaults(l *Load) {
	o := b.knativeConfig("config-defaults")
	if o == nil {
		return
	}
	for i := range l.Full.Containers {
		c := &l.Full.Containers[i]
		if l.parts[c.Name].By != "" {
			continue
		}
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
			for _, each := range []struct {
				list *corev1.ResourceList
				kind string
			}{{&c.Resources.Requests, "request"}, {&c.Resources.Limits, "limit"}} {
				if _, set := (*each.list)[name]; set {
					continue
				}
				if q, err := resource.ParseQuantity(o.String("data", "revision-"+string(name)+"-"+each.kind)); err == nil {
					put(each.list, name, q)
				}
			}
		}
	}
}

// queueProxy is what Knative gives its sidecar
// (pkg/reconciler/revision/resources/queue.go, createQueueResources).
func (b *loadBuilder) queueProxy(annotations map[string]string, spec *corev1.PodSpec) corev1.ResourceRequirements {
	config, features := map[string]any{}, map[string]any{}
	if o := b.knativeConfig("config-deployment"); o != nil {
		config = o.Map("data")
	}
	if o := b.knativeConfig("config-features"); o != nil {
		features = o.Map("data")
	}
	r := requirements("25m", "", "", "")
	if value, _ := features["queueproxy.resource-defaults"].(string); strings.EqualFold(value, "enabled") {
		r = requirements("25m", "400Mi", "1000m", "800Mi")
	}
	set := func(list corev1.ResourceList, name corev1.ResourceName, text any) {
		if s, ok := text.(string); ok {
			if q, err := resource.ParseQuantity(s); err == nil {
				list[name] = q
			}
		}
	}
	stored := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}
	for _, name := range stored {
		set(r.Requests, name, config["queue-sidecar-"+string(name)+"-request"])
		set(r.Limits, name, config["queue-sidecar-"+string(name)+"-limit"])
	}
	const prefix = "queue.sidecar.serving.knative.dev/"
	percentage := annotations[prefix+"resource-percentage"]
	if percentage == "" {
		percentage = annotations[prefix+"resourcePercentage"]
	}
	if f, err := strconv.ParseFloat(percentage, 64); err == nil && len(spec.Containers) > 0 {
		user := spec.Containers[0].Resources
		portion(r.Requests, corev1.ResourceCPU, user.Requests, f, "25m", "100m")
		portion(r.Limits, corev1.ResourceCPU, user.Limits, f, "40m", "500m")
		portion(r.Requests, corev1.ResourceMemory, user.Requests, f, "50Mi", "200Mi")
		portion(r.Limits, corev1.ResourceMemory, user.Limits, f, "200Mi", "500Mi")
	}
	for _, name := range stored {
		set(r.Requests, name, annotations[prefix+string(name)+"-resource-request"])
		set(r.Limits, name, annotations[prefix+string(name)+"-resource-limit"])
	}
	return r
}

// portion sets a percentage of what the user's container has, within bounds.
func portion(to corev1.ResourceList, name corev1.ResourceName, of corev1.ResourceList, percent float64, least, most string) {
	q, ok := of[name]
	if !ok || q.IsZero() || q.Value() > math.MaxInt64/1000 {
		return
	}
	part := *resource.NewMilliQuantity(int64(float64(q.MilliValue())*percent/100), resource.BinarySI)
	if low := resource.MustParse(least); part.Cmp(low) < 0 {
		part = low
	}
	if high := resource.MustParse(most); part.Cmp(high) > 0 {
		part = high
	}
	to[name] = part
}

// kserve is KServe's ConfigMap inferenceservice-config.
type kserve struct {
	resource, initializer, agent corev1.ResourceRequirements
	raw                          bool // Deployments by default, not Knative
	place                        inventory.Place
	storage                      []*inventory.Object
}

func (b *loadBuilder) kserveOf() kserve {
	k := kserve{resource: requirements("1", "2Gi", "1", "2Gi"), initializer: requirements("100m", "100Mi", "1", "1Gi"), agent: requirements("100m", "100Mi", "1", "1Gi")}
	quiet := b.view.Inventory().View()
	for o := range quiet.Of(configMap) {
		if o.Key.Name != "inferenceservice-config" {
			continue
		}
		k.place = o.At("data")
		type sizes struct{ CPURequest, MemoryRequest, CPULimit, MemoryLimit string }
		of := func(s sizes) corev1.ResourceRequirements {
			return requirements(s.CPURequest, s.MemoryRequest, s.CPULimit, s.MemoryLimit)
		}
		var service struct{ Resource sizes }
		if text := o.String("data", "inferenceService"); text != "" && json.Unmarshal([]byte(text), &service) == nil {
			k.resource = of(service.Resource)
		}
		var initializer, agent sizes
		if json.Unmarshal([]byte(o.String("data", "storageInitializer")), &initializer) == nil {
			k.initializer = of(initializer)
		}
		if json.Unmarshal([]byte(o.String("data", "agent")), &agent) == nil {
			k.agent = of(agent)
		}
		var deploy struct{ DefaultDeploymentMode string }
		if json.Unmarshal([]byte(o.String("data", "deploy")), &deploy) == nil {
			k.raw = isRaw(deploy.DefaultDeploymentMode)
		}
	}
	k.storage = slices.Collect(quiet.Of(inventory.GroupKind{Group: "serving.kserve.io", Kind: "ClusterStorageContainer"}))
	return k
}

func isRaw(mode string) bool { return mode == "RawDeployment" || mode == "Standard" }

// storageContainer are the resources of the container that fetches a model.
func (k kserve) storageContainer(uri string) corev1.ResourceRequirements {
	for _, o := range k.storage {
		if kind := o.String("spec", "workloadType"); kind != "" && kind != "initContainer" {
			continue
		}
		for i := range o.List("spec", "supportedUriFormats") {
			prefix := o.String("spec", "supportedUriFormats", i, "prefix")
			expr := o.String("spec", "supportedUriFormats", i, "regex")
			matched := prefix != "" && strings.HasPrefix(uri, prefix)
			if re, err := regexp.Compile(expr); err == nil && expr != "" && re.MatchString(uri) {
				matched = true
			}
			if matched {
				return corev1.ResourceRequirements{
					Requests: resourceList(o.Map("spec", "container", "resources", "requests")),
					Limits:   resourceList(o.Map("spec", "container", "resources", "limits")),
				}
			}
		}
	}
	return *k.initializer.DeepCopy()
}

// inferenceServices adds the pods of KServe's components.
func (b *loadBuilder) inferenceServices(wanted func(string) bool) {
	var k *kserve
	for o := range b.view.Of(inventory.GroupKind{Group: "serving.kserve.io", Kind: "InferenceService"}) {
		if !wanted(o.Key.Namespace) || o.Version() == "v1alpha2" {
			continue
		}
		if k == nil {
			read := b.kserveOf()
			k = &read
		}
		raw := k.raw
		switch mode := o.Annotations()["serving.kserve.io/deploymentMode"]; mode {
		case "":
		case "ModelMesh":
			continue
		default:
			raw = isRaw(mode)
		}
		for _, component := range []string{"predictor", "transformer", "explainer"} {
			if o.Map("spec", component) != nil {
				b.yield(b.inference(*k, o, component, raw))
			}
		}
	}
}

// notFrameworks are fields of a component that hold a mapping and no model.
var notFrameworks = []string{
	"affinity", "nodeSelector", "securityContext", "dnsConfig", "overhead", "batcher", "logger", "labels", "annotations",
	"deploymentStrategy", "workerSpec", "os", "resources", "autoScaling",
}

func (b *loadBuilder) inference(k kserve, o *inventory.Object, component string, raw bool) *Load {
	at := inventory.Path{"spec", component}
	content := maps.Clone(o.Map(at))
	places := map[string]PodPart{}
	// What is not a pod spec: the model, in one of two spellings.
	var model *corev1.Container
	var uri string
	for _, field := range slices.Sorted(maps.Keys(content)) {
		m, ok := content[field].(map[string]any)
		if !ok || slices.Contains(notFrameworks, field) {
			continue
		}
		var c corev1.Container
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(m, &c); err != nil {
			b.unread = append(b.unread, Unread{o.At(at, field), err})
			return nil
		}
		c.Name = "kserve-container"
		model = &c
		uri, _ = m["storageUri"].(string)
		if storage, ok := m["storage"].(map[string]any); ok && uri == "" {
			uri = "s3://"
			if u, ok := storage["storageUri"].(string); ok {
				uri = u
			}
		}
		delete(content, field)
		places[c.Name] = PodPart{Place: o.At(at, field)}
	}
	var spec corev1.PodSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &spec); err != nil {
		b.unread = append(b.unread, Unread{o.At(at), err})
		return nil
	}
	if model != nil {
		spec.Containers = append([]corev1.Container{*model}, spec.Containers...)
	}
	if len(spec.Containers) == 0 {
		return nil
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		if _, known := places[c.Name]; known {
			continue
		}
		position := i
		if model != nil {
			position--
		}
		if c.Name == "" || (i == 0 && model == nil) {
			c.Name = "kserve-container"
			for _, env := range c.Env {
				if env.Name == "STORAGE_URI" {
					uri = env.Value
				}
			}
		}
		places[c.Name] = PodPart{Place: o.At(at, "containers", position)}
	}
	// The webhook completes the first container only.
	first := &spec.Containers[0].Resources
	for name, q := range k.resource.Requests {
		if _, set := first.Requests[name]; !set {
			put(&first.Requests, name, q)
		}
	}
	for name, q := range k.resource.Limits {
		if _, set := first.Limits[name]; !set {
			put(&first.Limits, name, q)
		}
	}
	pod := &Pod{Owner: o, Path: at, Namespace: o.Key.Namespace, Replicas: 1, Spec: &spec,
		Labels:      labels.Set{"serving.kserve.io/inferenceservice": o.Key.Name, "component": component},
		Annotations: map[string]string{}}
	maps.Copy(pod.Annotations, o.Annotations())
	maps.Copy(pod.Annotations, stringsOf(o.Map(at, "annotations")))
	maps.Copy(pod.Labels, o.Labels())
	maps.Copy(pod.Labels, stringsOf(o.Map(at, "labels")))
	l := b.load(pod, component+" of "+o.Key.String())
	maps.Copy(l.parts, places)
	l.Controller = "KServe"
	part := PodPart{Place: k.place, By: "KServe"}
	if part.Place.IsZero() {
		part.Place = o.At(at)
	}
	if uri != "" && !strings.HasPrefix(uri, "pvc://") && !strings.HasPrefix(uri, "oci://") {
		l.addInit(corev1.Container{Name: "storage-initializer", Resources: k.storageContainer(uri)}, part)
	}
	if o.Get(at, "logger") != nil || o.Get(at, "batcher") != nil {
		l.add(corev1.Container{Name: "agent", Resources: *k.agent.DeepCopy()}, part)
	}
	least, most := int64(1), int64(0)
	if n, ok := o.Get(at, "minReplicas").(int64); ok {
		least = n
	}
	if n, ok := o.Get(at, "maxReplicas").(int64); ok {
		most = n
	}
	if !raw {
		b.revision(l, pod.Annotations)
		l.Controller = "KServe"
	}
	l.Least, l.Most, l.Finite = int32(least), int32(most), false
	l.Scale = inventory.Place{}
	if most > least {
		l.Scale = o.At(at, "maxReplicas")
	}
	if least == 0 {
		l.Least, l.Finite = 1, !raw
	}
	// A Deployment rolls; a revision starts beside the old one and needs all
	// of its pods before that goes.
	l.Stuck = true
	return l
}

func stringsOf(m map[string]any) map[string]string {
	out := map[string]string{}
	for name, value := range m {
		if s, ok := value.(string); ok {
			out[name] = s
		}
	}
	return out
}
