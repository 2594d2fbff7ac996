package login

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// A Proxy is a relying party of the render: an oauth2-proxy.
type Proxy struct {
	Workload
	// Config and Alpha are the configuration files, unknown where the render
	// does not hold them; nil where none is named or it is in the image.
	Config, Alpha         *Setting
	ConfigPath, AlphaPath *Setting // the arguments that name them
	// Problems are what the proxy will refuse of its files and flags, as far
	// as that is a matter of their form.
	Problems []Problem

	options map[string]*Option
	alpha   *document
}

// An Option is a setting of oauth2-proxy with the source that won: a flag over
// the environment, that over the file.
type Option struct {
	Setting
	Name   string // as in the configuration file
	Source string // "flag", "environment", "file" or "alpha configuration"
	Items  []Setting
	number bool // the file gives it as a number
}

// isProxy tells oauth2-proxy by its image or by how it is started.
func isProxy(c *corev1.Container) bool {
	name, _ := ImageName(c.Image)
	if name == "oauth2-proxy" || name == "oauth2_proxy" {
		return true
	}
	return len(c.Command) > 0 && path.Base(c.Command[0]) == "oauth2-proxy"
}

func readProxy(v *inventory.View, w Workload) *Proxy {
	p := &Proxy{Workload: w, options: map[string]*Option{}}
	flags := p.readFlags()
	if p.ConfigPath.Value() != "" {
		p.Config = mountedFile(v, w.Pod, w.Place, w.Container, p.ConfigPath.Text)
		p.readFile()
	}
	for _, known := range kubeflow.OAuth2ProxyOptions() {
		name := "OAUTH2_PROXY_" + strings.ToUpper(known.Name)
		// An empty variable counts as not set.
		if s := p.Env[name]; s != nil && (s.Unknown != "" || s.Text != "") {
			p.set(known, "environment", s, nil)
		}
	}
	for _, flag := range flags {
		p.set(flag.known, "flag", &flag.items[len(flag.items)-1], flag.items)
	}
	if p.AlphaPath.Value() != "" {
		p.Alpha = mountedFile(v, w.Pod, w.Place, w.Container, p.AlphaPath.Text)
		p.readAlpha()
	}
	// Only the value that won is ever read.
	for _, known := range kubeflow.OAuth2ProxyOptions() {
		if o := p.options[known.Name]; o != nil {
			if problem := formProblem(known, o); problem != "" {
				p.Problems = append(p.Problems, Problem{o.Place, problem})
			}
		}
	}
	return p
}

type flagged struct {
	known kubeflow.OAuth2ProxyOption
	items []Setting
}

// readFlags reads the command line, in the order of first use.
func (p *Proxy) readFlags() []*flagged {
	var flags []*flagged
	args := arguments(p.Place, p.Container, p.Env)
	for i := 0; i < len(args); i++ {
		text := args[i].Text
		if !strings.HasPrefix(text, "-") {
			continue
		}
		name, value, joined := strings.Cut(strings.TrimLeft(text, "-"), "=")
		known, ok := kubeflow.OAuth2ProxyOptionOf(name)
		s := Setting{Text: value, Place: args[i].Place}
		if reference.MatchString(value) {
			s.Unknown = "it refers to a variable that is not set"
		}
		if !joined {
			if ok && known.Type == "bool" {
				s.Text = "true"
			} else if i+1 < len(args) {
				i++
				s.Text, s.Place = args[i].Text, args[i].Place
			}
		}
		switch name {
		case "config":
			p.ConfigPath = &s
			continue
		case "alpha-config":
			p.AlphaPath = &s
			continue
		}
		if !ok || known.Flag != name {
			switch name {
			case "version", "convert-config-to-alpha", "config-test", "help", "h":
			default:
				p.Problems = append(p.Problems, Problem{args[i].Place, "it has no flag --" + name})
			}
			continue
		}
		j := slices.IndexFunc(flags, func(f *flagged) bool { return f.known == known })
		if j < 0 {
			j = len(flags)
			flags = append(flags, &flagged{known: known})
		}
		if known.Type == "list" && s.Unknown == "" {
			for item := range strings.SplitSeq(s.Text, ",") {
				flags[j].items = append(flags[j].items, Setting{Text: item, Place: s.Place})
			}
			continue
		}
		flags[j].items = append(flags[j].items, s)
	}
	return flags
}

