package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var usersRefused = &checks.Check{
	ID:       "oidc/users-refused",
	Severity: checks.Error,
	Doc: `users of Dex whom the proxy lets nowhere

After a login at Dex that succeeds, oauth2-proxy answers 403 with "Invalid
Account" or "permission denied": email_domains does not admit the domain of the
user's address, or allowed_groups wants a group, and users out of Dex's own
password list have none.

Only static users of Dex are looked at: which users come through a connector is
not in the manifests. Where there are connectors too, a static user who is
refused is a warning.`,
	Fix: "Add the domain to email_domains, or drop allowed_groups.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"https://dexidp.io/docs/connectors/local/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil || party.Proxy == nil || !dex.EnablePasswordDB || len(dex.Passwords) == 0 {
				continue
			}
			severity := checks.Error
			if len(dex.Connectors) > 0 {
				severity = checks.Warning
			}
			if groups := party.Proxy.Get("allowed_groups"); groups != nil && len(groups.Items) > 0 && groups.Known() {
				pass.Reportf(groups.Place, "%s of %s lets in members of %s only; users out of the password list of %s are in no group",
					party.Kind(), party.Name(), list(shown(groups.Items)), dex.Name()).
					See(dex.Passwords[0].Place, "a static user of Dex").As(severity)
			}
			domains := party.Proxy.Get("email_domains")
			if domains == nil || !domains.Known() || len(domains.Items) == 0 || party.Proxy.Get("authenticated_emails_file") != nil {
				continue
			}
			for _, user := range dex.Passwords {
				if !user.Email.Known() || admits(domains.Items, user.Email.Text) {
					continue
				}
				pass.Reportf(domains.Place, "%s of %s lets in addresses of %s only, and the static user of %s is %s",
					party.Kind(), party.Name(), list(shown(domains.Items)), dex.Name(), user.Email.Show()).
					See(user.Email.Place, "the user").As(severity)
			}
		}
	},
}

// admits reports whether email_domains lets an address in (validator.go).
func admits(domains []login.Setting, email string) bool {
	return slices.ContainsFunc(domains, func(s login.Setting) bool {
		domain := strings.ToLower(strings.TrimSpace(s.Text))
		email := strings.ToLower(email)
		if domain == "*" {
			return true
		}
		_, host, _ := strings.Cut(email, "@")
		if strings.HasPrefix(domain, ".") || strings.HasPrefix(domain, "*.") {
			return strings.HasSuffix(host, strings.TrimPrefix(domain, "*"))
		}
		return host == domain
	})
}
