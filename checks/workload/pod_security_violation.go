package workload

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var podSecurityViolation = &checks.Check{
	ID:       "workload/pod-security-violation",
	Severity: checks.Error,
	Doc: `pod breaks the Pod Security level that its namespace enforces

The API server refuses the pods (` + "`violates PodSecurity \"restricted:latest\"`" + `); the
Deployment that wants them is accepted and stays at zero. The verdict is that of
the API server's own library, for the level and version on the rendered Namespace,
the labels that the profile controller adds included, and for the whole pod: Istio
without its CNI plugin adds istio-init, whose NET_ADMIN and NET_RAW not even
baseline allows.

Only what is enforced counts: warn and audit let pods through. A level that does
not exist is refused along with the Namespace. What upstream renders complies.`,
	Fix: "Change the security context to what the level asks for, or lower the namespace's level.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/security/pod-security-standards/",
		"kubeflow/manifests#3015",
		"kubeflow/manifests#3050",
		"istio/istio#35894",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		var emulated *api.Version
		if version, err := api.ParseVersion("v" + pass.Target.Kubernetes); err == nil && pass.Target.Kubernetes != "" {
			emulated = &version
		}
		evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), emulated)
		if err != nil {
			return
		}
		none := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
		defaults := api.Policy{Enforce: none, Audit: none, Warn: none}
		checked := false
		for o := range v.Of(namespaceKind) {
			_, errs := api.PolicyToEvaluate(o.Labels(), defaults)
			for _, e := range errs {
				checked = true
				pass.Reportf(o.At("metadata", "labels", strings.Trim(strings.TrimPrefix(e.Field, "metadata.labels"), "[].")), "%s: %s", o.Key, e.ErrorBody())
			}
		}
		for pod := range kubeflow.Pods(v) {
			labels, rendered := v.Namespace(pod.Namespace)
			if !rendered || pod.Owner.Key.Group == "serving.knative.dev" || gatewayTemplate(pod.Spec) {
				continue // Knative and Istio's gateway template fill security contexts in
			}
			found, _ := api.PolicyToEvaluate(labels, defaults)
			if found.Enforce.Level == api.LevelPrivileged {
				continue
			}
			checked = true
			spec := kubeflow.InjectedSecurity(v, pod)
			meta := &metav1.ObjectMeta{Labels: pod.Labels, Annotations: pod.Annotations}
			for _, result := range evaluator.EvaluatePod(found.Enforce, meta, spec) {
				if result.Allowed {
					continue
				}
				text := result.ForbiddenReason
				if result.ForbiddenDetail != "" {
					text += fmt.Sprintf(" (%s)", result.ForbiddenDetail)
				}
				f := pass.Reportf(violating(pod, result), "the pods of %s violate %q, which namespace %s enforces: %s", pod.Owner.Key, found.Enforce.String(), pod.Namespace, text)
				if o := v.Get(namespaceKind, "", pod.Namespace); o != nil {
					f.See(o.At("metadata", "labels", api.EnforceLevelLabel), "the level of the namespace")
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// gatewayTemplate reports whether Istio puts the whole container in place.
func gatewayTemplate(spec *corev1.PodSpec) bool {
	return slices.ContainsFunc(spec.Containers, func(c corev1.Container) bool { return c.Image == "auto" })
}

// securityFields are where the reasons of the library stand, below a container
// or, for those of the pod, below its spec.
var securityFields = map[string]inventory.Path{
	"allowPrivilegeEscalation != false": {"securityContext", "allowPrivilegeEscalation"},
	"hostPort":                          {"ports"},
	"non-default capabilities":          {"securityContext", "capabilities", "add"},
	"privileged":                        {"securityContext", "privileged"},
	"procMount":                         {"securityContext", "procMount"},
	"runAsNonRoot != true":              {"securityContext", "runAsNonRoot"},
	"runAsUser=0":                       {"securityContext", "runAsUser"},
	"seLinuxOptions":                    {"securityContext", "seLinuxOptions"},
	"seccompProfile":                    {"securityContext", "seccompProfile"},
	"unrestricted capabilities":         {"securityContext", "capabilities"},
	"forbidden sysctls":                 {"securityContext", "sysctls"},
}

var quotedWord = regexp.MustCompile(`"([^"]+)"`)

// violating is the field that a result is about.
func violating(pod *kubeflow.Pod, result policy.CheckResult) inventory.Place {
	named := func(kind string) []string {
		var names []string
		at := strings.Index(result.ForbiddenDetail, kind)
		if at < 0 {
			return nil
		}
		for _, m := range quotedWord.FindAllStringSubmatch(result.ForbiddenDetail[at:], -1) {
			names = append(names, m[1])
		}
		return names
	}
	switch result.ForbiddenReason {
	case "host namespaces":
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			if strings.Contains(result.ForbiddenDetail, field) {
				return pod.At("spec", field)
			}
		}
	case "hostPath volumes", "restricted volume types":
		names := named("volume")
		for i, volume := range pod.Spec.Volumes {
			if slices.Contains(names, volume.Name) {
				return pod.At("spec", "volumes", i)
			}
		}
	}
	field, known := securityFields[result.ForbiddenReason]
	if !known {
		field = inventory.Path{"securityContext"}
	}
	names := named("container")
	var first inventory.Place
	for at, c := range pod.Containers() {
		if !slices.Contains(names, c.Name) {
			continue
		}
		place := at.At(field)
		if _, set := place.Value(); set {
			return place // what is set and wrong rather than what is left out
		}
		if first.IsZero() {
			first = place
		}
	}
	pods := pod.At("spec", field)
	if _, set := pods.Value(); set && len(field) > 1 && strings.HasPrefix(result.ForbiddenDetail, "pod ") {
		return pods
	}
	if first.IsZero() {
		return pod.At("spec")
	}
	return first
}
