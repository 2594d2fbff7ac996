package quota

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

func decode[T any](t *testing.T, text string) *T {
	t.Helper()
	value := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), value); err != nil {
		t.Fatal(err)
	}
	return value
}

// text writes a list in a fixed order.
func text(list corev1.ResourceList) string {
	var parts []string
	for name, q := range list {
		parts = append(parts, fmt.Sprintf("%s=%s", name, &q))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func TestPodUsage(t *testing.T) {
	for name, test := range map[string]struct{ pod, limits, cpu string }{
		"containers add up": {
			pod: "containers: [{name: a, resources: {requests: {cpu: 1}}}, {name: b, resources: {requests: {cpu: 500m}}}]", cpu: "1500m"},
		"a limit is a request": {
			pod: "containers: [{name: a, resources: {limits: {cpu: 2}}}]", cpu: "2"},
		"init containers run one after the other": {
			pod: `{initContainers: [{name: i, resources: {requests: {cpu: 3}}}, {name: j, resources: {requests: {cpu: 2}}}],
			       containers: [{name: a, resources: {requests: {cpu: 1}}}]}`, cpu: "3"},
		"sidecars stay": {
			pod: `{initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}, {name: j, resources: {requests: {cpu: 2}}}],
			       containers: [{name: a, resources: {requests: {cpu: 1}}}]}`, cpu: "3"},
		"overhead counts": {
			pod: "{overhead: {cpu: 250m}, containers: [{name: a, resources: {requests: {cpu: 1}}}]}", cpu: "1250m"},
		"the pod's own word counts": {
			pod: "{resources: {requests: {cpu: 4}}, containers: [{name: a, resources: {requests: {cpu: 1}}}]}", cpu: "4"},
		"a range's default": {
			pod:    "containers: [{name: a}, {name: b, resources: {requests: {cpu: 1}}}]",
			limits: "limits: [{type: Container, default: {cpu: 2}, defaultRequest: {cpu: 200m}}]", cpu: "1200m"},
		"a range's maximum is its default": {
			pod:    "containers: [{name: a}]",
			limits: "limits: [{type: Container, max: {cpu: 2}}]", cpu: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := decode[corev1.PodSpec](t, test.pod)
			before := spec.DeepCopy()
			var ranges []corev1.LimitRangeSpec
			if test.limits != "" {
				ranges = append(ranges, DefaultRange(*decode[corev1.LimitRangeSpec](t, test.limits)))
			}
			usage := PodUsage(Complete(spec, ranges), Options{})
			want := resource.MustParse(test.cpu)
			if got := usage["requests.cpu"]; got.Cmp(want) != 0 {
				t.Errorf("requests.cpu is %s, want %s", &got, &want)
			}
			if text(before.Containers[0].Resources.Requests) != text(spec.Containers[0].Resources.Requests) {
				t.Error("the pod was changed")
			}
		})
	}
}

func TestViolations(t *testing.T) {
	for _, test := range []struct{ limits, pod, want string }{
		{"limits: [{type: Container, max: {memory: 1Gi}}]", "containers: [{name: a, resources: {requests: {memory: 1Gi}, limits: {memory: 2Gi}}}]",
			"a: memory limit 2Gi is above the maximum 1Gi"},
		{"limits: [{type: Container, min: {cpu: 100m}}]", "containers: [{name: a, resources: {limits: {cpu: 50m}}}]",
			"a: cpu request 50m is below the minimum 100m"},
		{"limits: [{type: Container, maxLimitRequestRatio: {cpu: 2}}]", "containers: [{name: a, resources: {requests: {cpu: 100m}, limits: {cpu: 201m}}}]",
			"a: cpu limit 201m is more than 2 times its request 100m"},
		{"limits: [{type: Container, maxLimitRequestRatio: {cpu: 2}}]", "containers: [{name: a, resources: {requests: {cpu: 100m}, limits: {cpu: 200m}}}]", ""},
		{"limits: [{type: Pod, max: {cpu: 2}}]", "containers: [{name: a}]", ": has no cpu limit, the maximum is 2"},
		{"limits: [{type: Pod, max: {cpu: 2}}]", "{overhead: {cpu: 4}, containers: [{name: a, resources: {limits: {cpu: 2}}}]}", ""},
		{"limits: [{type: Container, max: {cpu: 2}}]", "containers: [{name: a}]", ""},
	} {
		ranges := []corev1.LimitRangeSpec{DefaultRange(*decode[corev1.LimitRangeSpec](t, test.limits))}
		var got []string
		for _, p := range Violations(Complete(decode[corev1.PodSpec](t, test.pod), ranges), ranges, Options{}) {
			got = append(got, p.Container+": "+p.Message)
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s on %s: %q, want %q", test.limits, test.pod, got, test.want)
		}
	}
}

func TestLacking(t *testing.T) {
	spec := Complete(decode[corev1.PodSpec](t, `
containers:
- name: b
- name: a
  resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
initContainers:
- name: i
  resources: {limits: {cpu: 1}}
`), nil)
	hard := corev1.ResourceList{"requests.cpu": {}, "memory": {}, "limits.cpu": {}, "pods": {}, "requests.nvidia.com/gpu": {}}
	var got []string
	for _, m := range Lacking(spec, hard, Options{}) {
		got = append(got, fmt.Sprintf("%s for: %s", m.Resource, strings.Join(m.Containers, ",")))
	}
	want := "limits.cpu for: a,b; memory for: b,i; requests.cpu for: b"
	if strings.Join(got, "; ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("1")}}
	if lacking := Lacking(spec, hard, Options{}); lacking != nil {
		t.Errorf("with resources at pod level: %v", lacking)
	}
	if lacking := Lacking(spec, hard, Options{NoPodResources: true}); len(lacking) != 3 {
		t.Errorf("where the server ignores them: %v", lacking)
	}
}

func TestInvalidName(t *testing.T) {
	for name, valid := range map[corev1.ResourceName]bool{
		"cpu": true, "requests.cpu": true, "limits.ephemeral-storage": true, "pods": true, "services.nodeports": true,
		"count/deployments.apps": true, "requests.nvidia.com/gpu": true, "nvidia.com/gpu": true, "hugepages-2Mi": true,
		"gold.storageclass.storage.k8s.io/requests.storage": true,
		"gpu": false, "requestsGpu": false, "requests.gpu": false, "storage": false, "deployments": false, "requests.pods": false, "a b": false,
	} {
		if got := InvalidName(name) == ""; got != valid {
			t.Errorf("%s: valid is %t, want %t", name, got, valid)
		}
	}
}

func TestMeasures(t *testing.T) {
	for name, want := range map[corev1.ResourceName]string{
		"cpu": "pods", "count/pods": "pods", "requests.nvidia.com/gpu": "pods", "nvidia.com/gpu": "", "limits.nvidia.com/gpu": "",
		"requests.storage": "claims", "gold.storageclass.storage.k8s.io/requests.storage": "claims", "services": "services", "count/deployments.apps": "",
	} {
		got := ""
		switch {
		case MeasuresPods(name):
			got = "pods"
		case MeasuresClaims(name):
			got = "claims"
		case MeasuresServices(name):
			got = "services"
		}
		if got != want {
			t.Errorf("%s is measured on %q, want %q", name, got, want)
		}
	}
}

func TestFits(t *testing.T) {
	hard := corev1.ResourceList{"requests.cpu": resource.MustParse("4"), "memory": resource.MustParse("10Gi")}
	each := corev1.ResourceList{"requests.cpu": resource.MustParse("300m"), "memory": resource.MustParse("1Gi")}
	used := corev1.ResourceList{"requests.cpu": resource.MustParse("1")}
	if n := Fits(each, used, hard); n != 10 {
		t.Errorf("%d fit, want 10", n)
	}
	if n := Fits(corev1.ResourceList{"pods": resource.MustParse("1")}, nil, hard); n != -1 {
		t.Errorf("%d fit where nothing is limited", n)
	}
}
