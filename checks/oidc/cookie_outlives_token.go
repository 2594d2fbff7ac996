package oidc

import (
	"slices"
	"strings"
	"time"

	"github.com/kfpreflight/kfpreflight/checks"
)

var cookieOutlivesToken = &checks.Check{
	ID:       "oidc/cookie-outlives-token",
	Severity: checks.Warning,
	Doc: `session that outlives the token in it

A day after the login every page says "Jwt is expired" until users delete their
cookies: oauth2-proxy holds a session good for cookie_expire (a week by default)
and goes on handing out the token in it, which Dex made valid for 24 hours or
what expiry.idTokens says. Only a refresh in time (cookie_refresh, with
offline_access among the scopes) renews it.

Upstream sets cookie_expire to Dex's 24 hours: that is right.`,
	Fix: "Set cookie_expire to at most the lifetime of Dex's ID tokens, or have cookie_refresh renew them.",
	Refs: []string{
		"https://dexidp.io/docs/configuration/tokens/",
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/sessions/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil || party.Proxy == nil || !dex.Config.Known() || !wantsToken(c) {
				continue
			}
			expire, ok := party.Proxy.Duration("cookie_expire", 168*time.Hour)
			refresh, known := party.Proxy.Duration("cookie_refresh", 0)
			if !ok || !known {
				continue
			}
			valid := 24 * time.Hour
			at := dex.ConfigPath.Place
			if s := dex.IDTokens; s != nil {
				d, err := time.ParseDuration(s.Value())
				if err != nil {
					continue
				}
				valid, at = d, s.Place
			}
			scopes := strings.Fields(party.Proxy.Text("scope", "openid email profile"))
			if refresh > 0 && refresh < valid && slices.Contains(scopes, "offline_access") {
				continue
			}
			// An expiry of 0 makes a cookie that lives as long as the browser.
			if expire > valid {
				where := party.Place
				if s := party.Proxy.Setting("cookie_expire"); s != nil {
					where = s.Place
				} else if party.Proxy.Config.Known() {
					where = party.Proxy.Config.Place
				}
				pass.Reportf(where, "sessions of %s last %s, the tokens of %s in them %s, and nothing renews these", party.Name(), expire, dex.Name(), valid).
					See(at, "how long Dex's tokens are valid")
			}
		}
	},
}
