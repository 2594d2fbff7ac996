package quota

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Options say which of the API server's rules hold.
type Options struct {
	// NoPodResources: spec.resources of pods is ignored, as before 1.34.
	NoPodResources bool
}

// DefaultRange returns a LimitRange's items as the API server stores them: for
// containers, a maximum is also the default limit, a default limit the default
// request, and so is a minimum where nothing else is said
// (SetDefaults_LimitRangeItem).
func DefaultRange(spec corev1.LimitRangeSpec) corev1.LimitRangeSpec {
	spec = *spec.DeepCopy()
	for i := range spec.Limits {
		item := &spec.Limits[i]
		if item.Type != corev1.LimitTypeContainer {
			continue
		}
		if item.Default == nil {
			item.Default = corev1.ResourceList{}
		}
		if item.DefaultRequest == nil {
			item.DefaultRequest = corev1.ResourceList{}
		}
		fill(item.Default, item.Max)
		fill(item.DefaultRequest, item.Default)
		fill(item.DefaultRequest, item.Min)
	}
	return spec
}

// fill sets what is not set yet.
func fill(to, from corev1.ResourceList) {
	for name, q := range from {
		if _, set := to[name]; !set {
			to[name] = q.DeepCopy()
		}
	}
}

// Complete returns the pod with the requests and limits that it is stored
// with: requests default to limits, then LimitRanges (as [DefaultRange] leaves
// them) fill in what is missing. Where two ranges default the same resource,
// the first wins; the server's order is not defined.
func Complete(spec *corev1.PodSpec, ranges []corev1.LimitRangeSpec) *corev1.PodSpec {
	spec = spec.DeepCopy()
	limitsBecomeRequests(spec)
	for _, r := range ranges {
		requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
		for _, item := range r.Limits {
			if item.Type == corev1.LimitTypeContainer {
				maps.Copy(requests, item.DefaultRequest)
				maps.Copy(limits, item.Default)
			}
		}
		for c := range containers(spec) {
			if c.Resources.Limits == nil {
				c.Resources.Limits = corev1.ResourceList{}
			}
			if c.Resources.Requests == nil {
				c.Resources.Requests = corev1.ResourceList{}
			}
			fill(c.Resources.Limits, limits)
			fill(c.Resources.Requests, requests)
		}
	}
	defaultPodRequests(spec)
	return spec
}

func limitsBecomeRequests(spec *corev1.PodSpec) {
	for c := range containers(spec) {
		if c.Resources.Limits == nil {
			continue
		}
		if c.Resources.Requests == nil {
			c.Resources.Requests = corev1.ResourceList{}
		}
		fill(c.Resources.Requests, c.Resources.Limits)
	}
}

// defaultPodRequests completes resources at pod level.
func defaultPodRequests(spec *corev1.PodSpec) {
	if spec.Resources == nil || len(spec.Resources.Limits) == 0 {
		return
	}
	requests := corev1.ResourceList{}
	maps.Copy(requests, spec.Resources.Requests)
	for name, q := range resourcehelper.AggregateContainerRequests(&corev1.Pod{Spec: *spec}, resourcehelper.PodResourcesOptions{}) {
		if _, set := requests[name]; !set && resourcehelper.IsSupportedPodLevelResource(name) && overcommitAllowed(name) {
			requests[name] = q.DeepCopy()
		}
	}
	for name, q := range spec.Resources.Limits {
		if _, set := requests[name]; !set && resourcehelper.IsSupportedPodLevelResource(name) {
			requests[name] = q.DeepCopy()
		}
	}
	spec.Resources.Requests = requests
}

// containers yields the containers and init containers of a pod, which is the
// order of the API server's own loops.
func containers(spec *corev1.PodSpec) func(func(*corev1.Container) bool) {
	return func(yield func(*corev1.Container) bool) {
		for i := range spec.Containers {
			if !yield(&spec.Containers[i]) {
				return
			}
		}
		for i := range spec.InitContainers {
			if !yield(&spec.InitContainers[i]) {
				return
			}
		}
	}
}

