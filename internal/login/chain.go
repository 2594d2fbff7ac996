package login

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// A Chain is all that takes part in a login, as one render has it.
type Chain struct {
	View            *inventory.View
	Pods            []*kubeflow.Pod
	Dexes           []*Dex
	Parties         []*Party
	Mesh            *Mesh
	Policies        []*Policy
	Rules           []*JWTRule
	Filters         []*Filter
	Gateways        []*Gateway
	VirtualServices []*VirtualService
}

// Read reads the login chain of a render.
func Read(v *inventory.View) *Chain {
	c := &Chain{View: v, Mesh: readMesh(v), Policies: readPolicies(v), Rules: readJWTRules(v), Filters: readFilters(v)}
	for pod := range kubeflow.Pods(v) {
		c.Pods = append(c.Pods, pod)
	}
	c.Gateways = readGateways(v, c.Pods)
	c.VirtualServices = readVirtualServices(v, c.Gateways)
	for _, pod := range c.Pods {
		for i := range pod.Spec.Containers {
			container := &pod.Spec.Containers[i]
			dex, proxy, auth := isDex(container), isProxy(container), isAuthService(container)
			if !dex && !proxy && !auth {
				continue
			}
			w := Workload{Pod: pod, Container: container, Place: pod.ContainerAt("containers", i)}
			w.Env = containerEnv(v, pod, w.Place, container)
			w.Opaque = opaqueFrom(v, pod, container)
			switch {
			case dex:
				c.Dexes = append(c.Dexes, readDex(v, w))
			case proxy:
				p := readProxy(v, w)
				c.Parties = append(c.Parties, &Party{Workload: &p.Workload, Proxy: p})
			case auth:
				a := &AuthService{w}
				c.Parties = append(c.Parties, &Party{Workload: &a.Workload, Auth: a})
			}
		}
	}
	return c
}

// Env reads the environment of any container of the render.
func (c *Chain) Env(pod *kubeflow.Pod, place inventory.Place, i int) Env {
	return containerEnv(c.View, pod, place, &pod.Spec.Containers[i])
}

// A Party is a relying party: it sends users to the provider and takes them
// back. Exactly one of Proxy and Auth is set.
type Party struct {
	*Workload
	Proxy *Proxy
	Auth  *AuthService
}

func (p *Party) pick(option string, variables ...string) *Setting {
	if p.Proxy != nil {
		return p.Proxy.Setting(option)
	}
	return p.Auth.Setting(variables...)
}

// Whole reports whether all of its configuration is known.
func (p *Party) Whole() bool {
	if p.Proxy != nil {
		return p.Proxy.Whole()
	}
	return p.Auth.Whole()
}

// ClientID is the id by which it names itself.
func (p *Party) ClientID() *Setting { return p.pick("client_id", "CLIENT_ID") }

// ClientSecret is the secret by which it proves that. A proxy may take it from
// a file.
func (p *Party) ClientSecret(c *Chain) *Setting {
	s := p.pick("client_secret", "CLIENT_SECRET")
	if p.Proxy == nil || s != nil {
		return s
	}
	if file := p.Proxy.Setting("client_secret_file"); file.Known() {
		if s := mountedFile(c.View, p.Pod, p.Place, p.Container, file.Text); s != nil {
			copied := *s
			copied.Secret = true
			return &copied
		}
		return &Setting{Place: file.Place, Unknown: "the file " + file.Text + " is not in the render", Secret: true}
	}
	return nil
}

// Issuer is the issuer that it trusts.
func (p *Party) Issuer() *Setting { return p.pick("oidc_issuer_url", "OIDC_PROVIDER") }

// LoginURL is where it sends the browser, where that is set rather than
// discovered.
func (p *Party) LoginURL() *Setting {
	if p.Proxy != nil {
		if discovery, known := p.Proxy.Discovery(); discovery || !known {
			return nil // what is discovered wins
		}
	}
	return p.pick("login_url", "OIDC_AUTH_URL")
}

