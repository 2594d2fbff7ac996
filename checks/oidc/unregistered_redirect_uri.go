package oidc

import (
	"net/url"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var unregisteredRedirectURI = &checks.Check{
	ID:       "oidc/unregistered-redirect-uri",
	Severity: checks.Error,
	Doc: `redirect URI that Dex does not know

Dex shows "Unregistered redirect_uri" instead of its login page: the URI that
the relying party sends is, byte for byte, none of the client's redirectURIs.
Scheme, port, path, case and a trailing slash all count, and a relative URI
matches only a relative one.

The check computes the URI as oauth2-proxy does. redirect_url is sent as it
stands if it has a host or relative_redirect_url is true; otherwise host and
scheme come from the request, and the scheme is https whenever cookie_secure is
true, which it is by default. Whether a URI with the host of the request is
registered depends on the hosts by which users come: without them the check is
undecided.

Upstream registers the relative /oauth2/callback and sends just that, with
relative_redirect_url = true: that is right. So is a public client without any
redirect URI that is used by way of localhost.`,
	Fix: "Register in Dex the very URI that the relying party sends.",
	Refs: []string{
		"kubeflow/manifests#2812",
		"kubeflow/manifests#2766",
		"kubeflow/manifests#2512",
		"https://dexidp.io/docs/using-dex/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil {
				continue
			}
			id := party.ClientID()
			var client *login.Client
			if id.Known() {
				client = dex.Client(id.Text)
			} else if len(dex.Clients) == 1 {
				client = dex.Clients[0] // the only one that it can mean
			}
			if client == nil {
				continue // oidc/unknown-client-id
			}
			redirect := party.Redirect()
			if redirect == nil {
				s := party.Workload.Place
				if party.Proxy != nil && party.Proxy.Setting("redirect_url") != nil {
					s = party.Proxy.Setting("redirect_url").Place
				}
				pass.Undecidedf(s, "the redirect URI that %s of %s sends to Dex is not in the render", party.Kind(), party.Name())
				continue
			}
			checkRedirect(pass, party, dex, client, redirect)
		}
	},
}

func checkRedirect(pass *checks.Pass, party *login.Party, dex *login.Dex, client *login.Client, redirect *login.Redirect) {
	for _, uri := range client.RedirectURIs {
		if !uri.Known() {
			pass.Undecidedf(uri.Place, "a redirect URI of Dex's client is not known: %s", uri.Unknown)
			return
		}
	}
	var sent []string // what may be sent
	if redirect.HostKnown {
		sent = []string{redirect.URI}
	} else {
		for _, host := range pass.Cluster.Hosts {
			sent = append(sent, redirect.With("", host))
		}
		if !redirect.SchemeKnown {
			sent = nil
			for _, host := range pass.Cluster.Hosts {
				if http, https := redirect.With("http", host), redirect.With("https", host); !registered(client, http) && !registered(client, https) {
					sent = append(sent, http)
				}
			}
			if len(sent) == 0 && len(pass.Cluster.Hosts) > 0 {
				return
			}
		}
		if !slices.ContainsFunc(client.RedirectURIs, func(s login.Setting) bool { return fits(redirect, s.Text) }) && !localhostOnly(client) {
			sent = []string{redirect.URI} // whatever the host is
		} else if len(sent) == 0 {
			pass.Undecidedf(place(redirect.Setting, party.Workload), "%s of %s takes the host of the redirect URI from the request: name the hosts by which users come, to tell whether Dex's client knows it", party.Kind(), party.Name()).
				See(client.RedirectPlace, "%s registers %s", dex.Name(), list(shown(client.RedirectURIs)))
			return
		}
	}
	for _, uri := range sent {
		if registered(client, uri) {
			continue
		}
		at, other := client.RedirectPlace, place(redirect.Setting, party.Workload)
		if len(client.RedirectURIs) == 1 {
			at = client.RedirectURIs[0].Place
		}
		// The side that is wrong: a path that the proxy does not answer on
		// cannot be what was meant, and where Dex has what Kubeflow ships, the
		// proxy was changed.
		atParty := party.Proxy != nil && (redirect.Path != party.Proxy.CallbackPath() ||
			len(client.RedirectURIs) == 1 && client.RedirectURIs[0].Text == party.Proxy.CallbackPath())
		text := func() string { return quotedURI(redirect, uri) }
		if atParty {
			pass.Reportf(other, "%s of %s sends the redirect URI %s, but Dex's client knows %s", party.Kind(), party.Name(), text(), list(shown(client.RedirectURIs))).
				See(at, "the redirect URIs that %s knows", dex.Name())
			continue
		}
		pass.Reportf(at, "Dex's client knows the redirect URI %s, but %s of %s sends %s", list(shown(client.RedirectURIs)), party.Kind(), party.Name(), text()).
			See(other, "what %s sends", party.Name())
	}
}

func quotedURI(r *login.Redirect, uri string) string {
	if r.Setting != nil && r.Setting.Secret {
		return "that " + r.Setting.Show()
	}
	if !r.HostKnown {
		return `"` + uri + `" with the host of the request`
	}
	return `"` + uri + `"`
}

// registered reports whether Dex accepts a URI for the client
// (server/oauth2.go, validateRedirectURI).
func registered(client *login.Client, uri string) bool {
	if slices.ContainsFunc(client.RedirectURIs, func(s login.Setting) bool { return s.Text == uri }) {
		return true
	}
	if !client.Public || len(client.RedirectURIs) > 0 {
		return false
	}
	if uri == "urn:ietf:wg:oauth:2.0:oob" || uri == "/device/callback" {
		return true
	}
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && u.Hostname() == "localhost"
}

func localhostOnly(client *login.Client) bool {
	return client.Public && len(client.RedirectURIs) == 0
}

// fits reports whether a registered URI can be what is sent, with some host.
func fits(redirect *login.Redirect, uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return false
	}
	scheme := ""
	if !redirect.SchemeKnown {
		scheme = u.Scheme
	}
	return redirect.With(scheme, u.Host) == uri
}
