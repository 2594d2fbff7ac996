package quota

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	resourcehelper "k8s.io/component-helpers/resource"
)

// mandatory are the resources that a quota makes every container state. The
// list will not grow (evaluator/core/pods.go, validationSet).
var mandatory = map[corev1.ResourceName]bool{
	corev1.ResourceCPU:            true,
	corev1.ResourceMemory:         true,
	corev1.ResourceRequestsCPU:    true,
	corev1.ResourceRequestsMemory: true,
	corev1.ResourceLimitsCPU:      true,
	corev1.ResourceLimitsMemory:   true,
}

// Missing is a resource that a quota demands and containers do not state.
type Missing struct {
	Resource   corev1.ResourceName
	Containers []string // sorted
}

// Lacking returns what a quota demands of a pod that [Complete] returned and
// its containers, init containers included, do not state. Resources at pod
// level lift the demand.
func Lacking(spec *corev1.PodSpec, hard corev1.ResourceList, opts Options) []Missing {
	if !opts.NoPodResources && resourcehelper.IsPodLevelResourcesSet(&corev1.Pod{Spec: *spec}) {
		return nil
	}
	var lacking []Missing
	for _, name := range names(hard) {
		if !mandatory[name] {
			continue
		}
		var without []string
		for c := range containers(spec) {
			if _, set := charge(c.Resources.Requests, c.Resources.Limits)[name]; !set {
				without = append(without, c.Name)
			}
		}
		if len(without) > 0 {
			slices.Sort(without)
			lacking = append(lacking, Missing{name, without})
		}
	}
	return lacking
}

// PodUsage is what a quota charges for a pod that [Complete] returned.
func PodUsage(spec *corev1.PodSpec, opts Options) corev1.ResourceList {
	pod := &corev1.Pod{Spec: *spec}
	o := resourcehelper.PodResourcesOptions{SkipPodLevelResources: opts.NoPodResources}
	usage := charge(resourcehelper.PodRequests(pod, o), resourcehelper.PodLimits(pod, o))
	usage["count/pods"] = *resource.NewQuantity(1, resource.DecimalSI)
	usage[corev1.ResourcePods] = *resource.NewQuantity(1, resource.DecimalSI)
	return usage
}

// charge names requests and limits as quotas do (podComputeUsageHelper).
func charge(requests, limits corev1.ResourceList) corev1.ResourceList {
	usage := corev1.ResourceList{}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		if q, ok := requests[name]; ok {
			usage[name] = q.DeepCopy()
			usage[corev1.DefaultResourceRequestsPrefix+name] = q.DeepCopy()
		}
		if q, ok := limits[name]; ok {
			usage["limits."+name] = q.DeepCopy()
		}
	}
	for name, q := range requests {
		if IsHugePages(name) {
			usage[name] = q.DeepCopy()
			usage[corev1.DefaultResourceRequestsPrefix+name] = q.DeepCopy()
		}
		if IsExtended(name) {
			usage[corev1.DefaultResourceRequestsPrefix+name] = q.DeepCopy()
		}
	}
	return usage
}

// ClaimUsage is what a quota charges for a claim. class is the storage class
// that the claim is stored with; empty for none.
func ClaimUsage(claim *corev1.PersistentVolumeClaimSpec, class string) corev1.ResourceList {
	one := *resource.NewQuantity(1, resource.DecimalSI)
	usage := corev1.ResourceList{
		"count/persistentvolumeclaims":        one,
		corev1.ResourcePersistentVolumeClaims: one.DeepCopy(),
	}
	if class != "" {
		usage[corev1.ResourceName(class+storageClassInfix)+corev1.ResourcePersistentVolumeClaims] = one.DeepCopy()
	}
	if q, ok := claim.Resources.Requests[corev1.ResourceStorage]; ok {
		q = q.DeepCopy()
		q.RoundUp(0)
		usage[corev1.ResourceRequestsStorage] = q
		if class != "" {
			usage[corev1.ResourceName(class+storageClassInfix)+corev1.ResourceRequestsStorage] = q.DeepCopy()
		}
	}
	return usage
}

// ServiceUsage is what a quota charges for a Service.
func ServiceUsage(service *corev1.ServiceSpec) corev1.ResourceList {
	usage := corev1.ResourceList{
		"count/services":        *resource.NewQuantity(1, resource.DecimalSI),
		corev1.ResourceServices: *resource.NewQuantity(1, resource.DecimalSI),
	}
	ports := int64(len(service.Ports))
	switch service.Type {
	case corev1.ServiceTypeNodePort:
		usage[corev1.ResourceServicesNodePorts] = *resource.NewQuantity(ports, resource.DecimalSI)
	case corev1.ServiceTypeLoadBalancer:
		if allocate := service.AllocateLoadBalancerNodePorts; allocate != nil && !*allocate {
			ports = 0
			for _, p := range service.Ports {
				if p.NodePort != 0 {
					ports++
				}
			}
		}
		usage[corev1.ResourceServicesNodePorts] = *resource.NewQuantity(ports, resource.DecimalSI)
		usage[corev1.ResourceServicesLoadBalancers] = *resource.NewQuantity(1, resource.DecimalSI)
	}
	return usage
}

// MatchesPod reports whether the scopes of a quota take in a pod that
// [Complete] returned.
func MatchesPod(quota *corev1.ResourceQuotaSpec, spec *corev1.PodSpec, opts Options) bool {
	for _, selector := range scopes(quota) {
		if !podInScope(selector, spec, opts) {
			return false
		}
	}
	return true
}

