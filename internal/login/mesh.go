package login

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var (
	policyKind      = inventory.GroupKind{Group: "security.istio.io", Kind: "AuthorizationPolicy"}
	requestAuthKind = inventory.GroupKind{Group: "security.istio.io", Kind: "RequestAuthentication"}
	envoyFilterKind = inventory.GroupKind{Group: "networking.istio.io", Kind: "EnvoyFilter"}
)

// A Mesh is Istio's mesh configuration: the ConfigMap istio.
type Mesh struct {
	Object        *inventory.Object // nil where the render has none
	Place         inventory.Place   // of extensionProviders, or where they should be
	Broken        *Problem
	RootNamespace string
	Providers     []*Provider
}

// A Provider is an entry of extensionProviders.
type Provider struct {
	Name         string
	Place        inventory.Place
	ExtAuthzHTTP bool
	ExtAuthzGRPC bool
	Service      *Setting
	Port         *Setting
	PathPrefix   *Setting
	// The lists of header names; nil where they are not set. The places are
	// those of the lists, or where they should be.
	CheckHeaders, UpstreamHeaders, DenyHeaders                []Setting
	CheckHeadersPlace, UpstreamHeadersPlace, DenyHeadersPlace inventory.Place
	HasCheckHeaders, HasUpstreamHeaders, HasDenyHeaders       bool
}

// Has reports whether a list of header names has a name; entries may end or
// begin with * .
func Has(list []Setting, header string) bool {
	return slices.ContainsFunc(list, func(s Setting) bool {
		name := strings.ToLower(s.Text)
		switch {
		case name == "*":
			return true
		case strings.HasSuffix(name, "*"):
			return strings.HasPrefix(header, strings.TrimSuffix(name, "*"))
		case strings.HasPrefix(name, "*"):
			return strings.HasSuffix(header, strings.TrimPrefix(name, "*"))
		}
		return name == header
	})
}

func readMesh(v *inventory.View) *Mesh {
	mesh := &Mesh{RootNamespace: "istio-system"}
	for o := range v.Of(configMapKind) {
		if o.Key.Name != "istio" || o.Map("data")["mesh"] == nil {
			continue
		}
		mesh.Object = o
		file := keyOf(o, "mesh")
		mesh.RootNamespace = o.Key.Namespace
		mesh.Place = file.Place
		doc, err := parseDocument(file)
		if err != nil {
			mesh.Broken = fileProblem(err, file)
			return mesh
		}
		if s := doc.setting("rootNamespace"); s.Value() != "" {
			mesh.RootNamespace = s.Text
		}
		mesh.Place = doc.At("extensionProviders")
		for i := range doc.list("extensionProviders") {
			mesh.Providers = append(mesh.Providers, provider(doc, i))
		}
		return mesh
	}
	return mesh
}

func provider(doc *document, i int) *Provider {
	at := func(steps ...any) []any { return append([]any{"extensionProviders", i}, steps...) }
	p := &Provider{Name: doc.setting(at("name")...).Or(""), Place: doc.At(at()...)}
	kind := "envoyExtAuthzHttp"
	p.ExtAuthzHTTP = doc.get(at(kind)...) != nil
	if doc.get(at("envoyExtAuthzGrpc")...) != nil {
		p.ExtAuthzGRPC, kind = true, "envoyExtAuthzGrpc"
	}
	p.Service, p.Port = doc.setting(at(kind, "service")...), doc.setting(at(kind, "port")...)
	p.PathPrefix = doc.setting(at(kind, "pathPrefix")...)
	list := func(name string) ([]Setting, inventory.Place, bool) {
		return doc.settings(at(kind, name)...), doc.At(at(kind, name)...), len(doc.list(at(kind, name)...)) > 0
	}
	p.CheckHeaders, p.CheckHeadersPlace, p.HasCheckHeaders = list("includeRequestHeadersInCheck")
	if !p.HasCheckHeaders {
		// Its old name.
		if old, place, has := list("includeHeadersInCheck"); has {
			p.CheckHeaders, p.CheckHeadersPlace, p.HasCheckHeaders = old, place, has
		}
	}
	p.UpstreamHeaders, p.UpstreamHeadersPlace, p.HasUpstreamHeaders = list("headersToUpstreamOnAllow")
	p.DenyHeaders, p.DenyHeadersPlace, p.HasDenyHeaders = list("headersToDownstreamOnDeny")
	return p
}