func (p *Proxy) readFile() {
	if !p.Config.Known() {
		return
	}
	line := func(n int) inventory.Place {
		if p.Config.Place.Text() != p.Config.Text {
			return p.Config.Place
		}
		return p.Config.Place.AtLine(n)
	}
	entries, err := parseTOML(p.Config.Text)
	for _, e := range entries {
		name := strings.ToLower(e.key)
		known, ok := kubeflow.OAuth2ProxyOptionOf(name)
		if !ok || known.Name != name {
			text := "it has no option " + e.key
			if meant, is := kubeflow.OAuth2ProxyOptionOf(strings.ReplaceAll(name, "_", "-")); ok || is {
				text += "; the option is " + cmp.Or(known.Name, meant.Name)
			}
			p.Problems = append(p.Problems, Problem{line(e.line), text})
			continue
		}
		var items []Setting
		for _, item := range e.items {
			items = append(items, Setting{Text: item.text, Place: line(item.line), Secret: p.Config.Secret})
		}
		first := &Setting{Place: line(e.line), Secret: p.Config.Secret}
		if len(items) > 0 {
			first = &items[0]
		}
		if known.Type != "list" && e.kind == "list" {
			p.Problems = append(p.Problems, Problem{line(e.line), e.key + " is a list, but takes one value"})
			continue
		}
		if known.Type == "list" && e.kind == "list" {
			o := p.set(known, "file", first, items)
			o.Items = items
			o.Place = line(e.line)
			continue
		}
		p.set(known, "file", first, nil).number = e.kind == "number"
	}
	if err != nil {
		p.Problems = append(p.Problems, Problem{line(err.line), err.text})
	}
}

// set records a value over what an earlier source gave.
func (p *Proxy) set(known kubeflow.OAuth2ProxyOption, source string, s *Setting, items []Setting) *Option {
	o := &Option{Setting: *s, Name: known.Name, Source: source, Items: items}
	if known.Type == "list" && items == nil && s.Known() {
		for item := range strings.SplitSeq(s.Text, ",") {
			if item != "" {
				o.Items = append(o.Items, Setting{Text: item, Place: s.Place, Via: s.Via, Secret: s.Secret})
			}
		}
	}
	if strings.HasSuffix(known.Name, "secret") || strings.HasSuffix(known.Name, "password") {
		o.Secret = true
	}
	p.options[known.Name] = o
	return o
}

// formProblem says why a value is none of the option's type.
func formProblem(known kubeflow.OAuth2ProxyOption, o *Option) string {
	if o.Unknown != "" {
		return ""
	}
	quoted := ""
	if !o.Secret {
		quoted = fmt.Sprintf(" (%q)", o.Text)
	}
	switch known.Type {
	case "bool":
		if _, err := strconv.ParseBool(o.Text); err != nil {
			return known.Name + " is no boolean" + quoted
		}
	case "int":
		if _, err := strconv.Atoi(o.Text); err != nil {
			return known.Name + " is no number" + quoted
		}
	case "duration":
		if _, err := time.ParseDuration(o.Text); err != nil && !o.number {
			return known.Name + " is no duration" + quoted
		}
	}
	return ""
}

// duration reads a duration as oauth2-proxy does: with units, or a number of
// nanoseconds that the file gives without quotes.
func duration(text string) (time.Duration, bool) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(n), true
	}
	return 0, false
}

// readAlpha takes from the alpha configuration what it replaces. Only the first
// provider counts, as in oauth2-proxy.
func (p *Proxy) readAlpha() {
	if !p.Alpha.Known() {
		return
	}
	doc, err := parseDocument(p.Alpha)
	if err != nil {
		p.Problems = append(p.Problems, *fileProblem(err, p.Alpha))
		return
	}
	p.alpha = doc
	// These options cannot stand in the old file beside the new one.
	provider := []any{"providers", 0}
	for name, steps := range map[string][]any{
		"provider": {"provider"}, "client_id": {"clientID"}, "client_secret": {"clientSecret"},
		"client_secret_file": {"clientSecretFile"}, "login_url": {"loginURL"}, "redeem_url": {"redeemURL"},
		"profile_url": {"profileURL"}, "validate_url": {"validateURL"}, "scope": {"scope"},
		"code_challenge_method": {"code_challenge_method"}, "allowed_groups": {"allowedGroups"},
		"oidc_issuer_url": {"oidcConfig", "issuerURL"}, "skip_oidc_discovery": {"oidcConfig", "skipDiscovery"},
		"oidc_jwks_url": {"oidcConfig", "jwksURL"}, "oidc_email_claim": {"oidcConfig", "emailClaim"},
		"oidc_groups_claim":                      {"oidcConfig", "groupsClaim"},
		"oidc_audience_claims":                   {"oidcConfig", "audienceClaims"},
		"oidc_extra_audiences":                   {"oidcConfig", "extraAudiences"},
		"oidc_public_key_files":                  {"oidcConfig", "publicKeyFiles"},
		"insecure_oidc_skip_issuer_verification": {"oidcConfig", "insecureSkipIssuerVerification"},
	} {
		known, _ := kubeflow.OAuth2ProxyOptionOf(name)
		full := slices.Concat(provider, steps)
		p.setAlpha(known, full)
	}
	for name, steps := range map[string][]any{
		"http_address": {"server", "BindAddress"}, "https_address": {"server", "SecureBindAddress"},
	} {
		known, _ := kubeflow.OAuth2ProxyOptionOf(name)
		p.setAlpha(known, steps)
	}
}

