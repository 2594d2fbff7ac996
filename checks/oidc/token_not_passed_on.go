package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var tokenNotPassedOn = &checks.Check{
	ID:       "oidc/token-not-passed-on",
	Severity: checks.Error,
	Doc: `login whose cookie or token is lost on the way

Users log in and are asked to log in again, without end, or get "RBAC: access
denied" afterwards. Between gateway and relying party four things must pass:
the cookie with each question (includeRequestHeadersInCheck), the token in the
answer (set_authorization_header), the token on to the platform
(headersToUpstreamOnAllow) and, where the proxy starts the login itself, its
cookie to the browser (headersToDownstreamOnDeny with set-cookie). Istio's
RequestAuthentication must then read the token from the Authorization header.
And the proxy must answer an authenticated question with 200, by the upstream
static://200.

The token is wanted only where a RequestAuthentication or a policy on request
principals stands at the gateway. A list that is not set means its default:
no cookie in the question, no header on to the platform, all headers to the
browser.`,
	Fix: "Let cookie, authorization and set-cookie pass, as upstream's mesh configuration does.",
	Refs: []string{
		"https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"kubeflow/manifests#2868",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, party := range c.Parties {
			providers, filters := c.Asks(party)
			for _, provider := range providers {
				if provider.ExtAuthzHTTP && used(c, provider) {
					checkPassing(pass, c, party, provider, seen)
				}
			}
			for _, f := range filters {
				if len(f.CheckHeaders) > 0 && !login.Has(f.CheckHeaders, "cookie") {
					pass.Reportf(f.CheckHeadersPlace, "%s does not show %s the cookie: everybody is asked to log in again and again", f.Object.Key, party.Name())
				}
			}
		}
	},
}

func used(c *login.Chain, provider *login.Provider) bool {
	return slices.ContainsFunc(c.Policies, func(p *login.Policy) bool { return p.Action == "CUSTOM" && p.Provider == provider.Name })
}

func checkPassing(pass *checks.Pass, c *login.Chain, party *login.Party, provider *login.Provider, seen reported) {
	if !login.Has(provider.CheckHeaders, "cookie") && seen.first(provider.Place, "cookie") {
		pass.Reportf(provider.CheckHeadersPlace, "the provider %s does not show %s the cookie (includeRequestHeadersInCheck): everybody is asked to log in again and again", provider.Name, party.Name())
	}
	if party.Proxy == nil {
		return
	}
	if silent, _ := party.Proxy.Bool("skip_provider_button", false); silent && provider.HasDenyHeaders && !login.Has(provider.DenyHeaders, "set-cookie") && seen.first(provider.Place, "set-cookie") {
		pass.Reportf(provider.DenyHeadersPlace, "the provider %s does not hand the cookie by which %s starts a login to the browser (headersToDownstreamOnDeny)", provider.Name, party.Name())
	}
	checkUpstreams(pass, party)
	if !wantsToken(c) {
		return
	}
	answers, known := party.Proxy.ResponseHeaders()
	if answers["authorization"] == nil && known {
		s := party.Proxy.Setting("set_authorization_header")
		at := party.Place
		switch {
		case s != nil:
			at = s.Place
		case party.Proxy.Alpha.Known():
			at = party.Proxy.Alpha.Place
		case party.Proxy.Config.Known():
			at = party.Proxy.Config.Place
		}
		if s == nil || s.Known() {
			pass.Reportf(at, "%s of %s answers without the token (set_authorization_header), but Istio lets nobody in without one", party.Kind(), party.Name())
		}
		return
	}
	if !login.Has(provider.UpstreamHeaders, "authorization") && seen.first(provider.Place, "authorization") {
		pass.Reportf(provider.UpstreamHeadersPlace, "the provider %s does not hand on the token of %s (headersToUpstreamOnAllow has no authorization), but Istio lets nobody in without one", provider.Name, party.Name())
	}
	issuer := party.Issuer().Value()
	if dex := c.DexOf(party); dex != nil {
		issuer = dex.Issuer.Value()
	}
	for _, pod := range c.FrontPods() {
		for _, r := range c.RulesAt(pod) {
			if r.Issuer.Value() == issuer && issuer != "" && !r.ReadsBearer() && seen.first(r.At("fromHeaders"), "") {
				pass.Reportf(r.At("fromHeaders"), "%s does not read tokens from the Authorization header, where %s puts them", r.Object.Key, party.Name())
			}
		}
	}
}

// wantsToken reports whether the gateway has users show a token: there are
// rules for tokens, or policies on what they say.
func wantsToken(c *login.Chain) bool {
	for _, pod := range c.FrontPods() {
		if len(c.RulesAt(pod)) > 0 {
			return true
		}
	}
	return false
}

// checkUpstreams looks at what the proxy answers an authenticated question
// with.
func checkUpstreams(pass *checks.Pass, party *login.Party) {
	if party.Proxy.Alpha != nil || !party.Proxy.Whole() {
		return
	}
	o := party.Proxy.Get("upstreams")
	switch {
	case o == nil || o.Known() && len(o.Items) == 0:
		at := party.Place
		if o != nil {
			at = o.Place
		} else if party.Proxy.Config.Known() {
			at = party.Proxy.Config.Place
		}
		pass.Reportf(at, "%s of %s has no upstreams: it answers users who have logged in with 404, and the gateway denies them", party.Kind(), party.Name())
	case o.Known() && len(o.Items) == 1 && hasStatic(o.Items[0].Text) && o.Items[0].Text != "static://200":
		pass.Reportf(o.Items[0].Place, "%s of %s answers users who have logged in with %s: the gateway lets in on 200 only", party.Kind(), party.Name(), o.Items[0].Show())
	}
}

func hasStatic(upstream string) bool {
	return len(upstream) > 9 && upstream[:9] == "static://"
}
