package oidc

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var wrongProviderEndpoint = &checks.Check{
	ID:       "oidc/wrong-provider-endpoint",
	Severity: checks.Error,
	Doc: `endpoint that the provider does not have

A login ends in 404 or in an error of the relying party. With
skip_oidc_discovery the proxy must be given login_url, redeem_url and
oidc_jwks_url, and they must be Dex's: /auth, /token and /keys below the path of
its issuer. All but login_url are used by the proxy itself and need scheme and
host. The same holds for a jwksUri of Istio that leads to Dex.

A relative login_url is upstream's own and right: the browser is on the
platform's host. Paths of providers that are not in the render are not known.`,
	Fix: "Use the paths below the issuer: /auth, /token, /keys, /userinfo.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"https://github.com/dexidp/dex/blob/v2.41.1/server/server.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if party.Auth != nil {
				if dex != nil {
					checkEndpoint(pass, dex, party.LoginURL(), "OIDC_AUTH_URL of "+party.Name(), "auth")
				}
				continue
			}
			if !party.Proxy.OIDC() {
				continue
			}
			if discovery, known := party.Proxy.Discovery(); discovery || !known {
				continue
			}
			skip := place(party.Proxy.Setting("skip_oidc_discovery"), party.Workload)
			for _, e := range []struct{ option, below string }{
				{"login_url", "auth"}, {"redeem_url", "token"}, {"oidc_jwks_url", "keys"}, {"profile_url", "userinfo"},
			} {
				s := party.Proxy.Setting(e.option)
				if s == nil || s.Known() && s.Text == "" {
					keys := e.option == "oidc_jwks_url" && party.Proxy.Get("oidc_public_key_files") != nil
					if e.option != "profile_url" && party.Proxy.Whole() && !keys {
						pass.Reportf(skip, "%s skips discovery, but is given no %s", party.Name(), e.option)
					}
					continue
				}
				if !s.Known() {
					continue
				}
				u, err := url.Parse(s.Text)
				if err != nil {
					pass.Reportf(s.Place, "%s of %s is no URL", e.option, party.Name())
					continue
				}
				if e.option != "login_url" && (u.Host == "" || u.Scheme == "") {
					pass.Reportf(s.Place, "%s of %s, %s, has no scheme and host: the proxy itself asks there", e.option, party.Name(), s.Show())
					continue
				}
				if e.option == "login_url" && u.Host == "" && !strings.HasPrefix(s.Text, "/") {
					pass.Reportf(s.Place, "login_url of %s, %s, has neither scheme and host nor a path from the root", party.Name(), s.Show())
					continue
				}
				if dex != nil && leadsToDex(c, dex, party, u) {
					checkEndpoint(pass, dex, s, e.option+" of "+party.Name(), e.below)
				}
			}
		}
		for _, r := range c.Rules {
			if r.JWKSURI.Value() == "" {
				continue
			}
			for _, dex := range c.Dexes {
				if t := c.ResolveURL(r.JWKSURI.Text, r.Object.Key.Namespace); t != nil && t.Backs(&dex.Workload) {
					checkEndpoint(pass, dex, r.JWKSURI, "the jwksUri of "+r.Object.Key.String(), "keys")
				}
			}
		}
	},
}

// leadsToDex reports whether a URL is one of Dex: on the platform's host, on
// the issuer's, or of Dex's Service.
func leadsToDex(c *login.Chain, dex *login.Dex, party *login.Party, u *url.URL) bool {
	if u.Host == "" {
		return true
	}
	if issuer, err := url.Parse(dex.Issuer.Value()); err == nil && strings.EqualFold(issuer.Host, u.Host) {
		return true
	}
	t := c.ResolveURL(u.String(), party.Pod.Namespace)
	return t != nil && t.Backs(&dex.Workload)
}

func checkEndpoint(pass *checks.Pass, dex *login.Dex, s *login.Setting, what, below string) {
	if !s.Known() || !dex.Issuer.Known() {
		return
	}
	u, err := url.Parse(s.Text)
	if err != nil {
		return
	}
	want := dex.Path(below)
	if u.Path == want || below == "auth" && strings.HasPrefix(u.Path, want+"/") && path.Clean(u.Path) == u.Path {
		return
	}
	pass.Reportf(s.Place, "%s, %s, is no endpoint of %s: its %s is at %s", what, s.Show(), dex.Name(), below, want).
		See(dex.Issuer.Place, "the issuer, below which Dex serves all")
}

func numberOf(n int32) string { return strconv.Itoa(int(n)) }