// Redirect is the redirect URI that it will send; nil where not known.
func (p *Party) Redirect() *Redirect {
	if p.Proxy != nil {
		return p.Proxy.Redirect()
	}
	return p.Auth.Redirect()
}

// Skips reports whether it asks nobody to log in for a path.
func (p *Party) Skips(requestPath string) bool {
	if p.Proxy != nil {
		return p.Proxy.Skips(requestPath)
	}
	return p.Auth.Skips(requestPath)
}

// Kind is the program's name.
func (p *Party) Kind() string {
	if p.Proxy != nil {
		return "oauth2-proxy"
	}
	return "oidc-authservice"
}

// Endpoints are the URLs of the provider that it uses, by the option's name.
func (p *Party) Endpoints() map[string]*Setting {
	all := map[string]*Setting{}
	add := func(name string, s *Setting) {
		if s.Known() && s.Text != "" {
			all[name] = s
		}
	}
	if p.Auth != nil {
		add("OIDC_PROVIDER", p.Issuer())
		add("OIDC_AUTH_URL", p.LoginURL())
		return all
	}
	add("oidc_issuer_url", p.Issuer())
	if discovery, known := p.Proxy.Discovery(); known && !discovery {
		for _, name := range []string{"login_url", "redeem_url", "oidc_jwks_url", "profile_url", "validate_url"} {
			add(name, p.Proxy.Setting(name))
		}
	}
	return all
}

// DexOf finds the Dex of the render that a party means, tolerant of the
// mistakes that checks look for: by a Service that one of its URLs leads to, by
// a client id that Dex knows, or by a path under which Dex lives. It is nil for
// a party of another provider.
func (c *Chain) DexOf(p *Party) *Dex {
	endpoints := p.Endpoints()
	for _, dex := range c.Dexes {
		for _, s := range endpoints {
			if s.Text == dex.Issuer.Value() {
				return dex
			}
			if t := c.ResolveURL(s.Text, p.Pod.Namespace); t != nil && t.Backs(&dex.Workload) {
				return dex
			}
		}
	}
	for _, dex := range c.Dexes {
		if id := p.ClientID(); id.Known() && id.Text != "" && dex.Client(id.Text) != nil {
			return dex
		}
		under := dex.Path("")
		for _, s := range endpoints {
			if u, err := url.Parse(s.Text); err == nil && under != "/" {
				if _, ok := below(under, path.Clean("/"+u.Path)); ok {
					return dex
				}
			}
		}
	}
	if len(c.Dexes) == 1 && len(endpoints) > 0 {
		for _, s := range endpoints {
			u, err := url.Parse(s.Text)
			if err != nil || u.Host != "" && !c.InCluster(u.Host) {
				return nil
			}
			if t := c.ResolveURL(s.Text, p.Pod.Namespace); t != nil && t.Service != nil {
				return nil // it leads to another provider of the render
			}
		}
		return c.Dexes[0]
	}
	return nil
}

// Asks reports whether a provider of the mesh leads to the party, and whether
// a filter does.
func (c *Chain) Asks(p *Party) (providers []*Provider, filters []*Filter) {
	for _, provider := range c.Mesh.Providers {
		if !provider.ExtAuthzHTTP && !provider.ExtAuthzGRPC {
			continue
		}
		host := provider.Service.Value()
		if _, bare, ok := strings.Cut(host, "/"); ok {
			host = bare
		}
		if t := c.Resolve(host, portOf(provider.Port), c.Mesh.RootNamespace); t.Backs(p.Workload) {
			providers = append(providers, provider)
		}
	}
	for _, f := range c.Filters {
		if t := c.Resolve(f.Host, f.Port, f.Object.Key.Namespace); t.Backs(p.Workload) {
			filters = append(filters, f)
		}
	}
	return providers, filters
}

