package quota

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// A Fault is a reason for which the API server refuses a quota or range.
type Fault struct {
	Path    []any // below spec
	Message string
}

// InvalidName returns why a quota may not hold a name; empty if it may
// (ValidateResourceQuotaResourceName).
func InvalidName(name corev1.ResourceName) string {
	if msgs := validation.IsQualifiedName(string(name)); len(msgs) > 0 {
		return "is not a qualified name"
	}
	if !strings.Contains(string(name), "/") && !isStandardQuotaResource(name) {
		return "is not a resource that a quota knows, and not fully qualified"
	}
	return ""
}

// InvalidHard returns why a quota may not allow that much of a resource; empty
// if it may (ValidateResourceQuantityValue).
func InvalidHard(name corev1.ResourceName, q resource.Quantity) string {
	switch {
	case q.Sign() < 0:
		return "is negative"
	case isWhole(name) && q.MilliValue()%1000 != 0:
		return "is not a whole number"
	}
	return ""
}

var podScopes = []corev1.ResourceQuotaScope{
	corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating,
	corev1.ResourceQuotaScopeBestEffort, corev1.ResourceQuotaScopeNotBestEffort,
	corev1.ResourceQuotaScopePriorityClass, corev1.ResourceQuotaScopeCrossNamespacePodAffinity,
}

// scopeTakes reports whether a scope may stand beside a resource
// (IsResourceQuotaScopeValidForResource).
func scopeTakes(scope corev1.ResourceQuotaScope, name corev1.ResourceName) bool {
	switch {
	case scope == corev1.ResourceQuotaScopeBestEffort:
		return name == corev1.ResourcePods
	case slices.Contains(podScopes, scope):
		return name == corev1.ResourcePods || mandatory[name]
	case scope == corev1.ResourceQuotaScopeVolumeAttributesClass:
		return name == corev1.ResourcePersistentVolumeClaims || name == corev1.ResourceRequestsStorage
	}
	return true
}

// InvalidScopes returns what is wrong with the scopes of a quota.
func InvalidScopes(spec *corev1.ResourceQuotaSpec) []Fault {
	var faults []Fault
	conflicting := func(list []corev1.ResourceQuotaScope, path ...any) {
		for _, pair := range [][2]corev1.ResourceQuotaScope{
			{corev1.ResourceQuotaScopeBestEffort, corev1.ResourceQuotaScopeNotBestEffort},
			{corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating},
		} {
			if slices.Contains(list, pair[0]) && slices.Contains(list, pair[1]) {
				faults = append(faults, Fault{path, fmt.Sprintf("scopes %s and %s exclude each other", pair[0], pair[1])})
			}
		}
	}
	one := func(scope corev1.ResourceQuotaScope, path ...any) {
		if !slices.Contains(podScopes, scope) && scope != corev1.ResourceQuotaScopeVolumeAttributesClass {
			faults = append(faults, Fault{path, fmt.Sprintf("%q is not a scope", scope)})
			return
		}
		for _, name := range names(spec.Hard) {
			if isStandardQuotaResource(name) && !scopeTakes(scope, name) {
				faults = append(faults, Fault{path, fmt.Sprintf("scope %s cannot limit %s", scope, name)})
			}
		}
	}
	for i, scope := range spec.Scopes {
		one(scope, "scopes", i)
	}
	conflicting(spec.Scopes, "scopes")
	if spec.ScopeSelector == nil {
		return faults
	}
	var list []corev1.ResourceQuotaScope
	for i, r := range spec.ScopeSelector.MatchExpressions {
		list = append(list, r.ScopeName)
		at := func(field string) []any { return []any{"scopeSelector", "matchExpressions", i, field} }
		one(r.ScopeName, at("scopeName")...)
		switch r.ScopeName {
		case corev1.ResourceQuotaScopePriorityClass, corev1.ResourceQuotaScopeVolumeAttributesClass:
		default:
			if r.Operator != corev1.ScopeSelectorOpExists {
				faults = append(faults, Fault{at("operator"), fmt.Sprintf("scope %s takes the operator Exists only", r.ScopeName)})
			}
		}
		switch r.Operator {
		case corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn:
			if len(r.Values) == 0 {
				faults = append(faults, Fault{at("values"), fmt.Sprintf("operator %s needs values", r.Operator)})
			}
		case corev1.ScopeSelectorOpExists, corev1.ScopeSelectorOpDoesNotExist:
			if len(r.Values) != 0 {
				faults = append(faults, Fault{at("values"), fmt.Sprintf("operator %s takes no values", r.Operator)})
			}
		default:
			faults = append(faults, Fault{at("operator"), fmt.Sprintf("%q is not an operator", r.Operator)})
		}
	}
	conflicting(list, "scopeSelector", "matchExpressions")
	return faults
}

// invalidRangeName returns why a LimitRange item of a type may not hold a name.
func invalidRangeName(limitType corev1.LimitType, name corev1.ResourceName) string {
	if msgs := validation.IsQualifiedName(string(name)); len(msgs) > 0 {
		return "is not a qualified name"
	}
	qualified := strings.Contains(string(name), "/")
	if limitType != corev1.LimitTypePod && limitType != corev1.LimitTypeContainer {
		if !qualified && !isStandardResource(name) {
			return "is not a resource, and not fully qualified"
		}
		return ""
	}
	switch {
	case !qualified && !containerResource(name):
		return "is not a resource that a container can have"
	case qualified && !isNative(name) && !IsExtended(name):
		return "is not the name of an extended resource"
	}
	return ""
}