// MatchesClaim reports whether the scopes of a quota take in a claim: only
// that of volume attributes classes does.
func MatchesClaim(quota *corev1.ResourceQuotaSpec, claim *corev1.PersistentVolumeClaimSpec) bool {
	for _, selector := range scopes(quota) {
		if selector.ScopeName != corev1.ResourceQuotaScopeVolumeAttributesClass {
			return false
		}
		var set labels.Set
		if class := claim.VolumeAttributesClassName; class != nil && *class != "" {
			set = labels.Set{string(selector.ScopeName): *class}
		}
		if !selects(selector, set) {
			return false
		}
	}
	return true
}

// Scoped reports whether a quota has scopes at all: Services and object counts
// are never within one.
func Scoped(quota *corev1.ResourceQuotaSpec) bool { return len(scopes(quota)) > 0 }

func scopes(quota *corev1.ResourceQuotaSpec) []corev1.ScopedResourceSelectorRequirement {
	var selectors []corev1.ScopedResourceSelectorRequirement
	for _, scope := range quota.Scopes {
		selectors = append(selectors, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if quota.ScopeSelector != nil {
		selectors = append(selectors, quota.ScopeSelector.MatchExpressions...)
	}
	return selectors
}

func podInScope(selector corev1.ScopedResourceSelectorRequirement, spec *corev1.PodSpec, opts Options) bool {
	terminating := spec.ActiveDeadlineSeconds != nil && *spec.ActiveDeadlineSeconds >= 0
	switch selector.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return terminating
	case corev1.ResourceQuotaScopeNotTerminating:
		return !terminating
	case corev1.ResourceQuotaScopeBestEffort:
		return bestEffort(spec, opts)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !bestEffort(spec, opts)
	case corev1.ResourceQuotaScopePriorityClass:
		var set labels.Set
		if spec.PriorityClassName != "" {
			set = labels.Set{string(selector.ScopeName): spec.PriorityClassName}
		}
		return selects(selector, set)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return crossNamespace(spec.Affinity)
	}
	return false
}

func selects(selector corev1.ScopedResourceSelectorRequirement, set labels.Set) bool {
	op, ok := map[corev1.ScopeSelectorOperator]selection.Operator{
		corev1.ScopeSelectorOpIn:           selection.In,
		corev1.ScopeSelectorOpNotIn:        selection.NotIn,
		corev1.ScopeSelectorOpExists:       selection.Exists,
		corev1.ScopeSelectorOpDoesNotExist: selection.DoesNotExist,
	}[selector.Operator]
	if !ok {
		return false
	}
	r, err := labels.NewRequirement(string(selector.ScopeName), op, selector.Values)
	return err == nil && r.Matches(set)
}

func bestEffort(spec *corev1.PodSpec, opts Options) bool {
	if !opts.NoPodResources && resourcehelper.IsPodLevelResourcesSet(&corev1.Pod{Spec: *spec}) {
		return !states(*spec.Resources)
	}
	for c := range containers(spec) {
		if states(c.Resources) {
			return false
		}
	}
	return true
}

// states reports whether resources ask for any processor or memory, which is
// what makes a pod more than best effort.
func states(r corev1.ResourceRequirements) bool {
	for _, list := range []corev1.ResourceList{r.Requests, r.Limits} {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			if q := list[name]; q.Sign() > 0 {
				return true
			}
		}
	}
	return false
}

func crossNamespace(affinity *corev1.Affinity) bool {
	if affinity == nil {
		return false
	}
	var terms []corev1.PodAffinityTerm
	weighted := func(list []corev1.WeightedPodAffinityTerm) {
		for _, w := range list {
			terms = append(terms, w.PodAffinityTerm)
		}
	}
	if a := affinity.PodAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted(a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := affinity.PodAntiAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted(a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	return slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool {
		return len(t.Namespaces) != 0 || t.NamespaceSelector != nil
	})
}

// Add returns the sum of two lists; neither is changed.
func Add(a, b corev1.ResourceList) corev1.ResourceList {
	sum := make(corev1.ResourceList, len(a))
	for name, q := range a {
		sum[name] = q.DeepCopy()
	}
	for name, q := range b {
		total := sum[name].DeepCopy()
		if total.IsZero() {
			total = resource.Quantity{Format: q.Format}
		}
		total.Add(q)
		sum[name] = total
	}
	return sum
}

// Times returns the list n times over.
func Times(list corev1.ResourceList, n int64) corev1.ResourceList {
	product := make(corev1.ResourceList, len(list))
	for name, q := range list {
		q = q.DeepCopy()
		q.Mul(n)
		product[name] = q
	}
	return product
}

// Exceeded returns the names of hard that the usage is above, sorted. What is
// not used at all cannot exceed.
func Exceeded(usage, hard corev1.ResourceList) []corev1.ResourceName {
	var over []corev1.ResourceName
	for _, name := range names(hard) {
		used, ok := usage[name]
		if !ok || used.IsZero() {
			continue
		}
		if most := hard[name]; used.Cmp(most) > 0 {
			over = append(over, name)
		}
	}
	return over
}

// Fits returns how many times each fits into what room is left of hard; -1
// where nothing that each uses is limited.
func Fits(each, used, hard corev1.ResourceList) int64 {
	fits := int64(-1)
	for name := range maps.Keys(each) {
		most, limited := hard[name]
		q := each[name]
		if !limited || q.Sign() <= 0 {
			continue
		}
		// A search, not a division: quantities have no exact one.
		low, high := int64(0), int64(1<<20)
		for low < high {
			middle := (low + high + 1) / 2
			total := used[name].DeepCopy()
			product := q.DeepCopy()
			product.Mul(middle)
			total.Add(product)
			if total.Cmp(most) > 0 {
				high = middle - 1
			} else {
				low = middle
			}
		}
		if fits < 0 || low < fits {
			fits = low
		}
	}
	return fits
}