// Front are the Gateways by which users come in: those whose VirtualServices
// lead to a part of the login chain or to the central dashboard, and where
// there are none such, those that any VirtualService is bound to.
func (c *Chain) Front() []*Gateway {
	var front, any []*Gateway
	for _, g := range c.Gateways {
		var leads, bound bool
		for _, vs := range c.VirtualServices {
			if !slices.ContainsFunc(vs.Gateways, func(b Binding) bool { return b.Gateway == g }) {
				continue
			}
			bound = true
			for i := range vs.List("spec", "http") {
				for j := range vs.List("spec", "http", i, "route") {
					host := vs.String("spec", "http", i, "route", j, "destination", "host")
					leads = leads || strings.HasPrefix(host, "centraldashboard.") || host == "centraldashboard" || c.leadsIntoChain(host, vs.Key.Namespace)
				}
			}
		}
		if leads {
			front = append(front, g)
		}
		if bound {
			any = append(any, g)
		}
	}
	if len(front) == 0 {
		return any
	}
	return front
}

func (c *Chain) leadsIntoChain(host, namespace string) bool {
	t := c.Resolve(host, "", namespace)
	for _, dex := range c.Dexes {
		if t.Backs(&dex.Workload) {
			return true
		}
	}
	for _, p := range c.Parties {
		if t.Backs(p.Workload) {
			return true
		}
	}
	return false
}

// FrontPods are the pods that serve the Gateways by which users come in, each
// once.
func (c *Chain) FrontPods() []*kubeflow.Pod {
	var pods []*kubeflow.Pod
	for _, g := range c.Front() {
		for _, pod := range g.Pods {
			if !slices.ContainsFunc(pods, func(p *kubeflow.Pod) bool { return p.Owner == pod.Owner }) {
				pods = append(pods, pod)
			}
		}
	}
	return pods
}

// Applies reports whether a policy of Istio applies to a pod.
func (c *Chain) Applies(o *inventory.Object, pod *kubeflow.Pod) bool { return c.Mesh.applies(o, pod) }

// RulesAt are the JWT rules that apply to a pod.
func (c *Chain) RulesAt(pod *kubeflow.Pod) []*JWTRule {
	var rules []*JWTRule
	for _, r := range c.Rules {
		if c.Mesh.applies(r.Object, pod) {
			rules = append(rules, r)
		}
	}
	return rules
}

// HasServiceEntry reports whether a ServiceEntry brings a host into the mesh.
func (c *Chain) HasServiceEntry(host string) bool {
	for o := range c.View.Of(serviceEntryKind) {
		for _, h := range o.List("spec", "hosts") {
			if s, _ := h.(string); s != "" && HostMatches(s, host) {
				return true
			}
		}
	}
	return false
}

// UsesGatewayAPI reports whether the render routes by the Gateway API, which
// this package does not follow.
func (c *Chain) UsesGatewayAPI() bool {
	for range c.View.Of(httpRouteKind) {
		return true
	}
	return false
}

// IngressHosts are the hosts of Ingresses, with their places.
func (c *Chain) IngressHosts() []Setting {
	var hosts []Setting
	for o := range c.View.Of(ingressKind) {
		for i := range o.List("spec", "rules") {
			if host := o.String("spec", "rules", i, "host"); host != "" {
				hosts = append(hosts, Setting{Text: host, Place: o.At("spec", "rules", i, "host")})
			}
		}
	}
	return hosts
}

// ScriptNames reports whether an EnvoyFilter that applies to a pod, other than
// one for external authorization, names a header.
func (c *Chain) ScriptNames(pod *kubeflow.Pod, header string) (inventory.Place, bool) {
	for o := range c.View.Of(envoyFilterKind) {
		if slices.ContainsFunc(c.Filters, func(f *Filter) bool { return f.Object == o }) || !c.Applies(o, pod) {
			continue
		}
		if contains(o.Get("spec"), header) {
			return o.At("spec"), true
		}
	}
	return inventory.Place{}, false
}

// contains reports whether a text stands within any string of a value, without
// regard to case.
func contains(value any, text string) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(strings.ToLower(value), text)
	case map[string]any:
		for _, v := range value {
			if contains(v, text) {
				return true
			}
		}
	case []any:
		for _, v := range value {
			if contains(v, text) {
				return true
			}
		}
	}
	return false
}
