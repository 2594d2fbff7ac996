package calls

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

type gateway struct {
	Spec struct {
		Selector map[string]string `json:"selector"`
		Servers  []struct {
			Port struct {
				Number int32 `json:"number"`
			} `json:"port"`
		} `json:"servers"`
	} `json:"spec"`
}

type virtualService struct {
	Spec struct {
		Gateways []string `json:"gateways"`
		HTTP     []route  `json:"http"`
		TLS      []route  `json:"tls"`
		TCP      []route  `json:"tcp"`
	} `json:"spec"`
}

type route struct {
	Route []struct {
		Destination destination `json:"destination"`
	} `json:"route"`
	Mirror  *destination `json:"mirror"`
	Mirrors []struct {
		Destination destination `json:"destination"`
	} `json:"mirrors"`
	Delegate *struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"delegate"`
}

type destination struct {
	Host string `json:"host"`
	Port struct {
		Number int32 `json:"number"`
	} `json:"port"`
}

var (
	gatewayKind        = inventory.Kind[gateway]{Group: "networking.istio.io", Name: "Gateway"}
	virtualServiceKind = inventory.Kind[virtualService]{Group: "networking.istio.io", Name: "VirtualService"}
)

// gatewayPods are the proxies that a Gateway configures: those that its
// selector matches, in whatever namespace.
func gatewayPods(n *reach.Network, g inventory.Typed[gateway]) []*reach.Peer {
	if len(g.Value.Spec.Selector) == 0 {
		return nil
	}
	selector := labels.SelectorFromSet(g.Value.Spec.Selector)
	var pods []*reach.Peer
	for _, pod := range n.Pods() {
		if selector.Matches(pod.Labels.Set) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// Gateways are the proxies of all Gateways of the render, each once.
func Gateways(n *reach.Network) []*reach.Peer {
	var pods []*reach.Peer
	seen := map[*reach.Peer]bool{}
	for g := range gatewayKind.In(n.View()) {
		for _, pod := range gatewayPods(n, g) {
			if !seen[pod] {
				seen[pod] = true
				pods = append(pods, pod)
			}
		}
	}
	return pods
}

// boundGateways are the proxies of the Gateways that VirtualServices are bound
// to: those through which users come.
func boundGateways(n *reach.Network) []*reach.Peer {
	var pods []*reach.Peer
	seen := map[*reach.Peer]bool{}
	for vs := range virtualServiceKind.In(n.View()) {
		for _, pod := range gatewaysOf(n, vs) {
			if !seen[pod] {
				seen[pod] = true
				pods = append(pods, pod)
			}
		}
	}
	return pods
}

// gatewaysOf are the proxies that a VirtualService configures.
func gatewaysOf(n *reach.Network, vs inventory.Typed[virtualService]) []*reach.Peer {
	var pods []*reach.Peer
	for _, name := range vs.Value.Spec.Gateways {
		namespace := vs.Key.Namespace
		if ns, rest, ok := strings.Cut(name, "/"); ok {
			namespace, name = ns, rest
		}
		if g, ok := gatewayKind.Get(n.View(), namespace, name); ok {
			pods = append(pods, gatewayPods(n, g)...)
		}
	}
	return pods
}

// Routes are the calls of gateways: each Service that a VirtualService bound
// to a Gateway routes to.
func Routes(n *reach.Network) []Call {
	var calls []Call
	for vs := range virtualServiceKind.In(n.View()) {
		from := gatewaysOf(n, vs)
		if len(from) > 0 {
			calls = append(calls, routesOf(n, from, vs, 0)...)
		}
	}
	return calls
}

func routesOf(n *reach.Network, from []*reach.Peer, vs inventory.Typed[virtualService], depth int) []Call {
	var calls []Call
	to := func(d *destination, steps ...any) {
		s, ok := n.Lookup(d.Host, vs.Key.Namespace)
		if !ok {
			return
		}
		port := d.Port.Number
		if port == 0 {
			if port, ok = reach.OnlyPort(s, corev1.ProtocolTCP); !ok {
				return
			}
		}
		like := Call{Place: vs.At(steps...), Because: fmt.Sprintf("%s routes to it", vs.Key), Effect: "the route answers with 503 or not at all"}
		if text, ok := kubeflow.UnusedRoute(vs.Key.Name, s.Key.Name); ok {
			like.Minor, like.Effect = true, text
		}
		calls = append(calls, toService(n, from, s, port, like)...)
	}
	for _, protocol := range []struct {
		field string
		list  []route
	}{{"http", vs.Value.Spec.HTTP}, {"tls", vs.Value.Spec.TLS}, {"tcp", vs.Value.Spec.TCP}} {
		field, list := protocol.field, protocol.list
		for i := range list {
			for j := range list[i].Route {
				to(&list[i].Route[j].Destination, "spec", field, i, "route", j, "destination")
			}
			if list[i].Mirror != nil {
				to(list[i].Mirror, "spec", field, i, "mirror")
			}
			for j := range list[i].Mirrors {
				to(&list[i].Mirrors[j].Destination, "spec", field, i, "mirrors", j, "destination")
			}
			if d := list[i].Delegate; d != nil && depth == 0 {
				namespace := d.Namespace
				if namespace == "" {
					namespace = vs.Key.Namespace
				}
				if next, ok := virtualServiceKind.Get(n.View(), namespace, d.Name); ok && len(next.Value.Spec.Gateways) == 0 {
					calls = append(calls, routesOf(n, from, next, depth+1)...)
				}
			}
		}
	}
	return calls
}
