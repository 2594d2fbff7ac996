package oidc

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var refusedProxyConfig = &checks.Check{
	ID:       "oidc/refused-proxy-config",
	Severity: checks.Error,
	Doc: `configuration with which oauth2-proxy does not start

The proxy crash-loops, and with it every page is denied. It refuses settings that
it does not know in its file and on its command line, values that are no
boolean, number or duration (quotes that an env file kept among them), regular
expressions that do not compile, a cookie_refresh not shorter than cookie_expire,
a cookie_samesite of its own making, an extra_jwt_issuers entry without audience,
and a configuration without client id, client secret, issuer or anything that
says whose addresses are let in.

A setting that a proxy newer than this program may know is a warning. What is
not in the render counts as given. The cookie secret and the endpoints have
checks of their own.`,
	Fix: "Correct the setting, or drop it.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"https://github.com/oauth2-proxy/oauth2-proxy/blob/v7.7.1/pkg/validation/options.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			if party.Proxy == nil {
				continue
			}
			p := party.Proxy
			for _, problem := range p.Problems {
				f := pass.Reportf(problem.Place, "oauth2-proxy of %s refuses its configuration: %s", party.Name(), problem.Text)
				if strings.HasPrefix(problem.Text, "it has no ") && !knownRelease(p.Container.Image) {
					f.As(checks.Warning)
				}
			}
			refusedValues(pass, party)
			if p.Whole() {
				refusedGaps(pass, party)
			}
		}
	},
}

// knownRelease reports whether the options of an image's release are all known.
func knownRelease(image string) bool {
	_, tag := login.ImageName(image)
	major, rest, _ := strings.Cut(strings.TrimPrefix(tag, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	_, latest, _ := strings.Cut(kubeflow.OAuth2ProxyOptionsKnownUpTo(), ".")
	n, err := strconv.Atoi(minor)
	last, _ := strconv.Atoi(latest)
	return err == nil && major == "7" && n <= last
}

func refusedValues(pass *checks.Pass, party *login.Party) {
	p := party.Proxy
	refuse := func(s *login.Setting, text string) {
		pass.Reportf(s.Place, "oauth2-proxy of %s refuses its configuration: %s", party.Name(), text)
	}
	for _, name := range []string{"cookie_samesite", "cookie_csrf_samesite"} {
		if s := p.Setting(name); s.Known() && !slices.Contains([]string{"", "none", "lax", "strict"}, s.Text) {
			refuse(s, name+" is "+s.Show()+", not none, lax or strict")
		}
	}
	expire, okExpire := p.Duration("cookie_expire", 168*time.Hour)
	if s := p.Setting("cookie_refresh"); s.Known() && okExpire && expire != 0 {
		if refresh, ok := p.Duration("cookie_refresh", 0); ok && refresh >= expire {
			refuse(s, "cookie_refresh, "+refresh.String()+", is not shorter than cookie_expire, "+expire.String())
		}
	}
	for _, name := range []string{"skip_auth_routes", "skip_auth_regex", "api_routes"} {
		if o := p.Get(name); o != nil {
			for i := range o.Items {
				expr := o.Items[i].Text
				if _, after, cut := strings.Cut(expr, "="); cut && name == "skip_auth_routes" {
					expr = after
				}
				if _, err := regexp.Compile(expr); err != nil {
					refuse(&o.Items[i], name+" has "+o.Items[i].Show()+", which is no regular expression")
				}
			}
		}
	}
	if o := p.Get("upstreams"); o != nil {
		for i := range o.Items {
			if _, err := url.Parse(o.Items[i].Text); err != nil {
				refuse(&o.Items[i], "upstreams has "+o.Items[i].Show()+", which is no URL")
			}
		}
	}
	if s := p.Setting("redirect_url"); s.Known() {
		if _, err := url.Parse(s.Text); err != nil {
			refuse(s, "redirect_url is no URL")
		}
	}
	if s := p.Setting("session_store_type"); s.Known() && s.Text != "cookie" && s.Text != "redis" {
		refuse(s, "session_store_type is "+s.Show()+", not cookie or redis")
	}
	if s := p.Setting("provider"); s.Known() && !slices.Contains(providers, s.Text) {
		refuse(s, "there is no provider "+s.Show())
	}
	if bearer, known := p.Bool("skip_jwt_bearer_tokens", false); bearer && known {
		if o := p.Get("extra_jwt_issuers"); o != nil {
			for i := range o.Items {
				if !strings.Contains(o.Items[i].Text, "=") {
					refuse(&o.Items[i], "extra_jwt_issuers has "+o.Items[i].Show()+", which is not issuer=audience")
				}
			}
		}
	}
}

// providers of oauth2-proxy (pkg/apis/options/providers.go).
var providers = []string{"adfs", "azure", "entra-id", "bitbucket", "cidaas", "digitalocean", "facebook", "github", "gitlab", "google", "keycloak", "keycloak-oidc", "linkedin", "login.gov", "nextcloud", "oidc", "sourcehut"}

func refusedGaps(pass *checks.Pass, party *login.Party) {
	p := party.Proxy
	at := party.Place
	if p.Config.Known() {
		at = p.Config.Place
	}
	refuse := func(name, text string) {
		where := at
		if s := p.Setting(name); s != nil {
			where = s.Place
		}
		pass.Reportf(where, "oauth2-proxy of %s refuses its configuration: %s", party.Name(), text)
	}
	empty := func(name string) bool {
		o := p.Get(name)
		return o == nil || o.Known() && o.Text == "" && len(o.Items) == 0
	}
	if empty("client_id") {
		refuse("client_id", "it has no client id")
	}
	if empty("client_secret") && empty("client_secret_file") && p.Text("provider", "") != "login.gov" && p.Text("entra_id_federated_token_auth", "") != "true" {
		refuse("client_secret", "it has no client secret")
	}
	if p.OIDC() && empty("oidc_issuer_url") && p.Text("provider", "") == "oidc" {
		refuse("oidc_issuer_url", "it has no oidc_issuer_url")
	}
	if empty("email_domains") && empty("authenticated_emails_file") && empty("htpasswd_file") {
		refuse("email_domains", "nothing says whose addresses are let in (email_domains)")
	}
}
