package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var cookieNotSentBack = &checks.Check{
	ID:       "oidc/cookie-not-sent-back",
	Severity: checks.Error,
	Doc: `login cookie that browsers will not send back

The callback fails with "Unable to find a valid CSRF token", or users are asked
to log in again and again: the browser drops the proxy's cookie, or keeps it
from the very pages that need it. The redirect URI leads to another host than
the one where the login started. The cookie's domain (cookie_domains) is no part of the
host, its path (cookie_path) does not cover the platform, it is secure while the
redirect URI is http://, SameSite=None without being secure, or its name begins
with __Secure- or __Host- without what browsers want for that.

A secure cookie behind a plain HTTP gateway is upstream's own (ClusterIP, port
forwarding to localhost, which browsers trust) and not reported here: only a
redirect URI that says http:// is. Where the host is not known, a domain is
compared with the hosts of the Gateways, unless they serve all.`,
	Fix: "Let the cookie's domain, path and secure flag fit the address by which users come.",
	Refs: []string{
		"kubeflow/manifests#2664",
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			if party.Proxy == nil {
				continue
			}
			checkCookie(pass, c, party)
		}
	},
}

func checkCookie(pass *checks.Pass, c *login.Chain, party *login.Party) {
	p := party.Proxy
	redirect := p.Redirect()
	host := ""
	if redirect != nil && redirect.HostKnown && !redirect.Relative {
		host = login.HostOnly(redirect.Host)
	}
	if domains := p.Get("cookie_domains"); domains != nil && domains.Known() && len(domains.Items) > 0 {
		checkDomains(pass, c, party, domains, host)
	}
	if host != "" {
		checkReturn(pass, c, party, host, redirect)
	}
	if path := p.Setting("cookie_path"); path.Value() != "" && path.Text != "/" {
		pass.Reportf(path.Place, "browsers send the cookie of %s back below %s only, not on the platform's other pages", party.Name(), path.Show())
	}
	secure, known := p.Bool("cookie_secure", true)
	if known && secure && redirect != nil && redirect.HostKnown && strings.HasPrefix(redirect.URI, "http://") && !isLocalhost(host) {
		at := redirect.Setting.Place
		f := pass.Reportf(at, "%s of %s has users come back by http (%s), where browsers do not send its secure cookie", party.Kind(), party.Name(), redirect.Setting.Show())
		if s := p.Setting("cookie_secure"); s != nil {
			f.See(s.Place, "cookie_secure")
		}
	}
	for _, name := range []string{"cookie_samesite", "cookie_csrf_samesite"} {
		if s := p.Setting(name); s.Value() == "none" && known && !secure {
			pass.Reportf(s.Place, "browsers drop the cookie of %s: %s is none, and the cookie is not secure", party.Name(), name).
				See(place(p.Setting("cookie_secure"), party.Workload), "cookie_secure")
		}
	}
	name := p.Setting("cookie_name")
	switch text := name.Value(); {
	case strings.HasPrefix(text, "__Secure-") && known && !secure,
		strings.HasPrefix(text, "__Host-") && known && (!secure || p.Get("cookie_domains") != nil && len(p.Get("cookie_domains").Items) > 0):
		pass.Reportf(name.Place, "browsers drop the cookie %s of %s: a name like that wants a secure cookie, and __Host- one without domain", name.Show(), party.Name())
	}
}

// checkReturn compares the host that users come back to with those by which
// they come: the cookie that starts a login is for the latter.
func checkReturn(pass *checks.Pass, c *login.Chain, party *login.Party, host string, redirect *login.Redirect) {
	come := slices.Clone(pass.Cluster.Hosts)
	for ingress := range pass.Render.Of(ingressKind) {
		if !leadsToFront(c, ingress) {
			continue
		}
		for i := range ingress.List("spec", "rules") {
			if name := ingress.String("spec", "rules", i, "host"); name != "" && !strings.HasPrefix(name, "*") && !slices.Contains(come, name) {
				come = append(come, name)
			}
		}
	}
	domains := party.Proxy.Get("cookie_domains")
	if domains != nil && !domains.Known() || redirect.Setting.Secret {
		return
	}
	for _, from := range come {
		from = login.HostOnly(from)
		if strings.EqualFold(from, host) || domains != nil && slices.ContainsFunc(domains.Items, func(s login.Setting) bool {
			return domainMatches(s.Text, from) && domainMatches(s.Text, host)
		}) {
			continue
		}
		pass.Reportf(redirect.Setting.Place, "users who come by %s are sent back to %s, where the cookie with which %s started their login is not sent", from, host, party.Name())
	}
}

func checkDomains(pass *checks.Pass, c *login.Chain, party *login.Party, domains *login.Option, host string) {
	covers := func(host string) bool {
		return slices.ContainsFunc(domains.Items, func(s login.Setting) bool { return domainMatches(s.Text, host) })
	}
	hosts := slices.Clone(pass.Cluster.Hosts)
	if host != "" {
		hosts = []string{host}
	}
	if len(hosts) > 0 {
		for _, host := range hosts {
			if !covers(host) {
				pass.Reportf(domains.Items[0].Place, "browsers on %s drop the cookie of %s, whose domain is %s", host, party.Name(), list(shown(domains.Items)))
			}
		}
		return
	}
	var served []string
	for _, g := range c.Front() {
		for _, s := range g.Servers {
			for _, h := range s.Hosts {
				_, bare, scoped := strings.Cut(h.Text, "/")
				if !scoped {
					bare = h.Text
				}
				if bare == "*" {
					return // any host
				}
				served = append(served, bare)
			}
		}
	}
	for _, pattern := range served {
		name := strings.TrimPrefix(pattern, "*.")
		if covers(name) || slices.ContainsFunc(domains.Items, func(s login.Setting) bool {
			return pattern != name && strings.HasSuffix(strings.TrimPrefix(s.Text, "."), "."+name)
		}) {
			return
		}
	}
	if len(served) > 0 {
		pass.Reportf(domains.Items[0].Place, "browsers on %s drop the cookie of %s, whose domain is %s", list(served), party.Name(), list(shown(domains.Items)))
	}
}

// domainMatches reports whether a browser accepts a cookie of a domain from a
// host (RFC 6265, section 5.1.3).
func domainMatches(domain, host string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	host = login.HostOnly(strings.ToLower(host))
	if domain == host {
		return true
	}
	return !login.IsIP(host) && strings.HasSuffix(host, "."+domain)
}

func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
}
