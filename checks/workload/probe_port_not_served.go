package workload

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

var probePortNotServed = &checks.Check{
	ID:       "workload/probe-port-not-served",
	Severity: checks.Error,
	Doc: `probe asks a port that its container does not have

A probe or hook whose port is a name needs a port of that name in its own
container; another container's does not count. Otherwise the probe always fails:
a pod with such a readiness probe never becomes ready, one with a liveness or
startup probe is restarted again and again.

Numbers need no declaration, and upstream probes ports that are not declared. A
number is a warning where it is the container's only declared port but for one
digit, not the last, and nothing else of the pod speaks of it.`,
	Fix: "Name a port that the container declares.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#use-a-named-port",
		"https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/probe/util.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		checked := false
		for pod := range kubeflow.Pods(pass.Render) {
			for at, c := range pod.Containers() {
				for _, probe := range probesOf(c) {
					checked = true
					place := at.At(probe.path)
					if probe.port.Type == intstr.String {
						name := probe.port.StrVal
						var names []string
						found := false
						for _, p := range c.Ports {
							found = found || p.Name == name
							if p.Name != "" {
								names = append(names, p.Name)
							}
						}
						if found || strings.TrimLeft(name, "0123456789") == "" {
							continue // the kubelet reads digits as a number
						}
						pass.Reportf(place, "the %s of container %s of %s asks port %s, which the container does not declare%s",
							probe.what, c.Name, pod.Owner.Key, name, near.Hint(name, names))
						continue
					}
					if len(c.Ports) != 1 || !slip(probe.port.IntVal, c.Ports[0].ContainerPort) {
						continue
					}
					if !mentionedBesides(pass.Render, pod, probe.port.IntVal) {
						pass.Reportf(place, "the %s of container %s of %s asks port %d, but the container declares %d",
							probe.what, c.Name, pod.Owner.Key, probe.port.IntVal, c.Ports[0].ContainerPort).As(checks.Warning).
							See(at.At("ports", 0, "containerPort"), "the port that it declares")
					}
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// An asked is a port that the kubelet connects to.
type asked struct {
	what string         // "readiness probe"
	path inventory.Path // of the port, below the container
	port intstr.IntOrString
}

// probesOf are the ports that the probes and hooks of a container ask.
func probesOf(c *corev1.Container) []asked {
	var found []asked
	add := func(what string, path inventory.Path, http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction, grpc *corev1.GRPCAction) {
		switch {
		case http != nil:
			found = append(found, asked{what, path.Join("httpGet", "port"), http.Port})
		case tcp != nil:
			found = append(found, asked{what, path.Join("tcpSocket", "port"), tcp.Port})
		case grpc != nil:
			found = append(found, asked{what, path.Join("grpc", "port"), intstr.FromInt32(grpc.Port)})
		}
	}
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"readiness", c.ReadinessProbe}, {"liveness", c.LivenessProbe}, {"startup", c.StartupProbe}} {
		if p.probe != nil {
			add(p.name+" probe", inventory.Path{p.name + "Probe"}, p.probe.HTTPGet, p.probe.TCPSocket, p.probe.GRPC)
		}
	}
	if c.Lifecycle != nil {
		if h := c.Lifecycle.PostStart; h != nil {
			add("postStart hook", inventory.Path{"lifecycle", "postStart"}, h.HTTPGet, h.TCPSocket, nil)
		}
		if h := c.Lifecycle.PreStop; h != nil {
			add("preStop hook", inventory.Path{"lifecycle", "preStop"}, h.HTTPGet, h.TCPSocket, nil)
		}
	}
	return found
}

// mentionedBesides reports whether anything but a probe speaks of a number.
func mentionedBesides(v *inventory.View, pod *kubeflow.Pod, number int32) bool {
	bare := *pod
	spec := pod.Spec.DeepCopy()
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			list[i].ReadinessProbe, list[i].LivenessProbe, list[i].StartupProbe, list[i].Lifecycle = nil, nil, nil, nil
		}
	}
	bare.Spec = spec
	var ports []corev1.ContainerPort
	for _, c := range spec.Containers {
		ports = append(ports, c.Ports...)
	}
	return speaksOf(v, &reach.Peer{Namespace: pod.Namespace, Ports: ports, Pod: &bare}, number)
}

func refsOf(pod *kubeflow.Pod) []refs.Ref {
	return slices.DeleteFunc(refs.OfPod(pod), func(r refs.Ref) bool { return r.Kind != refs.ConfigMap || r.Optional })
}

// slip reports whether one number is another with one digit replaced or two
// neighbours swapped. The last digit does not count: components ask 8081 for
// their health beside 8080.
func slip(a, b int32) bool {
	x, y := digitsOf(a), digitsOf(b)
	if len(x) != len(y) || len(x) < 3 || a == b {
		return false
	}
	var at []int
	for i := range x {
		if x[i] != y[i] {
			at = append(at, i)
		}
	}
	return len(at) == 1 && at[0] > 0 || len(at) == 2 && at[1] == at[0]+1 && x[at[0]] == y[at[1]] && x[at[1]] == y[at[0]]
}

func digitsOf(n int32) []int32 {
	var digits []int32
	for ; n > 0; n /= 10 {
		digits = append(digits, n%10)
	}
	return digits
}