// Provider finds an extension provider by name.
func (m *Mesh) Provider(name string) *Provider {
	i := slices.IndexFunc(m.Providers, func(p *Provider) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return m.Providers[i]
}

// applies reports whether a policy of Istio applies to a pod: same namespace
// or the root namespace, and a selector that matches. A policy that is attached
// by targetRefs applies to gateways that this package does not know.
func (m *Mesh) applies(o *inventory.Object, pod *kubeflow.Pod) bool {
	if o.Key.Namespace != pod.Namespace && o.Key.Namespace != m.RootNamespace {
		return false
	}
	if o.Get("spec", "targetRefs") != nil || o.Get("spec", "targetRef") != nil {
		return false
	}
	return selectorOf(o).Matches(pod.Labels)
}

func selectorOf(o *inventory.Object) labels.Selector {
	set := labels.Set{}
	for _, path := range []inventory.Path{{"spec", "selector", "matchLabels"}, {"spec", "workloadSelector", "labels"}} {
		for name, value := range o.Map(path) {
			if s, ok := value.(string); ok {
				set[name] = s
			}
		}
	}
	return set.AsSelector()
}

// A JWTRule is an entry of a RequestAuthentication.
type JWTRule struct {
	Object       *inventory.Object
	Index        int
	Issuer       *Setting
	JWKSURI      *Setting
	JWKS         bool // keys are given in place
	Audiences    []string
	FromHeaders  []string // lower case; nil is the default, Authorization
	FromPrefixes []string
	// Headers are the names, in lower case, that claims are put into.
	Headers map[string]ClaimHeader
}

// A ClaimHeader is an entry of outputClaimToHeaders.
type ClaimHeader struct {
	Claim string
	Place inventory.Place
}

// At is the place of a field of the rule.
func (r *JWTRule) At(steps ...any) inventory.Place {
	return r.Object.At("spec", "jwtRules", r.Index, inventory.MakePath(steps...))
}

// ReadsBearer reports whether the rule takes tokens from the Authorization
// header's Bearer value.
func (r *JWTRule) ReadsBearer() bool {
	if r.FromHeaders == nil {
		return r.Object.Get("spec", "jwtRules", r.Index, "fromParams") == nil && r.Object.Get("spec", "jwtRules", r.Index, "fromCookies") == nil
	}
	for i, name := range r.FromHeaders {
		if name == "authorization" && strings.EqualFold(strings.TrimSpace(r.FromPrefixes[i]), "bearer") {
			return true
		}
	}
	return false
}

func readJWTRules(v *inventory.View) []*JWTRule {
	var rules []*JWTRule
	for o := range v.Of(requestAuthKind) {
		for i := range o.List("spec", "jwtRules") {
			base := inventory.Path{"spec", "jwtRules", i}
			r := &JWTRule{Object: o, Index: i, Headers: map[string]ClaimHeader{}}
			text := func(name string) *Setting {
				s, ok := o.Get(base.Join(name)).(string)
				if !ok {
					return nil
				}
				return &Setting{Text: s, Place: o.At(base.Join(name))}
			}
			r.Issuer, r.JWKSURI = text("issuer"), text("jwksUri")
			if r.JWKSURI == nil {
				r.JWKSURI = text("jwks_uri")
			}
			r.JWKS = o.String(base.Join("jwks")) != ""
			for _, a := range o.List(base.Join("audiences")) {
				if s, ok := a.(string); ok {
					r.Audiences = append(r.Audiences, s)
				}
			}
			for j := range o.List(base.Join("fromHeaders")) {
				r.FromHeaders = append(r.FromHeaders, strings.ToLower(o.String(base.Join("fromHeaders", j, "name"))))
				prefix := o.String(base.Join("fromHeaders", j, "prefix"))
				r.FromPrefixes = append(r.FromPrefixes, prefix)
			}
			for j := range o.List(base.Join("outputClaimToHeaders")) {
				name := strings.ToLower(o.String(base.Join("outputClaimToHeaders", j, "header")))
				r.Headers[name] = ClaimHeader{
					Claim: o.String(base.Join("outputClaimToHeaders", j, "claim")),
					Place: o.At(base.Join("outputClaimToHeaders", j, "header")),
				}
			}
			rules = append(rules, r)
		}
	}
	return rules
}

// A Filter is an external authorization by EnvoyFilter, as before Istio had
// CUSTOM policies.
type Filter struct {
	Object *inventory.Object
	Place  inventory.Place // of the filter's configuration
	// Host and Port are the Service that is asked.
	Host, Port                              string
	HostPlace                               inventory.Place
	CheckHeaders, UpstreamHeaders           []Setting // exact names
	CheckHeadersPlace, UpstreamHeadersPlace inventory.Place
}

func readFilters(v *inventory.View) []*Filter {
	var filters []*Filter
	for o := range v.Of(envoyFilterKind) {
		for i := range o.List("spec", "configPatches") {
			value := inventory.Path{"spec", "configPatches", i, "patch", "value"}
			for _, config := range []string{"typed_config", "typedConfig", "config"} {
				base := value.Join(config)
				http := base.Join("http_service")
				if o.Map(http) == nil {
					http = base.Join("httpService")
				}
				if o.Map(http) == nil {
					continue
				}
				f := &Filter{Object: o, Place: o.At(base)}
				for _, name := range []string{"server_uri", "serverUri"} {
					server := http.Join(name)
					if cluster := strings.Split(o.String(server.Join("cluster")), "|"); len(cluster) == 4 {
						f.Port, f.Host = cluster[1], cluster[3]
						f.HostPlace = o.At(server.Join("cluster"))
					}
				}
				f.CheckHeaders, f.CheckHeadersPlace = patterns(o, http, "authorization_request", "allowed_headers")
				f.UpstreamHeaders, f.UpstreamHeadersPlace = patterns(o, http, "authorization_response", "allowed_upstream_headers")
				filters = append(filters, f)
			}
		}
	}
	return filters
}

func patterns(o *inventory.Object, http inventory.Path, part, list string) ([]Setting, inventory.Place) {
	base := http.Join(part, list, "patterns")
	if o.List(base) == nil {
		base = http.Join(camel(part), camel(list), "patterns")
	}
	var all []Setting
	for i := range o.List(base) {
		for _, kind := range []string{"exact", "prefix", "suffix"} {
			if s := o.String(base.Join(i, kind)); s != "" {
				switch kind {
				case "prefix":
					s += "*"
				case "suffix":
					s = "*" + s
				}
				all = append(all, Setting{Text: s, Place: o.At(base.Join(i, kind))})
			}
		}
	}
	return all, o.At(base)
}

func camel(snake string) string {
	parts := strings.Split(snake, "_")
	for i, p := range parts[1:] {
		parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, "")
}

// A Policy is an AuthorizationPolicy.
type Policy struct {
	*inventory.Object
	Action   string
	Provider string
}

func readPolicies(v *inventory.View) []*Policy {
	var policies []*Policy
	for o := range v.Of(policyKind) {
		p := &Policy{Object: o, Action: o.String("spec", "action"), Provider: o.String("spec", "provider", "name")}
		if p.Action == "" {
			p.Action = "ALLOW"
		}
		policies = append(policies, p)
	}
	return policies
}

// An Answer is yes, no or cannot tell.
type Answer int

const (
	No Answer = iota
	Maybe
	Yes
)

func and(a, b Answer) Answer { return min(a, b) }
func or(a, b Answer) Answer  { return max(a, b) }

func not(a Answer) Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Maybe
}