func (p *Proxy) setAlpha(known kubeflow.OAuth2ProxyOption, steps []any) {
	if known.Type == "list" {
		if items := p.alpha.settings(steps...); len(items) > 0 {
			p.set(known, "alpha configuration", &items[0], items)
		}
		return
	}
	s := p.alpha.setting(steps...)
	if s == nil {
		return
	}
	if name, isEnv := strings.CutPrefix(s.Text, "${"); isEnv && strings.HasSuffix(name, "}") {
		name = strings.TrimSuffix(name, "}")
		value, set := p.Env[name]
		if set && value.Known() {
			p.set(known, "alpha configuration", &Setting{Text: value.Text, Place: value.Place, Via: s.Place, Secret: value.Secret}, nil)
			return
		}
		s.Unknown = "it takes " + name + " from the environment"
	}
	p.set(known, "alpha configuration", s, nil)
}

// Get is an option as it was set; nil where it was not.
func (p *Proxy) Get(name string) *Option { return p.options[name] }

// Setting is the value of an option; nil where it was not set.
func (p *Proxy) Setting(name string) *Setting {
	o := p.options[name]
	if o == nil {
		return nil
	}
	return &o.Setting
}

// Text is the value of an option, the default where it was not set, and empty
// where it is not known.
func (p *Proxy) Text(name, unset string) string {
	s := p.Setting(name)
	if s == nil {
		return unset
	}
	return s.Value()
}

// Bool is the value of a boolean option and whether it is known.
func (p *Proxy) Bool(name string, unset bool) (value, known bool) {
	s := p.Setting(name)
	if s == nil {
		return unset, p.Whole()
	}
	if !s.Known() {
		return unset, false
	}
	b, err := strconv.ParseBool(s.Text)
	return b, err == nil
}

// Duration is the value of an option that is one.
func (p *Proxy) Duration(name string, unset time.Duration) (time.Duration, bool) {
	s := p.Setting(name)
	if s == nil {
		return unset, p.Whole()
	}
	if !s.Known() {
		return unset, false
	}
	return duration(s.Text)
}

// Whole reports whether all sources of the proxy's configuration are known, so
// that an option that is not found is not set.
func (p *Proxy) Whole() bool {
	if p.Opaque != "" {
		return false
	}
	if p.ConfigPath != nil && !p.Config.Known() || p.AlphaPath != nil && !p.Alpha.Known() {
		return false
	}
	return true
}

// Prefix is the path of the proxy's own endpoints.
func (p *Proxy) Prefix() string {
	return strings.TrimSuffix(p.Text("proxy_prefix", "/oauth2"), "/")
}

// CallbackPath is the only path on which the proxy takes the answer of the
// provider.
func (p *Proxy) CallbackPath() string { return p.Prefix() + "/callback" }

// A Redirect is the redirect URI that a relying party will send.
type Redirect struct {
	// URI is what it sends. Where the host comes from the request, Host is
	// empty and the URI holds * in its place.
	URI  string
	Host string
	// HostKnown is false where the host comes from the request.
	HostKnown bool
	// Relative is set where the URI is sent without scheme and host.
	Relative bool
	Path     string
	Setting  *Setting // nil where nothing is set
	// SchemeKnown is false where the scheme comes from the request too.
	SchemeKnown bool
}

// Redirect computes the redirect URI as oauth2-proxy does
// (oauthproxy.go, getOAuthRedirectURI). It is nil where that is not known.
func (p *Proxy) Redirect() *Redirect {
	s := p.Setting("redirect_url")
	if s != nil && !s.Known() || s == nil && !p.Whole() {
		return nil
	}
	u, err := url.Parse(s.Value())
	if err != nil {
		return nil
	}
	if u.Path == "" {
		u.Path = p.CallbackPath()
	}
	relative, known := p.Bool("relative_redirect_url", false)
	if !known {
		return nil
	}
	r := &Redirect{Path: u.Path, Setting: s, Host: u.Host, HostKnown: true, SchemeKnown: true}
	if relative || u.Host != "" {
		r.URI = u.String()
		r.Relative = u.Host == ""
		return r
	}
	r.HostKnown = false
	u.Host = "*"
	secure, known := p.Bool("cookie_secure", true)
	if !known {
		r.SchemeKnown = false
	}
	u.Scheme = "http"
	if secure {
		// cookie_secure makes it https, whatever the request says.
		u.Scheme = "https"
	} else if reverse, _ := p.Bool("reverse_proxy", false); reverse {
		r.SchemeKnown = false
	}
	r.URI = u.String()
	return r
}

