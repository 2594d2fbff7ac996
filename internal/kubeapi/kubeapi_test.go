package kubeapi

import (
	"fmt"
	"slices"
	"testing"
)

func TestServed(t *testing.T) {
	for _, c := range []struct {
		group, version, kind string
		first, last          string
	}{
		{"apps", "v1", "Deployment", "1.29", "1.37"},
		{"flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema", "1.29", "1.31"},
		{"admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "1.30", "1.37"},
		{"", "v1", "ConfigMap", "1.29", "1.37"},
	} {
		minors := Served(c.group, c.version, c.kind)
		if len(minors) == 0 || minors[0] != c.first || minors[len(minors)-1] != c.last {
			t.Errorf("%s/%s %s: %v", c.group, c.version, c.kind, minors)
		}
	}
	for _, gone := range [][3]string{{"policy", "v1beta1", "PodDisruptionBudget"}, {"extensions", "v1beta1", "Ingress"}, {"autoscaling", "v2beta2", "HorizontalPodAutoscaler"}, {"example.com", "v1", "X"}} {
		if minors := Served(gone[0], gone[1], gone[2]); minors != nil {
			t.Errorf("%v: %v", gone, minors)
		}
	}
	if !BuiltIn("policy", "PodDisruptionBudget") || BuiltIn("policy", "Nothing") {
		t.Error("BuiltIn")
	}
	if v := Versions("policy", "PodDisruptionBudget", "1.34"); !slices.Equal(v, []string{"v1"}) {
		t.Error(v)
	}
}

func TestMissingFields(t *testing.T) {
	pod := map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"resources": "x"}},
		"spec": map[string]any{
			"resources": map[string]any{"limits": map[string]any{"cpu": "1"}}, // pod-level, since 1.32
			"containers": []any{map[string]any{
				"name":                "c",
				"restartPolicyRules":  []any{},                   // since 1.34
				"resources":           map[string]any{},          // always
				"nosuchfield":         true,                      // never
				"securityContext":     map[string]any{"x": true}, // never
				"terminationMessages": nil,
			}},
		},
	}
	for minor, want := range map[string]string{
		"1.29": "[[spec containers 0 restartPolicyRules] [spec resources]]",
		"1.33": "[[spec containers 0 restartPolicyRules]]",
		"1.34": "[]",
	} {
		var paths []any
		for _, m := range MissingFields("", "v1", "Pod", minor, pod) {
			paths = append(paths, m.Path)
		}
		if got := fmt.Sprint(paths); got != want {
			t.Errorf("%s: got %s, want %s", minor, got, want)
		}
	}
}
