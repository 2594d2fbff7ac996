package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
)

var audienceMismatch = &checks.Check{
	ID:       "oidc/audience-mismatch",
	Severity: checks.Error,
	Doc: `audience that Dex's tokens do not have

After login every page says "Audiences in Jwt are not allowed": the
RequestAuthentication lists audiences, and the client id of the relying party,
which is the audience of the tokens that Dex gives it, is not among them.

A rule without audiences, as upstream's, accepts any: that is right.`,
	Fix: "Add the relying party's client id to the audiences.",
	Refs: []string{
		"https://istio.io/latest/docs/reference/config/security/jwt/",
		"https://dexidp.io/docs/custom-scopes-claims-clients/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, party := range c.Parties {
			id, issuer := party.ClientID(), party.Issuer()
			if dex := c.DexOf(party); dex != nil {
				issuer = dex.Issuer
			}
			if !issuer.Known() {
				continue
			}
			for _, pod := range c.FrontPods() {
				for _, r := range c.RulesAt(pod) {
					if r.Issuer.Value() != issuer.Text || len(r.Audiences) == 0 {
						continue
					}
					if !id.Known() {
						if id != nil && !id.Missing && seen.first(r.At("audiences"), "") {
							pass.Undecidedf(r.At("audiences"), "whether %s accepts the tokens of %s depends on a client id that is not known: %s", r.Object.Key, party.Name(), id.Unknown)
						}
						continue
					}
					if !slices.Contains(r.Audiences, id.Text) && seen.first(r.At("audiences"), "") {
						pass.Reportf(r.At("audiences"), "%s accepts the audiences %s only; the tokens of %s are for its client id, %s", r.Object.Key, list(r.Audiences), party.Name(), id.Show()).
							See(id.Place, "the client id")
					}
				}
			}
		}
	},
}