// With puts a host into a redirect URI that takes it from the request.
func (r *Redirect) With(scheme, host string) string {
	u, err := url.Parse(r.URI)
	if err != nil {
		return r.URI
	}
	if u.Host == "*" {
		u.Host = host
	}
	if scheme != "" {
		u.Scheme = scheme
	}
	return u.String()
}

// OIDC reports whether the proxy talks OpenID Connect to its provider, and
// whether that is known.
func (p *Proxy) OIDC() bool {
	switch p.Text("provider", "google") {
	case "oidc", "keycloak-oidc", "adfs", "azure", "entra-id", "cidaas", "gitlab":
		return true
	}
	return false
}

// Discovery reports whether the proxy asks the issuer for its endpoints, and
// whether that is known.
func (p *Proxy) Discovery() (discovery, known bool) {
	skip, known := p.Bool("skip_oidc_discovery", false)
	return !skip, known
}

// ResponseHeaders are the headers, in lower case, that the proxy answers an
// authenticated request with; known is false where that cannot be told.
func (p *Proxy) ResponseHeaders() (headers map[string]*Setting, known bool) {
	headers = map[string]*Setting{}
	if p.alpha != nil {
		for i := range p.alpha.list("injectResponseHeaders") {
			if s := p.alpha.setting("injectResponseHeaders", i, "name"); s != nil {
				headers[strings.ToLower(s.Text)] = s
			}
		}
		return headers, true
	}
	if !p.Whole() {
		return headers, false
	}
	if on, ok := p.Bool("set_xauthrequest", false); on && ok {
		for _, name := range []string{"x-auth-request-user", "x-auth-request-email", "x-auth-request-preferred-username", "x-auth-request-groups"} {
			headers[name] = p.Setting("set_xauthrequest")
		}
		if on, ok := p.Bool("pass_access_token", false); on && ok {
			headers["x-auth-request-access-token"] = p.Setting("pass_access_token")
		}
	}
	if on, ok := p.Bool("set_authorization_header", false); on && ok {
		headers["authorization"] = p.Setting("set_authorization_header")
	}
	if on, ok := p.Bool("set_basic_auth", false); on && ok {
		headers["authorization"] = p.Setting("set_basic_auth")
	}
	return headers, true
}

// Listeners are the addresses of the proxy (pkg/apis/options, LegacyServer).
func (p *Proxy) Listeners() (all []Listener, known bool) {
	if !p.Whole() {
		return nil, false
	}
	http, https := p.Setting("http_address"), p.Setting("https_address")
	if p.alpha != nil {
		if http != nil && http.Known() && http.Text != "-" && http.Text != "" {
			all = append(all, listener("http", http))
		}
		if https.Value() != "" {
			all = append(all, listener("https", https))
		}
		return all, len(all) > 0
	}
	if p.Text("tls_cert_file", "") != "" || p.Text("tls_key_file", "") != "" {
		if https == nil {
			https = &Setting{Text: ":443", Place: p.Place}
		}
		return []Listener{listener("https", https)}, https.Known()
	}
	if http == nil {
		http = &Setting{Text: "127.0.0.1:4180", Place: p.Place}
	}
	return []Listener{listener("http", http)}, http.Known()
}

// Skips reports whether the proxy lets a GET of the path through without
// login (skip_auth_routes, skip_auth_regex).
func (p *Proxy) Skips(requestPath string) bool {
	for _, name := range []string{"skip_auth_routes", "skip_auth_regex"} {
		o := p.Get(name)
		if o == nil {
			continue
		}
		for _, item := range o.Items {
			if name == "skip_auth_routes" {
				if routeSkips(item.Text, requestPath) {
					return true
				}
			} else if matches(item.Text, requestPath) {
				return true
			}
		}
	}
	return false
}

// routeSkips reads one skip_auth_routes entry: METHOD=regex, METHOD!=regex or
// regex.
func routeSkips(route, requestPath string) bool {
	method, expr, cut := strings.Cut(route, "=")
	negate := false
	if !cut {
		return matches(route, requestPath)
	}
	if m, ok := strings.CutSuffix(method, "!"); ok {
		negate, method = true, m
	}
	if method != "" && !strings.EqualFold(method, "GET") {
		return false
	}
	return matches(expr, requestPath) != negate
}