// A Request is a browser's GET before its user has logged in: no token, no
// identity in the mesh, an address that is not known.
type Request struct {
	Path string
	// Host is the host it asks for; empty where not known.
	Host string
	// Peer is set where another pod of the mesh passes the request on: who it
	// says it is cannot be told.
	Peer bool
}

// Matches reports whether a policy's rules match the request, and the place of
// the rule that does.
func (p *Policy) Matches(r Request) (Answer, inventory.Place) {
	answer, place := No, p.At("spec")
	for i := range p.List("spec", "rules") {
		if a := p.rule(i, r); a > answer {
			answer, place = a, p.At("spec", "rules", i)
		}
	}
	return answer, place
}

func (p *Policy) rule(i int, r Request) Answer {
	base := inventory.Path{"spec", "rules", i}
	answer := Yes
	if from := p.List(base.Join("from")); len(from) > 0 {
		any := No
		for j := range from {
			any = or(any, p.source(base.Join("from", j, "source"), r))
		}
		answer = and(answer, any)
	}
	if to := p.List(base.Join("to")); len(to) > 0 {
		any := No
		for j := range to {
			any = or(any, p.operation(base.Join("to", j, "operation"), r))
		}
		answer = and(answer, any)
	}
	for j := range p.List(base.Join("when")) {
		answer = and(answer, p.condition(base.Join("when", j), r))
	}
	return answer
}