// A Problem is one reason for which a pod or claim is refused.
type Problem struct {
	// Container is the container at fault; empty for the pod as a whole.
	Container string
	Resource  corev1.ResourceName
	// Message is the fact: "limit 4 is above the maximum 2".
	Message string
	// Range and Item say which LimitRange and which of its items refuses, and
	// Bound which field of it: "min", "max", "maxLimitRequestRatio". They are
	// empty for what no LimitRange has part in.
	Range, Item int
	Bound       string
	// Field of the container's resources that is at fault: "requests" or
	// "limits"; both may be missing.
	Field string
}

// Invalid returns what the validation of pods finds wrong with the resources
// of a pod that [Complete] returned: a request above its limit, and devices or
// huge pages whose request and limit differ.
func Invalid(spec *corev1.PodSpec) []Problem {
	var problems []Problem
	for c := range containers(spec) {
		for _, name := range names(c.Resources.Requests) {
			request := c.Resources.Requests[name]
			limit, limited := c.Resources.Limits[name]
			switch {
			case limited && !overcommitAllowed(name) && request.Cmp(limit) != 0:
				problems = append(problems, Problem{Container: c.Name, Resource: name, Field: "requests",
					Message: fmt.Sprintf("requests %s %s, which must equal its limit %s", &request, name, &limit)})
			case limited && request.Cmp(limit) > 0:
				problems = append(problems, Problem{Container: c.Name, Resource: name, Field: "requests",
					Message: fmt.Sprintf("requests %s %s, above its limit %s", &request, name, &limit)})
			case !limited && !overcommitAllowed(name):
				problems = append(problems, Problem{Container: c.Name, Resource: name, Field: "limits",
					Message: fmt.Sprintf("requests %s %s without the limit that it must have", &request, name)})
			}
		}
	}
	return problems
}

// Violations returns what LimitRanges refuse in a pod that [Complete]
// returned.
func Violations(spec *corev1.PodSpec, ranges []corev1.LimitRangeSpec, opts Options) []Problem {
	var problems []Problem
	for r, limits := range ranges {
		for i, item := range limits.Limits {
			judge := func(container string, resources corev1.ResourceRequirements) {
				for _, p := range bounds(item, resources.Requests, resources.Limits) {
					p.Container, p.Range, p.Item = container, r, i
					problems = append(problems, p)
				}
			}
			switch item.Type {
			case corev1.LimitTypeContainer:
				for c := range containers(spec) {
					judge(c.Name, c.Resources)
				}
			case corev1.LimitTypePod:
				judge("", podTotals(spec, opts))
			}
		}
	}
	return problems
}

// podTotals is what LimitRanger takes a pod to use: without the overhead of its
// runtime class, unlike a quota does, and of the resources at pod level the
// processors and memory only.
func podTotals(spec *corev1.PodSpec, opts Options) corev1.ResourceRequirements {
	pod := &corev1.Pod{Spec: *spec}
	o := resourcehelper.PodResourcesOptions{ExcludeOverhead: true, SkipPodLevelResources: true}
	totals := corev1.ResourceRequirements{Requests: resourcehelper.PodRequests(pod, o), Limits: resourcehelper.PodLimits(pod, o)}
	if spec.Resources == nil || opts.NoPodResources {
		return totals
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q, ok := spec.Resources.Requests[name]; ok {
			totals.Requests[name] = q
		}
		if q, ok := spec.Resources.Limits[name]; ok {
			totals.Limits[name] = q
		}
	}
	return totals
}

// ClaimViolations returns what LimitRanges refuse in a claim.
func ClaimViolations(claim *corev1.PersistentVolumeClaimSpec, ranges []corev1.LimitRangeSpec) []Problem {
	var problems []Problem
	for r, limits := range ranges {
		for i, item := range limits.Limits {
			if item.Type != corev1.LimitTypePersistentVolumeClaim {
				continue
			}
			requests := claim.Resources.Requests
			for _, name := range names(item.Min) {
				if p, bad := minimum(name, item.Min[name], requests, nil); bad {
					p.Range, p.Item = r, i
					problems = append(problems, p)
				}
			}
			for _, name := range names(item.Max) {
				most, request := item.Max[name], requests[name]
				if _, set := requests[name]; !set {
					problems = append(problems, Problem{Resource: name, Range: r, Item: i, Bound: "max", Field: "requests",
						Message: fmt.Sprintf("has no %s request, the maximum is %s", name, &most)})
				} else if above(request, most) {
					problems = append(problems, Problem{Resource: name, Range: r, Item: i, Bound: "max", Field: "requests",
						Message: fmt.Sprintf("%s request %s is above the maximum %s", name, &request, &most)})
				}
			}
		}
	}
	return problems
}

