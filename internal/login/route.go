package login

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var (
	gatewayKind        = inventory.GroupKind{Group: "networking.istio.io", Kind: "Gateway"}
	virtualServiceKind = inventory.GroupKind{Group: "networking.istio.io", Kind: "VirtualService"}
	serviceEntryKind   = inventory.GroupKind{Group: "networking.istio.io", Kind: "ServiceEntry"}
	ingressKind        = inventory.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	httpRouteKind      = inventory.GroupKind{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}
)

// A Gateway is an Istio Gateway with the pods that serve it.
type Gateway struct {
	*inventory.Object
	Servers []Server
	Pods    []*kubeflow.Pod
}

// A Server is one port of a Gateway.
type Server struct {
	Place    inventory.Place
	Port     int64
	Protocol string // upper case
	Hosts    []Setting
	TLS      bool // it ends TLS or passes it on
	Redirect bool // it answers plain HTTP with a redirect to HTTPS
}

// HTTPS reports whether a browser may reach the gateway by HTTPS through it.
func (g *Gateway) HTTPS() bool {
	return slices.ContainsFunc(g.Servers, func(s Server) bool { return s.TLS })
}

// Plain reports whether the gateway serves pages by plain HTTP.
func (g *Gateway) Plain() bool {
	return slices.ContainsFunc(g.Servers, func(s Server) bool { return !s.TLS && !s.Redirect })
}

// Serves reports whether a server of the gateway has a host that matches.
func (g *Gateway) Serves(host string) bool {
	for _, s := range g.Servers {
		for _, h := range s.Hosts {
			if HostMatches(bareHost(h.Text), host) {
				return true
			}
		}
	}
	return false
}

// bareHost cuts the namespace off a host of a Gateway.
func bareHost(host string) string {
	if _, bare, ok := strings.Cut(host, "/"); ok {
		return bare
	}
	return host
}

// HostMatches reports whether a host pattern of Istio, with * as its first
// label or alone, matches a host; a port of the host does not count.
func HostMatches(pattern, host string) bool {
	host = HostOnly(host)
	pattern, host = strings.ToLower(pattern), strings.ToLower(host)
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, rest)
	}
	return pattern == host
}

// overlap reports whether two host patterns have a host in common.
func overlap(a, b string) bool {
	return HostMatches(a, strings.TrimPrefix(b, "*")) && strings.HasPrefix(a, "*") ||
		HostMatches(b, strings.TrimPrefix(a, "*")) && strings.HasPrefix(b, "*") || strings.EqualFold(a, b)
}

func readGateways(v *inventory.View, pods []*kubeflow.Pod) []*Gateway {
	var gateways []*Gateway
	for o := range v.Of(gatewayKind) {
		g := &Gateway{Object: o}
		selector := o.Map("spec", "selector")
		for _, pod := range pods {
			all := len(selector) > 0
			for name, value := range selector {
				all = all && pod.Labels[name] == value
			}
			if all {
				g.Pods = append(g.Pods, pod)
			}
		}
		for i := range o.List("spec", "servers") {
			base := inventory.Path{"spec", "servers", i}
			s := Server{Place: o.At(base), Protocol: strings.ToUpper(o.String(base.Join("port", "protocol")))}
			s.Port, _ = o.Get(base.Join("port", "number")).(int64)
			s.TLS = o.String(base.Join("tls", "mode")) != "" || s.Protocol == "HTTPS" || s.Protocol == "TLS"
			s.Redirect = o.Get(base.Join("tls", "httpsRedirect")) == true
			for j, host := range o.List(base.Join("hosts")) {
				if text, ok := host.(string); ok {
					s.Hosts = append(s.Hosts, Setting{Text: text, Place: o.At(base.Join("hosts", j))})
				}
			}
			g.Servers = append(g.Servers, s)
		}
		gateways = append(gateways, g)
	}
	return gateways
}

// A VirtualService is one that is bound to gateways.
type VirtualService struct {
	*inventory.Object
	Hosts    []Setting
	Gateways []Binding
}

// A Binding names a Gateway.
type Binding struct {
	Namespace, Name string
	Place           inventory.Place
	Gateway         *Gateway // nil where the render has none
}