func (p *Policy) strings(path inventory.Path) []string {
	var all []string
	for _, v := range p.List(path) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

func (p *Policy) source(base inventory.Path, r Request) Answer {
	answer := Yes
	for field, absent := range map[string]bool{
		"requestPrincipals": true, "principals": true, "namespaces": true, "serviceAccounts": true,
		"ipBlocks": false, "remoteIpBlocks": false,
	} {
		absent = absent && (!r.Peer || field == "requestPrincipals")
		if len(p.strings(base.Join(field))) > 0 {
			if absent {
				answer = and(answer, No) // the request has none
			} else {
				answer = and(answer, Maybe)
			}
		}
		if len(p.strings(base.Join(negative(field)))) > 0 && !absent {
			answer = and(answer, Maybe)
		}
	}
	return answer
}

func negative(field string) string {
	return "not" + strings.ToUpper(field[:1]) + field[1:]
}

func (p *Policy) operation(base inventory.Path, r Request) Answer {
	answer := Yes
	field := func(name string, match func(pattern string) Answer) {
		if patterns := p.strings(base.Join(name)); len(patterns) > 0 {
			any := No
			for _, pattern := range patterns {
				any = or(any, match(pattern))
			}
			answer = and(answer, any)
		}
		if patterns := p.strings(base.Join(negative(name))); len(patterns) > 0 {
			any := No
			for _, pattern := range patterns {
				any = or(any, match(pattern))
			}
			answer = and(answer, not(any))
		}
	}
	field("paths", func(pattern string) Answer { return yes(PathMatches(pattern, r.Path)) })
	field("methods", func(pattern string) Answer { return yes(wildcard(pattern, "GET")) })
	field("ports", func(string) Answer { return Maybe })
	field("hosts", func(pattern string) Answer {
		if pattern == "*" {
			return Yes
		}
		if r.Host == "" {
			return Maybe
		}
		host := r.Host
		if !strings.Contains(pattern, ":") {
			host = HostOnly(host)
		}
		return yes(wildcard(strings.ToLower(pattern), strings.ToLower(host)))
	})
	return answer
}

func (p *Policy) condition(base inventory.Path, r Request) Answer {
	key := p.String(base.Join("key"))
	name, _, _ := strings.Cut(key, "[")
	header := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(key, "request.headers["), "]"))
	// What a request without login certainly does not carry.
	absent := strings.HasPrefix(name, "request.auth.") || !r.Peer && (name == "source.principal" || name == "source.namespace") ||
		name == "request.headers" && header == "authorization"
	answer := Yes
	if len(p.strings(base.Join("values"))) > 0 {
		if absent {
			answer = No
		} else {
			answer = Maybe
		}
	}
	if len(p.strings(base.Join("notValues"))) > 0 && !absent {
		answer = and(answer, Maybe)
	}
	return answer
}

func yes(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// wildcard matches as Istio does: exact, prefix*, *suffix or *.
func wildcard(pattern, value string) bool {
	switch {
	case pattern == "*":
		return value != ""
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(value, strings.TrimSuffix(pattern, "*"))
	case strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(value, strings.TrimPrefix(pattern, "*"))
	}
	return pattern == value
}

// PathMatches matches a path as AuthorizationPolicy does, with the templates
// {*} and {**} of newer versions.
func PathMatches(pattern, path string) bool {
	if !strings.Contains(pattern, "{*") {
		return wildcard(pattern, path)
	}
	expr := regexp.QuoteMeta(pattern)
	expr = strings.ReplaceAll(expr, `\{\*\*\}`, ".*")
	expr = strings.ReplaceAll(expr, `\{\*\}`, "[^/]+")
	return matches("^"+expr+"$", path)
}

// A Verdict is what the gateway does with a request before login.
type Verdict struct {
	Asked  Answer // an external authorizer is asked first
	Denied Answer
	By     *Policy         // that asks or denies; nil where no ALLOW policy matches
	Place  inventory.Place // of the rule
	// Asker is the policy that asks.
	Asker      *Policy
	AskerPlace inventory.Place
	// NoAllow is set where the denial comes from ALLOW policies of which none
	// matches.
	NoAllow bool
}

// Judge evaluates the policies of a pod for a request: CUSTOM, DENY, ALLOW.
func (c *Chain) Judge(pod *kubeflow.Pod, r Request) Verdict {
	var v Verdict
	allows, allowed := 0, No
	var allow *Policy
	for _, p := range c.Policies {
		if !c.Mesh.applies(p.Object, pod) {
			continue
		}
		answer, place := p.Matches(r)
		switch p.Action {
		case "CUSTOM":
			if answer > v.Asked {
				v.Asked, v.Asker, v.AskerPlace = answer, p, place
			}
		case "DENY":
			if answer > v.Denied {
				v.Denied, v.By, v.Place = answer, p, place
			}
		case "ALLOW":
			allows++
			allowed = or(allowed, answer)
			if allow == nil || answer == Yes {
				allow = p
			}
		}
	}
	if v.Denied != Yes && allows > 0 && allowed == No {
		v.Denied, v.By, v.Place, v.NoAllow = Yes, allow, allow.At("spec"), true
	} else if v.Denied == No && allows > 0 && allowed == Maybe {
		v.Denied = Maybe
	}
	return v
}

// port reads a number.
func portOf(s *Setting) string {
	if s.Value() == "" {
		return ""
	}
	if n, err := strconv.Atoi(s.Text); err == nil {
		return strconv.Itoa(n)
	}
	return s.Text
}
