package quota

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var invalidQuota = &checks.Check{
	ID:       "quota/invalid-quota",
	Severity: checks.Error,
	Doc: `quota holds what the API server refuses

A ResourceQuota with a name that it does not know, a text that is no quantity,
a negative or broken number, or scopes that do not go with its resources is
refused. In a Profile, a text that is no quantity is refused when the Profile is
applied; a name is not looked at then: the profile controller fails to create
the quota, tries again and again, and never comes to what follows.

Unqualified names are those of a fixed list (requests.cpu, pods, count/... and
so on). Names with a slash are accepted whatever they say: see
quota/key-without-effect. A Profile with an empty resourceQuotaSpec, as the
example has it, asks for no quota.`,
	Fix:   "Write a name that quotas know and a quantity such as 500m, 4 or 20Gi.",
	Refs:  []string{"kubeflow/kubeflow#4965", "https://kubernetes.io/docs/concepts/policy/resource-quotas/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := writtenQuotas(pass.Render)
		if len(list) == 0 {
			pass.NotApplicable()
		}
		for _, w := range list {
			content := w.object.Map(w.spec.Join("hard"))
			known := corev1.ResourceList{}
			for _, key := range slices.Sorted(maps.Keys(content)) {
				name := corev1.ResourceName(key)
				if why := quota.InvalidName(name); why != "" {
					f := pass.Reportf(w.hardAt(name), "%s limits %q, which %s%s", w.name, key, why, consequence(w))
					if better := suggestName(key); better != "" {
						f.WithFix("Write %s.", better)
					}
				}
				text := fmt.Sprint(content[key])
				q, err := amount(content[key])
				_, float := content[key].(float64)
				switch {
				case err != nil || w.ofProfile() && !schemaQuantity.MatchString(text):
					f := pass.Reportf(w.hardAt(name), "%s allows %s of %s, which is not a quantity", w.name, text, key)
					if better := suggestQuantity(text); better != "" {
						f.WithFix("Write %s.", better)
					}
				case w.ofProfile() && float:
					pass.Reportf(w.hardAt(name), "%s allows the number %s of %s; a Profile takes whole numbers and texts", w.name, text, key).
						WithFix("Write %q, with quotation marks.", text)
				default:
					if why := quota.InvalidHard(name, q); why != "" {
						pass.Reportf(w.hardAt(name), "%s allows %s of %s, which %s%s", w.name, text, key, why, consequence(w))
					}
					known[name] = q
				}
			}
			rest := maps.Clone(w.object.Map(w.spec))
			delete(rest, "hard")
			var spec corev1.ResourceQuotaSpec
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(rest, &spec); err != nil {
				pass.Reportf(w.at(), "%s cannot be read: %v", w.name, err)
				continue
			}
			spec.Hard = known
			for _, fault := range quota.InvalidScopes(&spec) {
				pass.Reportf(w.at(fault.Path...), "%s: %s%s", w.name, fault.Message, consequence(w))
			}
		}
	},
}

// schemaQuantity is the pattern that the CRD of Profiles asks of a quantity.
var schemaQuantity = regexp.MustCompile(`^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`)

func consequence(w written) string {
	if w.ofProfile() {
		return ", so the profile controller cannot create it"
	}
	return ""
}

// suggestName guesses what a name was meant to be.
func suggestName(name string) string {
	// Kubernetes writes dots where people write camels: requestsGpu.
	lower := strings.ToLower(strings.NewReplacer("_", ".", "-", ".", "requestsGpu", "requests.gpu").Replace(name))
	switch {
	case strings.HasSuffix(lower, "gpu"):
		return "requests.nvidia.com/gpu"
	case lower == "storage":
		return "requests.storage"
	case quota.InvalidName(corev1.ResourceName(lower)) == "":
		return lower
	case lower == "pod" || lower == "secret" || lower == "service" || lower == "configmap" || lower == "persistentvolumeclaim":
		return lower + "s"
	case lower == "pvc" || lower == "pvcs":
		return "persistentvolumeclaims"
	case lower == "mem" || lower == "requests.mem" || lower == "limits.mem":
		return strings.Replace(lower, "mem", "memory", 1)
	}
	return ""
}

var numberAndUnit = regexp.MustCompile(`^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*$`)

// suggestQuantity guesses what a text was meant to be.
func suggestQuantity(text string) string {
	m := numberAndUnit.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	unit, ok := map[string]string{
		"gi": "Gi", "gib": "Gi", "g": "G", "gb": "G", "mi": "Mi", "mib": "Mi", "m": "M", "mb": "M",
		"ki": "Ki", "kib": "Ki", "kb": "k", "k": "k", "ti": "Ti", "tib": "Ti", "tb": "T", "t": "T",
		"core": "", "cores": "", "cpu": "", "cpus": "", "gpu": "", "gpus": "",
	}[strings.ToLower(m[2])]
	if !ok {
		return ""
	}
	if _, err := resource.ParseQuantity(m[1] + unit); err != nil {
		return ""
	}
	return m[1] + unit
}