func bounds(item corev1.LimitRangeItem, requests, limits corev1.ResourceList) []Problem {
	var problems []Problem
	for _, name := range names(item.Min) {
		if p, bad := minimum(name, item.Min[name], requests, limits); bad {
			problems = append(problems, p)
		}
	}
	for _, name := range names(item.Max) {
		most := item.Max[name]
		request, requested := requests[name]
		limit, limited := limits[name]
		p := Problem{Resource: name, Bound: "max"}
		switch {
		case !limited:
			p.Field, p.Message = "limits", fmt.Sprintf("has no %s limit, the maximum is %s", name, &most)
		case above(limit, most):
			p.Field, p.Message = "limits", fmt.Sprintf("%s limit %s is above the maximum %s", name, &limit, &most)
		case requested && above(request, most):
			p.Field, p.Message = "requests", fmt.Sprintf("%s request %s is above the maximum %s", name, &request, &most)
		default:
			continue
		}
		problems = append(problems, p)
	}
	for _, name := range names(item.MaxLimitRequestRatio) {
		ratio := item.MaxLimitRequestRatio[name]
		request, limit := requests[name], limits[name]
		p := Problem{Resource: name, Bound: "maxLimitRequestRatio"}
		switch {
		case request.IsZero():
			p.Field, p.Message = "requests", fmt.Sprintf("has no %s request, the limit may be %s times the request", name, &ratio)
		case limit.IsZero():
			p.Field, p.Message = "limits", fmt.Sprintf("has no %s limit, which may be %s times the request", name, &ratio)
		case tooFar(request, limit, ratio):
			p.Field, p.Message = "limits", fmt.Sprintf("%s limit %s is more than %s times its request %s", name, &limit, &ratio, &request)
		default:
			continue
		}
		problems = append(problems, p)
	}
	return problems
}

func minimum(name corev1.ResourceName, least resource.Quantity, requests, limits corev1.ResourceList) (Problem, bool) {
	request, requested := requests[name]
	limit, limited := limits[name]
	p := Problem{Resource: name, Bound: "min"}
	switch {
	case !requested:
		p.Field, p.Message = "requests", fmt.Sprintf("has no %s request, the minimum is %s", name, &least)
	case above(least, request):
		p.Field, p.Message = "requests", fmt.Sprintf("%s request %s is below the minimum %s", name, &request, &least)
	case limited && above(least, limit):
		p.Field, p.Message = "limits", fmt.Sprintf("%s limit %s is below the minimum %s", name, &limit, &least)
	default:
		return p, false
	}
	return p, true
}

// above compares as LimitRanger does: in thousandths where they do not
// overflow, in whole units otherwise.
func above(a, b resource.Quantity) bool {
	if a.Value() <= resource.MaxMilliValue && b.Value() <= resource.MaxMilliValue {
		return a.MilliValue() > b.MilliValue()
	}
	return a.Value() > b.Value()
}

func tooFar(request, limit, most resource.Quantity) bool {
	r, l := request.Value(), limit.Value()
	if r <= resource.MaxMilliValue && l <= resource.MaxMilliValue {
		r, l = request.MilliValue(), limit.MilliValue()
	}
	observed, allowed := float64(l)/float64(r), float64(most.Value())
	if most.Value() <= resource.MaxMilliValue {
		observed, allowed = observed*1000, float64(most.MilliValue())
	}
	return observed > allowed
}

// names are the names of a list, sorted.
func names(list corev1.ResourceList) []corev1.ResourceName {
	return slices.Sorted(maps.Keys(list))
}

// JoinNames writes resource names as one text.
func JoinNames(list []corev1.ResourceName) string {
	var words []string
	for _, name := range list {
		words = append(words, string(name))
	}
	return strings.Join(words, ", ")
}
