package kubeflow

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// InjectedSecurity is the pod's spec as Pod Security sees it: with the
// containers that Istio adds and their security contexts
// (istio/manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
func InjectedSecurity(v *inventory.View, pod *Pod) *corev1.PodSpec {
	spec := pod.Spec.DeepCopy()
	if !pod.HasSidecar() {
		return spec
	}
	var values struct {
		Global struct {
			Proxy struct {
				Privileged     bool                   `json:"privileged"`
				SeccompProfile *corev1.SeccompProfile `json:"seccompProfile"`
			} `json:"proxy"`
		} `json:"global"`
	}
	for o := range v.Of(configMap) {
		if o.Key.Name == "istio-sidecar-injector" {
			// What does not parse leaves the defaults of the chart.
			_ = json.Unmarshal([]byte(o.String("data", "values")), &values)
		}
	}
	proxy := &values.Global.Proxy
	seccomp := proxy.SeccompProfile
	if seccomp != nil && seccomp.Type == "" {
		seccomp = nil
	}
	yes, no, root, user := true, false, int64(0), int64(1337)
	context := func() *corev1.SecurityContext {
		return &corev1.SecurityContext{
			AllowPrivilegeEscalation: &proxy.Privileged, Privileged: &proxy.Privileged,
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			RunAsNonRoot: &yes, RunAsUser: &user, SeccompProfile: seccomp,
		}
	}
	for _, c := range pod.Injected {
		c.SecurityContext = context()
		if pod.Annotations["sidecar.istio.io/interceptionMode"] == "TPROXY" {
			c.SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
		}
		spec.Containers = append(spec.Containers, c)
	}
	for _, c := range pod.InjectedInit {
		c.SecurityContext = context()
		if c.Name == "istio-init" { // sets up the pod's network itself
			c.SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN", "NET_RAW"}
			c.SecurityContext.RunAsNonRoot, c.SecurityContext.RunAsUser = &no, &root
		}
		spec.InitContainers = append(spec.InitContainers, c)
	}
	return spec
}
