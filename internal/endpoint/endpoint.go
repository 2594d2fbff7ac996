// Package endpoint follows the address of a Service, as a program is told it,
// to the pods behind it.
package endpoint

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

// A State is how far an address leads.
type State int

const (
	Elsewhere State = iota // not a Service of this cluster, or not to be told
	Reached
	NoNamespace // the namespace is not in the render
	NoService   // no Service has that name
	NoPort      // the Service does not have that port
	NoPod       // no pod is behind the Service
)

// A Result is where an address leads.
type Result struct {
	State     State
	Namespace string
	Name      string
	Service   *inventory.Object // nil without one
	Pods      []*kubeflow.Pod   // behind the Service
	// Doubtful says that something outside of the render may change the answer:
	// pods that an operator makes may be behind a Service.
	Doubtful bool
	// Hint is what may have been meant, to end a message with.
	Hint string
}

var serviceKind = inventory.Kind[corev1.Service]{Name: "Service"}

// Split takes host and port apart; the port is 0 where there is none.
func Split(address string) (host string, port int) {
	host, text, ok := strings.Cut(address, ":")
	if ok {
		port, _ = strconv.Atoi(strings.TrimSuffix(text, "/"))
	}
	return host, port
}

// Resolve follows a host and a port, 0 for any, from a namespace. Hosts with
// dots lead into the cluster only where they are written as a Service's:
// name.namespace, .svc and the domain may follow.
func Resolve(v *inventory.View, namespace, host string, port int) Result {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	r := Result{Namespace: namespace, Name: parts[0]}
	switch {
	case host == "" || strings.ContainsAny(host, "/$ {"):
		return r
	case len(parts) == 1:
	case len(parts) == 2 || parts[2] == "svc":
		r.Namespace = parts[1]
	default:
		return r
	}
	if _, err := strconv.Atoi(parts[len(parts)-1]); err == nil || host == "localhost" {
		return r
	}
	service, ok := serviceKind.Get(v, r.Namespace, r.Name)
	if !ok {
		var names []string
		for o := range v.LiveOf(serviceKind.GroupKind()) {
			if o.Key.Namespace == r.Namespace {
				names = append(names, o.Key.Name)
			}
		}
		_, rendered := v.Namespace(r.Namespace)
		switch {
		case len(names) > 0 || rendered:
			r.State, r.Hint = NoService, near.Hint(r.Name, names)
		case len(parts) == 2:
			// name.something may be a host of the network as well.
		default:
			r.State = NoNamespace
		}
		return r
	}
	r.Service = service.Object
	if service.Value.Spec.Type == corev1.ServiceTypeExternalName {
		return r
	}
	if port != 0 {
		found := false
		for _, p := range service.Value.Spec.Ports {
			found = found || int(p.Port) == port
		}
		if !found {
			r.State = NoPort
			return r
		}
	}
	r.State = Reached
	if len(service.Value.Spec.Selector) == 0 {
		return r
	}
	selector := labels.SelectorFromSet(service.Value.Spec.Selector)
	namesake := false
	for pod := range kubeflow.Pods(v.Inventory().View()) {
		if pod.Namespace == r.Namespace && selector.Matches(pod.Labels) {
			r.Pods = append(r.Pods, pod)
		}
		namesake = namesake || pod.Namespace == r.Namespace && pod.Owner.Key.Name == r.Name
	}
	if len(r.Pods) == 0 {
		r.State, r.Doubtful = NoPod, !namesake
	}
	return r
}

// Problem says in words what is wrong, to follow the address in a message;
// empty where nothing is.
func (r Result) Problem() string {
	switch r.State {
	case NoService:
		return "namespace " + r.Namespace + " has no Service " + r.Name + r.Hint
	case NoPort:
		return r.Service.Key.String() + " does not have that port"
	case NoPod:
		return "no pod is behind " + r.Service.Key.String()
	}
	return ""
}