func readVirtualServices(v *inventory.View, gateways []*Gateway) []*VirtualService {
	var all []*VirtualService
	for o := range v.Of(virtualServiceKind) {
		vs := &VirtualService{Object: o}
		for i, host := range o.List("spec", "hosts") {
			if text, ok := host.(string); ok {
				vs.Hosts = append(vs.Hosts, Setting{Text: text, Place: o.At("spec", "hosts", i)})
			}
		}
		for i, name := range o.List("spec", "gateways") {
			text, _ := name.(string)
			if text == "mesh" || text == "" {
				continue
			}
			b := Binding{Namespace: o.Key.Namespace, Name: text, Place: o.At("spec", "gateways", i)}
			if ns, name, ok := strings.Cut(text, "/"); ok {
				b.Namespace, b.Name = ns, name
			}
			for _, g := range gateways {
				if g.Key.Namespace == b.Namespace && g.Key.Name == b.Name {
					b.Gateway = g
				}
			}
			vs.Gateways = append(vs.Gateways, b)
		}
		all = append(all, vs)
	}
	return all
}

// A Destination is where a route may send a request.
type Destination struct {
	VirtualService *VirtualService
	Route          int
	Place          inventory.Place // of the destination
	Host, Port     string
	PortPlace      inventory.Place
	// CatchAll is set on routes without a path of their own.
	CatchAll bool
	// Sure is No where other conditions decide too.
	Sure Answer
	// Rewrite is what the path becomes, where the route rewrites it.
	Rewrite *Setting
	prefix  string
}

// Bound reports whether a VirtualService is served by a Gateway, by binding and
// by hosts.
func (vs *VirtualService) Bound(g *Gateway) bool {
	for _, b := range vs.Gateways {
		if b.Gateway != g {
			continue
		}
		for _, s := range g.Servers {
			for _, gh := range s.Hosts {
				ns, _, scoped := strings.Cut(gh.Text, "/")
				if scoped && ns != "*" && ns != vs.Key.Namespace && !(ns == "." && g.Key.Namespace == vs.Key.Namespace) {
					continue
				}
				for _, vh := range vs.Hosts {
					if overlap(bareHost(gh.Text), vh.Text) {
						return true
					}
				}
			}
		}
	}
	return false
}

// ServesHost reports whether the VirtualService's hosts have one that matches.
func (vs *VirtualService) ServesHost(host string) bool {
	return slices.ContainsFunc(vs.Hosts, func(h Setting) bool { return HostMatches(h.Text, host) })
}

