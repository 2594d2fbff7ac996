package quota

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// standardQuotaResources are the unqualified names that a quota may hold
// (pkg/apis/core/helper, standardQuotaResources).
var standardQuotaResources = map[corev1.ResourceName]bool{
	corev1.ResourceCPU:                      true,
	corev1.ResourceMemory:                   true,
	corev1.ResourceEphemeralStorage:         true,
	corev1.ResourceRequestsCPU:              true,
	corev1.ResourceRequestsMemory:           true,
	corev1.ResourceRequestsStorage:          true,
	corev1.ResourceRequestsEphemeralStorage: true,
	corev1.ResourceLimitsCPU:                true,
	corev1.ResourceLimitsMemory:             true,
	corev1.ResourceLimitsEphemeralStorage:   true,
	corev1.ResourcePods:                     true,
	corev1.ResourceQuotas:                   true,
	corev1.ResourceServices:                 true,
	corev1.ResourceReplicationControllers:   true,
	corev1.ResourceSecrets:                  true,
	corev1.ResourcePersistentVolumeClaims:   true,
	corev1.ResourceConfigMaps:               true,
	corev1.ResourceServicesNodePorts:        true,
	corev1.ResourceServicesLoadBalancers:    true,
}

// countedWhole are the quota names that are counted in whole objects.
var countedWhole = map[corev1.ResourceName]bool{
	corev1.ResourcePods:                   true,
	corev1.ResourceQuotas:                 true,
	corev1.ResourceServices:               true,
	corev1.ResourceReplicationControllers: true,
	corev1.ResourceSecrets:                true,
	corev1.ResourceConfigMaps:             true,
	corev1.ResourcePersistentVolumeClaims: true,
	corev1.ResourceServicesNodePorts:      true,
	corev1.ResourceServicesLoadBalancers:  true,
}

// IsHugePages reports whether a container resource is huge pages.
func IsHugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

func isQuotaHugePages(name corev1.ResourceName) bool {
	return IsHugePages(name) || strings.HasPrefix(string(name), corev1.ResourceRequestsHugePagesPrefix)
}

func isStandardQuotaResource(name corev1.ResourceName) bool {
	return standardQuotaResources[name] || isQuotaHugePages(name)
}

func isStandardResource(name corev1.ResourceName) bool {
	return isStandardQuotaResource(name) || name == corev1.ResourceStorage
}

func isNative(name corev1.ResourceName) bool {
	return !strings.Contains(string(name), "/") ||
		strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}

// IsExtended reports whether a name is that of an extended resource, such as
// nvidia.com/gpu.
func IsExtended(name corev1.ResourceName) bool {
	if isNative(name) || strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) {
		return false
	}
	return len(validation.IsQualifiedName(corev1.DefaultResourceRequestsPrefix+string(name))) == 0
}

// overcommitAllowed reports whether requests of a resource may stay below its
// limits.
func overcommitAllowed(name corev1.ResourceName) bool {
	return isNative(name) && !IsHugePages(name)
}

func isWhole(name corev1.ResourceName) bool {
	return countedWhole[name] || IsExtended(name)
}

// containerResource reports whether a container may ask for a resource.
func containerResource(name corev1.ResourceName) bool {
	switch name {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return true
	}
	return IsHugePages(name)
}

const storageClassInfix = ".storageclass.storage.k8s.io/"

// legacyCounts are the names from before count/, and what they count
// (legacyObjectCountAliases, and the evaluators of pods, services and claims).
var legacyCounts = map[corev1.ResourceName]string{
	corev1.ResourceConfigMaps:             "configmaps",
	corev1.ResourceQuotas:                 "resourcequotas",
	corev1.ResourceReplicationControllers: "replicationcontrollers",
	corev1.ResourceSecrets:                "secrets",
}

// CountedResource names the plural and API group whose objects a quota name
// counts: count/deployments.apps, or an old name such as secrets. Services,
// claims and pods have evaluators of their own and are not among the old names
// here.
func CountedResource(name corev1.ResourceName) (plural, group string, ok bool) {
	if plural, ok := legacyCounts[name]; ok {
		return plural, "", true
	}
	rest, ok := strings.CutPrefix(string(name), "count/")
	if !ok {
		return "", "", false
	}
	plural, group, _ = strings.Cut(rest, ".")
	return plural, group, true
}

// CountName is the quota name that counts a resource.
func CountName(plural, group string) corev1.ResourceName {
	if group == "" {
		return corev1.ResourceName("count/" + plural)
	}
	return corev1.ResourceName("count/" + plural + "." + group)
}

// podResources are the names that the evaluator of pods measures.
var podResources = map[corev1.ResourceName]bool{
	"count/pods":                            true,
	corev1.ResourceCPU:                      true,
	corev1.ResourceMemory:                   true,
	corev1.ResourceEphemeralStorage:         true,
	corev1.ResourceRequestsCPU:              true,
	corev1.ResourceRequestsMemory:           true,
	corev1.ResourceRequestsEphemeralStorage: true,
	corev1.ResourceLimitsCPU:                true,
	corev1.ResourceLimitsMemory:             true,
	corev1.ResourceLimitsEphemeralStorage:   true,
	corev1.ResourcePods:                     true,
}

const deviceClassPrefix = "deviceclass.resource.kubernetes.io/"

// MeasuresPods reports whether a quota name is measured on pods.
func MeasuresPods(name corev1.ResourceName) bool {
	if podResources[name] || isQuotaHugePages(name) {
		return true
	}
	if !strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) {
		return false
	}
	return (!isNative(name) && !strings.Contains(string(name), storageClassInfix)) ||
		strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix+deviceClassPrefix)
}

// MeasuresClaims reports whether a quota name is measured on
// PersistentVolumeClaims.
func MeasuresClaims(name corev1.ResourceName) bool {
	switch name {
	case "count/persistentvolumeclaims", corev1.ResourcePersistentVolumeClaims, corev1.ResourceRequestsStorage:
		return true
	}
	return strings.HasSuffix(string(name), storageClassInfix+string(corev1.ResourceRequestsStorage)) ||
		strings.HasSuffix(string(name), storageClassInfix+string(corev1.ResourcePersistentVolumeClaims))
}

// MeasuresServices reports whether a quota name is measured on Services.
func MeasuresServices(name corev1.ResourceName) bool {
	switch name {
	case "count/services", corev1.ResourceServices, corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers:
		return true
	}
	return false
}
