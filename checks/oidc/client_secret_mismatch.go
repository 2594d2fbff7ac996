package oidc

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var clientSecretMismatch = &checks.Check{
	ID:       "oidc/client-secret-mismatch",
	Severity: checks.Error,
	Doc: `client secret that differs from Dex's

Users log in at Dex and come back to an error page: Dex refuses the relying
party's request for the token with "Invalid client credentials". The two
secrets usually stand in different Secrets, and one of them was changed alone.
A line end at the end of a value, as echo and base64 leave it, belongs to the
value for both sides: no part of the chain trims it.

Reported is the side that does not have the secret which Kubeflow ships. The
values are compared, never shown. Where the render does not hold one of
them the check is undecided.`,
	Fix: "Give both Secrets the same value, without a line end.",
	Refs: []string{
		"https://dexidp.io/docs/configuration/",
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			dex, id := c.DexOf(party), party.ClientID()
			if dex == nil || !id.Known() {
				continue
			}
			client := dex.Client(id.Text)
			ours := party.ClientSecret(c)
			if client == nil || ours == nil {
				continue // other checks say so
			}
			if !ours.Known() || client.Secret != nil && !client.Secret.Known() {
				unknown := ours
				if ours.Known() {
					unknown = client.Secret
				}
				if !unknown.Missing {
					pass.Undecidedf(unknown.Place, "the client secrets of %s and %s cannot be compared: %s", party.Name(), dex.Name(), unknown.Unknown)
				}
				continue
			}
			theirs := client.Secret.Value()
			if ours.Text == theirs {
				continue
			}
			at := client.Place
			if client.Secret != nil {
				at = client.Secret.Place
			}
			how := ""
			switch {
			case strings.TrimSpace(ours.Text) == strings.TrimSpace(theirs):
				which := dex.Name()
				if strings.TrimSpace(ours.Text) != ours.Text {
					which = party.Name()
				}
				how = ": that of " + which + " has white space or a line end at an end"
			case trimmed(ours.Text) == trimmed(theirs):
				how = ": one of them has quotes around it"
			}
			if kubeflow.IsDefaultClientSecret(ours.Text) {
				// Dex's side is the one that was changed.
				pass.Reportf(at, "the client secret that %s has for the client is not that of %s%s", dex.Name(), party.Name(), how).
					See(ours.Place, "the side of %s", party.Name()).
					See(ours.Via, "where %s takes it from", party.Name())
				continue
			}
			pass.Reportf(ours.Place, "the client secret of %s is not that which %s has for the client%s", party.Name(), dex.Name(), how).
				See(at, "Dex's side").
				See(ours.Via, "where %s takes it from", party.Name())
		}
	},
}

// trimmed is a value without what slips in at its ends: white space, quotes.
func trimmed(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }
