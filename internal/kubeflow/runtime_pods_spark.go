package kubeflow

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// sparkApplications adds the driver and the executors of Spark applications.
// Spark itself gives them a request of processors (a limit only where coreLimit
// says so) and the same memory as request and limit, overhead included
// (resource-managers/kubernetes, BasicDriverFeatureStep and
// BasicExecutorFeatureStep).
func (b *loadBuilder) sparkApplications(wanted func(string) bool) {
	for _, kind := range []struct {
		name string
		spec inventory.Path
	}{
		{"SparkApplication", inventory.Path{"spec"}},
		{"ScheduledSparkApplication", inventory.Path{"spec", "template"}},
	} {
		for o := range b.view.Of(inventory.GroupKind{Group: "sparkoperator.k8s.io", Kind: kind.name}) {
			if !wanted(o.Key.Namespace) {
				continue
			}
			driver := b.spark(o, kind.spec, "driver")
			executors := b.spark(o, kind.spec, "executor")
			at := kind.spec.Join("executor", "instances")
			most, ok := o.Get(at).(int64)
			if !ok {
				most = 1
			}
			if dynamic, _ := o.Get(kind.spec.Join("dynamicAllocation", "enabled")).(bool); dynamic {
				at = kind.spec.Join("dynamicAllocation", "maxExecutors")
				most, _ = o.Get(at).(int64)
			}
			// One executor is enough to come to the end.
			executors.Most = int32(most)
			if most > 1 {
				executors.Scale = o.At(at)
			}
			b.yield(driver)
			b.yield(executors)
		}
	}
}

func (b *loadBuilder) spark(o *inventory.Object, spec inventory.Path, role string) *Load {
	at := spec.Join(role)
	cores := o.String(at.Join("coreRequest"))
	if cores == "" {
		cores = "1"
		if n, ok := o.Get(at.Join("cores")).(int64); ok {
			cores = strconv.FormatInt(n, 10)
		}
	}
	memory := sparkMemory(o, spec, at)
	c := corev1.Container{Name: "spark-kubernetes-" + role, Resources: requirements(cores, memory, o.String(at.Join("coreLimit")), memory)}
	if name := o.String(at.Join("gpu", "name")); name != "" {
		n, _ := o.Get(at.Join("gpu", "quantity")).(int64)
		put(&c.Resources.Limits, corev1.ResourceName(name), *resource.NewQuantity(n, resource.DecimalSI))
	}
	pod := &Pod{Owner: o, Path: at, Namespace: o.Key.Namespace, Replicas: 1, Labels: labels.Set{}, Annotations: map[string]string{},
		Spec: &corev1.PodSpec{Containers: []corev1.Container{c}}}
	maps.Copy(pod.Annotations, stringsOf(o.Map(at.Join("annotations"))))
	maps.Copy(pod.Labels, stringsOf(o.Map(at.Join("labels"))))
	l := b.load(pod, role+" of "+o.Key.String())
	l.parts[c.Name] = PodPart{Place: o.At(at)}
	l.Controller, l.Finite = "spark-operator", true
	return l
}

// sparkMemory is the memory of a Spark process with its overhead.
func sparkMemory(o *inventory.Object, spec, at inventory.Path) string {
	mebibytes := javaMemory(o.String(at.Join("memory")))
	if mebibytes == 0 {
		mebibytes = 1024
	}
	if overhead := javaMemory(o.String(at.Join("memoryOverhead"))); overhead > 0 {
		return fmt.Sprintf("%dMi", mebibytes+overhead)
	}
	factor, err := strconv.ParseFloat(o.String(spec.Join("memoryOverheadFactor")), 64)
	if err != nil {
		factor = 0.1
		if language := o.String(spec.Join("type")); language == "Python" || language == "R" {
			factor = 0.4
		}
	}
	return fmt.Sprintf("%dMi", mebibytes+max(384, int64(factor*float64(mebibytes))))
}

// javaMemory reads a size as Spark does, in mebibytes: 512m, 4g, 1t.
func javaMemory(text string) int64 {
	text = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "b")
	unit := int64(1)
	for suffix, factor := range map[string]int64{"m": 1, "g": 1 << 10, "t": 1 << 20} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = rest, factor
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n * unit
}
