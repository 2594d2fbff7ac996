package login

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var services = inventory.Kind[corev1.Service]{Group: "", Name: "Service"}

// A Target is where a URL or a host and port lead within the cluster.
type Target struct {
	// Host is the host as written; Namespace and Name are what it means.
	Host, Namespace, Name string
	Port                  string
	Scheme                string
	// Outside is set where the host is no name of a Service.
	Outside bool
	// Unknown says why it cannot be told whether the Service exists.
	Unknown string
	Service *inventory.Typed[corev1.Service]
	// ServicePort is the port of the Service, nil where it has no such port.
	ServicePort *corev1.ServicePort
	// Pods are those that the Service selects, in the render.
	Pods []*kubeflow.Pod
	// External is set on Services that lead elsewhere: ExternalName, or
	// without selector.
	External bool
}

// Missing reports whether the Service is certain not to exist.
func (t *Target) Missing() bool {
	return !t.Outside && t.Unknown == "" && t.Service == nil
}

// ContainerPort is the port that the Service leads to in a pod, empty where
// the pod names no such port.
func (t *Target) ContainerPort(pod *kubeflow.Pod) string {
	if t.ServicePort == nil {
		return ""
	}
	target := t.ServicePort.TargetPort
	if target.StrVal != "" {
		for _, c := range pod.Spec.Containers {
			for _, port := range c.Ports {
				if port.Name == target.StrVal {
					return strconv.Itoa(int(port.ContainerPort))
				}
			}
		}
		return ""
	}
	if target.IntVal != 0 {
		return strconv.Itoa(int(target.IntVal))
	}
	return strconv.Itoa(int(t.ServicePort.Port))
}

// ResolveURL finds where a URL leads from a namespace. It is nil for URLs
// without host.
func (c *Chain) ResolveURL(text, namespace string) *Target {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil
	}
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "https":
			port = "443"
		default:
			port = "80"
		}
	}
	t := c.Resolve(u.Hostname(), port, namespace)
	t.Scheme = u.Scheme
	return t
}

// Resolve finds where a host and port lead from a namespace.
func (c *Chain) Resolve(host, port, namespace string) *Target {
	t := &Target{Host: host, Port: port}
	name, ns, inside := c.serviceName(host, namespace)
	if !inside {
		t.Outside = true
		return t
	}
	t.Name, t.Namespace = name, ns
	if ns == "default" && name == "kubernetes" {
		t.External = true
		t.Unknown = "the API server's Service is never rendered"
		return t
	}
	service, ok := services.Get(c.View, ns, name)
	if !ok {
		if _, rendered := c.View.Namespace(ns); !rendered && !c.hasObjectsIn(ns) {
			t.Unknown = "namespace " + ns + " is not in the render"
		}
		return t
	}
	t.Service = &service
	t.External = service.Value.Spec.Type == corev1.ServiceTypeExternalName || len(service.Value.Spec.Selector) == 0
	for i := range service.Value.Spec.Ports {
		p := &service.Value.Spec.Ports[i]
		if strconv.Itoa(int(p.Port)) == port {
			t.ServicePort = p
		}
	}
	if service.Value.Spec.ClusterIP == corev1.ClusterIPNone && t.ServicePort == nil {
		t.External = true // a headless Service leads to any port of its pods
	}
	if !t.External {
		t.Pods = c.podsOf(ns, service.Value.Spec.Selector)
	}
	return t
}

func (c *Chain) podsOf(namespace string, selector map[string]string) []*kubeflow.Pod {
	var pods []*kubeflow.Pod
	set := labels.SelectorFromSet(selector)
	for _, pod := range c.Pods {
		if pod.Namespace == namespace && set.Matches(pod.Labels) {
			pods = append(pods, pod)
		}
	}
	return pods
}

func (c *Chain) hasObjectsIn(namespace string) bool {
	for _, pod := range c.Pods {
		if pod.Namespace == namespace {
			return true
		}
	}
	return false
}

// serviceName tells names of Services from hosts outside the cluster.
func (c *Chain) serviceName(host, namespace string) (name, ns string, inside bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || IsIP(host) {
		return "", "", false
	}
	parts := strings.Split(host, ".")
	switch {
	case len(parts) >= 3 && parts[2] == "svc":
		return parts[0], parts[1], true
	case len(parts) == 2:
		// ns may also be a top-level domain: only a namespace that is in the
		// render makes it a name of a Service.
		if _, ok := c.View.Namespace(parts[1]); ok || c.hasObjectsIn(parts[1]) {
			return parts[0], parts[1], true
		}
	case len(parts) == 1:
		if namespace != "" {
			return parts[0], namespace, true
		}
	}
	return "", "", false
}

// InCluster reports whether a host is one that only the cluster's DNS knows.
func (c *Chain) InCluster(host string) bool {
	_, _, inside := c.serviceName(HostOnly(host), "")
	return inside
}

// matches reports whether a regular expression matches a part of a text; one
// that does not compile matches nothing.
func matches(expr, text string) bool {
	re, err := regexp.Compile(expr)
	return err == nil && re.MatchString(text)
}