// InvalidRange returns what the API server refuses in a LimitRange. It is
// asked of the range as written: the defaults that the server adds first are
// added here (ValidateLimitRange).
func InvalidRange(written corev1.LimitRangeSpec) []Fault {
	var faults []Fault
	fault := func(path []any, format string, args ...any) {
		faults = append(faults, Fault{path, fmt.Sprintf(format, args...)})
	}
	spec := DefaultRange(written)
	types := map[corev1.LimitType]bool{}
	for i, item := range spec.Limits {
		at := func(steps ...any) []any { return append([]any{"limits", i}, steps...) }
		switch item.Type {
		case corev1.LimitTypePod, corev1.LimitTypeContainer, corev1.LimitTypePersistentVolumeClaim:
		default:
			if !strings.Contains(string(item.Type), "/") {
				fault(at("type"), "%q is not a type of limit", item.Type)
			}
		}
		if types[item.Type] {
			fault(at("type"), "type %s is given twice", item.Type)
		}
		types[item.Type] = true
		lists := []struct {
			field string
			list  corev1.ResourceList
		}{
			{"max", item.Max}, {"min", item.Min}, {"default", item.Default},
			{"defaultRequest", item.DefaultRequest}, {"maxLimitRequestRatio", item.MaxLimitRequestRatio},
		}
		keys := corev1.ResourceList{}
		original := written.Limits[i]
		for _, l := range lists {
			if item.Type == corev1.LimitTypePod && (l.field == "default" || l.field == "defaultRequest") {
				if len(l.list) > 0 {
					fault(at(l.field), "%s is for containers, not for pods", l.field)
				}
				continue
			}
			for _, name := range names(l.list) {
				keys[name] = resource.Quantity{}
				// What defaulting copied is reported where it was written.
				if !given(original, l.field, name) {
					continue
				}
				if why := invalidRangeName(item.Type, name); why != "" {
					fault(at(l.field, string(name)), "%s %s", name, why)
				}
			}
		}
		if item.Type == corev1.LimitTypePersistentVolumeClaim {
			_, least := item.Min[corev1.ResourceStorage]
			_, most := item.Max[corev1.ResourceStorage]
			if !least && !most {
				fault(at(), "type PersistentVolumeClaim needs a min or a max of storage")
			}
		}
		for _, name := range names(keys) {
			least, hasMin := item.Min[name]
			most, hasMax := item.Max[name]
			limit, hasDefault := item.Default[name]
			request, hasRequest := item.DefaultRequest[name]
			if item.Type == corev1.LimitTypePod {
				hasDefault, hasRequest = false, false
			}
			ratio, hasRatio := item.MaxLimitRequestRatio[name]
			// written names the field of a pair that the user wrote, the
			// first one first.
			place := func(fields ...string) []any {
				for _, f := range fields {
					if given(original, f, name) {
						return at(f, string(name))
					}
				}
				return at()
			}
			if hasMin && hasMax && least.Cmp(most) > 0 {
				fault(place("min", "max"), "min %s of %s is above max %s", &least, name, &most)
			}
			// A default request that the server takes from another bound is at
			// fault where that bound is: said there.
			if given(original, "defaultRequest", name) {
				if hasRequest && hasMin && least.Cmp(request) > 0 {
					fault(place("defaultRequest"), "default request %s of %s is below min %s", &request, name, &least)
				}
				if hasRequest && hasMax && request.Cmp(most) > 0 {
					fault(place("defaultRequest"), "default request %s of %s is above max %s", &request, name, &most)
				}
				if hasRequest && hasDefault && request.Cmp(limit) > 0 {
					fault(place("defaultRequest"), "default request %s of %s is above default limit %s", &request, name, &limit)
				}
			}
			if hasDefault && hasMin && least.Cmp(limit) > 0 && given(original, "default", name) {
				fault(place("default"), "default limit %s of %s is below min %s", &limit, name, &least)
			}
			if hasDefault && hasMax && limit.Cmp(most) > 0 {
				fault(place("default"), "default limit %s of %s is above max %s", &limit, name, &most)
			}
			if hasRatio && ratio.Cmp(*resource.NewQuantity(1, resource.DecimalSI)) < 0 {
				fault(place("maxLimitRequestRatio"), "maxLimitRequestRatio %s of %s is below 1", &ratio, name)
			}
			if hasRatio && hasMin && hasMax && ratioAbove(ratio, least, most) {
				fault(place("maxLimitRequestRatio"), "maxLimitRequestRatio %s of %s is above max %s divided by min %s", &ratio, name, &most, &least)
			}
			if !overcommitAllowed(name) && hasDefault && hasRequest && limit.Cmp(request) != 0 {
				fault(place("defaultRequest", "default"), "default request %s of %s must equal default limit %s", &request, name, &limit)
			}
		}
	}
	return faults
}

func given(item corev1.LimitRangeItem, field string, name corev1.ResourceName) bool {
	list := map[string]corev1.ResourceList{
		"max": item.Max, "min": item.Min, "default": item.Default,
		"defaultRequest": item.DefaultRequest, "maxLimitRequestRatio": item.MaxLimitRequestRatio,
	}[field]
	_, ok := list[name]
	return ok
}

func ratioAbove(ratio, least, most resource.Quantity) bool {
	r, a, b := float64(ratio.Value()), least.Value(), most.Value()
	if ratio.Value() < resource.MaxMilliValue && a < resource.MaxMilliValue && b < resource.MaxMilliValue {
		r, a, b = float64(ratio.MilliValue())/1000, least.MilliValue(), most.MilliValue()
	}
	return r > float64(b)/float64(a)
}