// Routes finds where a gateway may send a request for a path: the first route
// that matches of each VirtualService, and of these the ones with a path of
// their own before those that catch all. An empty host is any.
func (c *Chain) Routes(g *Gateway, path, host string) []Destination {
	var found []Destination
	for _, vs := range c.VirtualServices {
		if !vs.Bound(g) || host != "" && !vs.ServesHost(host) {
			continue
		}
		found = append(found, vs.match(path)...)
	}
	specific := slices.DeleteFunc(slices.Clone(found), func(d Destination) bool { return d.CatchAll })
	if slices.ContainsFunc(specific, func(d Destination) bool { return d.Sure == Yes }) {
		return specific
	}
	slices.SortStableFunc(found, func(a, b Destination) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	return found
}

func (vs *VirtualService) match(path string) []Destination {
	var found []Destination
	for i := range vs.List("spec", "http") {
		base := inventory.Path{"spec", "http", i}
		best, catchAll, prefix := No, true, ""
		matches := vs.List(base.Join("match"))
		if len(matches) == 0 {
			best = Yes
		}
		for j := range matches {
			answer, all, p := vs.condition(base.Join("match", j), path)
			if answer > best {
				best, catchAll, prefix = answer, all, p
			}
		}
		if best == No {
			continue
		}
		rewrite := vs.setting(base.Join("rewrite", "uri"))
		if vs.Get(base.Join("redirect")) != nil || vs.Get(base.Join("delegate")) != nil || vs.Get(base.Join("directResponse")) != nil {
			found = append(found, Destination{VirtualService: vs, Route: i, Place: vs.At(base), CatchAll: catchAll, Sure: Maybe, prefix: prefix})
		}
		for j := range vs.List(base.Join("route")) {
			at := base.Join("route", j, "destination")
			d := Destination{
				VirtualService: vs, Route: i, Place: vs.At(at.Join("host")), Host: vs.String(at.Join("host")),
				PortPlace: vs.At(at.Join("port", "number")), CatchAll: catchAll, Sure: best, Rewrite: rewrite, prefix: prefix,
			}
			if s, ok := scalar(vs.Get(at.Join("port", "number"))); ok {
				d.Port = s
			}
			found = append(found, d)
		}
		if best == Yes {
			break
		}
	}
	return found
}

func (vs *VirtualService) setting(path inventory.Path) *Setting {
	text, ok := scalar(vs.Get(path))
	if !ok {
		return nil
	}
	return &Setting{Text: text, Place: vs.At(path)}
}

// condition matches one entry of a route's match.
func (vs *VirtualService) condition(base inventory.Path, path string) (answer Answer, catchAll bool, prefix string) {
	answer = Yes
	for field := range vs.Map(base) {
		switch field {
		case "uri", "name", "ignoreUriCase", "gateways", "statPrefix", "withoutHeaders":
		case "scheme", "authority", "port":
			answer = Maybe
		case "method":
			if vs.String(base.Join("method", "exact")) != "GET" {
				answer = Maybe
			}
		default:
			answer = Maybe
		}
	}
	uri := vs.Map(base.Join("uri"))
	fold := vs.Get(base.Join("ignoreUriCase")) == true
	if len(uri) == 0 {
		return answer, true, ""
	}
	for kind, v := range uri {
		pattern, _ := v.(string)
		subject := path
		if fold {
			pattern, subject = strings.ToLower(pattern), strings.ToLower(path)
		}
		ok := false
		switch kind {
		case "prefix":
			ok = strings.HasPrefix(subject, pattern)
			catchAll = pattern == "/"
		case "exact":
			ok = subject == pattern
		case "regex":
			ok = matches("^(?:"+pattern+")$", subject)
			catchAll = pattern == ".*" || pattern == "/.*"
		}
		if !ok {
			return No, catchAll, pattern
		}
		prefix = pattern
	}
	return answer, catchAll, prefix
}

// LeadsTo reports whether a destination is a Service that backs a workload.
func (c *Chain) LeadsTo(d Destination, w *Workload) bool {
	t := c.Resolve(d.Host, d.Port, d.VirtualService.Key.Namespace)
	return t.Backs(w)
}

// Backs reports whether the target's Service selects the workload's pod.
func (t *Target) Backs(w *Workload) bool {
	return slices.ContainsFunc(t.Pods, func(p *kubeflow.Pod) bool { return p.Owner == w.Pod.Owner })
}

// Published reports whether a workload is reachable from outside without the
// mesh's gateways: by an Ingress, by a route of the Gateway API, or by a
// Service that opens a port on nodes or a load balancer.
func (c *Chain) Published(w *Workload) bool {
	for service := range services.In(c.View) {
		if !slices.ContainsFunc(c.podsOf(service.Key.Namespace, service.Value.Spec.Selector), func(p *kubeflow.Pod) bool { return p.Owner == w.Pod.Owner }) ||
			len(service.Value.Spec.Selector) == 0 {
			continue
		}
		if t := service.Value.Spec.Type; t == "LoadBalancer" || t == "NodePort" || len(service.Value.Spec.ExternalIPs) > 0 {
			return true
		}
		for _, kind := range []inventory.GroupKind{ingressKind, httpRouteKind, {Group: "route.openshift.io", Kind: "Route"}} {
			for o := range c.View.Of(kind) {
				if o.Key.Namespace == service.Key.Namespace && mentions(o.Get("spec"), service.Key.Name) ||
					kind == httpRouteKind && mentions(o.Get("spec"), service.Key.Name) {
					return true
				}
			}
		}
	}
	return false
}

// mentions reports whether a text stands anywhere in a value.
func mentions(value any, text string) bool {
	switch value := value.(type) {
	case string:
		return value == text
	case map[string]any:
		for _, v := range value {
			if mentions(v, text) {
				return true
			}
		}
	case []any:
		for _, v := range value {
			if mentions(v, text) {
				return true
			}
		}
	}
	return false
}

// Prefix is the part of the path that the destination's route matched, empty
// where it matches by no prefix.
func (d Destination) Prefix() string { return d.prefix }
