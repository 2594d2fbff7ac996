package quota

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var keyWithoutEffect = &checks.Check{
	ID:       "quota/key-without-effect",
	Severity: checks.Warning,
	Doc: `quota names a resource that nothing is counted as

A name with a slash is accepted whatever it says. Of extended resources only
requests are counted, so that nvidia.com/gpu and limits.nvidia.com/gpu limit
nothing: users take as many as there are. The same holds for count/deployments
(its group is missing: count/deployments.apps), for counts of objects in a quota
with scopes, and for two names of one meaning, of which the lower value counts.

A count of a resource whose group the render does not know is left alone: its
definition may come from elsewhere. So is a storage class, unless the cluster
facts list them.`,
	Fix:   "Write the name that the API server counts: requests.nvidia.com/gpu, count/deployments.apps.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/policy/resource-quotas/#resource-quota-for-extended-resources", "kubeflow/kubeflow#4965"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := writtenQuotas(pass.Render)
		if len(list) == 0 {
			pass.NotApplicable()
		}
		plurals := pluralsOf(pass.Render)
		for _, w := range list {
			h, ok := accepted(w)
			if !ok {
				continue // refused as a whole
			}
			for _, name := range slices.Sorted(maps.Keys(h.Hard)) {
				nothing(pass, plurals, h, name)
			}
			for _, short := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
				long := "requests." + short
				a, hasShort := h.Hard[short]
				b, hasLong := h.Hard[long]
				if hasShort && hasLong && a.Cmp(b) != 0 {
					loose, tight := short, long
					if a.Cmp(b) < 0 {
						loose, tight = long, short
					}
					high, low := h.Hard[loose], h.Hard[tight]
					pass.Reportf(h.hardAt(loose), "%s allows %s of %s and %s of %s, which mean the same: the lower one counts", h.name, &high, loose, &low, tight).
						See(h.hardAt(tight), "%s allows %s", tight, &low).WithFix("Keep one of the two names.")
				}
			}
		}
	},
}

// nothing reports a name that nothing is counted as.
func nothing(pass *checks.Pass, plurals map[[2]string]inventory.GroupKind, h *hard, name corev1.ResourceName) {
	scoped := quota.Scoped(&h.ResourceQuotaSpec)
	bareName := corev1.ResourceName(strings.TrimPrefix(string(name), "limits."))
	switch {
	case quota.MeasuresPods(name):
	case quota.MeasuresServices(name):
		if scoped {
			pass.Reportf(h.hardAt(name), "%s limits %s, but no Service is within its scopes", h.name, name).WithFix("Move %s to a quota without scopes.", name)
		}
	case quota.MeasuresClaims(name):
		class, _, byClass := strings.Cut(string(name), ".storageclass.storage.k8s.io/")
		if !byClass || pass.Cluster.StorageClasses == nil || hasClass(pass, class) {
			return
		}
		pass.Reportf(h.hardAt(name), "%s limits claims of StorageClass %s, which neither the render nor the cluster has", h.name, class).
			WithFix("Write the name of a StorageClass that exists.")
	case quota.IsExtended(bareName):
		if isCount(name) {
			counts(pass, plurals, h, name, scoped)
			return
		}
		pass.Reportf(h.hardAt(name), "%s limits %s, which nothing is counted as: of %s only requests are", h.name, name, bareName).
			WithFix("Write requests.%s.", bareName)
	case isCount(name):
		counts(pass, plurals, h, name, scoped)
	default:
		if strings.Contains(string(name), "/") {
			pass.Reportf(h.hardAt(name), "%s limits %s, which nothing is counted as", h.name, name)
		}
	}
}

func isCount(name corev1.ResourceName) bool {
	_, _, ok := quota.CountedResource(name)
	return ok
}

func counts(pass *checks.Pass, plurals map[[2]string]inventory.GroupKind, h *hard, name corev1.ResourceName, scoped bool) {
	plural, group, _ := quota.CountedResource(name)
	if scoped {
		pass.Reportf(h.hardAt(name), "%s limits %s, but no object count is within its scopes", h.name, name).WithFix("Move %s to a quota without scopes.", name)
		return
	}
	if _, ok := plurals[[2]string{plural, group}]; ok {
		return
	}
	// The plural of another group, or of a group that is known.
	var groups []string
	known := group == ""
	for key := range plurals {
		if key[0] == plural && key[1] != group {
			groups = append(groups, key[1])
		}
		known = known || key[1] == group
	}
	slices.Sort(groups)
	switch {
	case len(groups) > 0:
		f := pass.Reportf(h.hardAt(name), "%s limits %s, which nothing is counted as: %s are of the group %s", h.name, name, plural, words(groups))
		f.WithFix("Write %s.", quota.CountName(plural, groups[0]))
	case known:
		pass.Reportf(h.hardAt(name), "%s limits %s, which nothing is counted as: the API server has no %s there", h.name, name, plural)
	}
}

func hasClass(pass *checks.Pass, class string) bool {
	for _, c := range pass.Cluster.StorageClasses {
		if c.Name == class {
			return true
		}
	}
	return pass.Render.Get(storageClassKind, "", class) != nil
}

// builtIn are the namespaced resources that every API server has, by group.
var builtIn = map[string]map[string]string{
	"": {
		"configmaps": "ConfigMap", "endpoints": "Endpoints", "events": "Event", "limitranges": "LimitRange",
		"persistentvolumeclaims": "PersistentVolumeClaim", "pods": "Pod", "podtemplates": "PodTemplate",
		"replicationcontrollers": "ReplicationController", "resourcequotas": "ResourceQuota", "secrets": "Secret",
		"serviceaccounts": "ServiceAccount", "services": "Service",
	},
	"apps": {
		"controllerrevisions": "ControllerRevision", "daemonsets": "DaemonSet", "deployments": "Deployment",
		"replicasets": "ReplicaSet", "statefulsets": "StatefulSet",
	},
	"autoscaling":               {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
	"batch":                     {"cronjobs": "CronJob", "jobs": "Job"},
	"coordination.k8s.io":       {"leases": "Lease"},
	"discovery.k8s.io":          {"endpointslices": "EndpointSlice"},
	"events.k8s.io":             {"events": "Event"},
	"networking.k8s.io":         {"ingresses": "Ingress", "networkpolicies": "NetworkPolicy"},
	"policy":                    {"poddisruptionbudgets": "PodDisruptionBudget"},
	"rbac.authorization.k8s.io": {"rolebindings": "RoleBinding", "roles": "Role"},
	"resource.k8s.io":           {"resourceclaims": "ResourceClaim", "resourceclaimtemplates": "ResourceClaimTemplate"},
	"storage.k8s.io":            {"csistoragecapacities": "CSIStorageCapacity"},
}

// pluralsOf are the resources that the API server has, as far as the render
// tells, by plural and group.
func pluralsOf(v *inventory.View) map[[2]string]inventory.GroupKind {
	plurals := map[[2]string]inventory.GroupKind{}
	for group, resources := range builtIn {
		for plural, kind := range resources {
			plurals[[2]string{plural, group}] = inventory.GroupKind{Group: group, Kind: kind}
		}
	}
	for o := range v.Inventory().View().Of(crdKind) {
		group := o.String("spec", "group")
		plurals[[2]string{o.String("spec", "names", "plural"), group}] = inventory.GroupKind{Group: group, Kind: o.String("spec", "names", "kind")}
	}
	return plurals
}
