package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var oauth2Client = inventory.GroupKind{Group: "dex.coreos.com", Kind: "OAuth2Client"}

var unknownClientID = &checks.Check{
	ID:       "oidc/unknown-client-id",
	Severity: checks.Error,
	Doc: `client id that Dex does not know

Dex answers a login with "Invalid client_id": the id that the relying party
sends is that of no static client. Both may take it from the environment
(OAUTH2_PROXY_CLIENT_ID, idEnv), out of different Secrets, and a line end that
slipped into one of them counts.

An id that only a running pod knows leaves the check undecided. A relying party
of another provider is left out, and so is a Dex whose clients are objects of
the render.`,
	Fix: "Give the relying party and Dex's static client the same id.",
	Refs: []string{
		"https://dexidp.io/docs/configuration/",
		"kubeflow/manifests#2812",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for range pass.Render.Of(oauth2Client) {
			return
		}
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil || !dex.Config.Known() || dex.Broken != nil {
				continue
			}
			id := party.ClientID()
			switch {
			case id == nil:
				continue // oidc/refused-proxy-config
			case !id.Known():
				if !id.Missing {
					pass.Undecidedf(id.Place, "the client id of %s is not known: %s", party.Name(), id.Unknown)
				}
				continue
			case dex.Client(id.Text) != nil:
				continue
			case len(dex.Clients) == 0:
				pass.Reportf(dex.At("staticClients"), "%s has no static client, but %s of %s names itself by a client id", dex.Name(), party.Kind(), party.Name()).
					See(id.Place, "the id that it uses")
				continue
			case !dex.ClientsKnown():
				pass.Undecidedf(dex.ConfigPath.Place, "the ids of the clients of %s are not all known", dex.Name())
				continue
			}
			hint := ""
			for _, client := range dex.Clients {
				if client.ID.Known() && trimmed(client.ID.Text) == trimmed(id.Text) {
					hint = "; one differs from it by white space or quotes at an end only"
				}
			}
			if id.Text == kubeflow.DefaultClientID && len(dex.Clients) == 1 && dex.Clients[0].ID.Value() != "" {
				// Dex's side is the one that was changed.
				client := dex.Clients[0]
				pass.Reportf(client.ID.Place, "the client that %s knows has the id %s, and %s of %s names itself by another, %s%s",
					dex.Name(), client.ID.Show(), party.Kind(), party.Name(), id.Show(), hint).
					See(id.Place, "the id that it uses").
					See(client.Place, "the client")
				continue
			}
			f := pass.Reportf(id.Place, "%s of %s names itself by a client id, %s, that is none of the %d that %s knows%s",
				party.Kind(), party.Name(), id.Show(), len(dex.Clients), dex.Name(), hint)
			f.See(id.Via, "where the client id is taken from")
			for _, client := range dex.Clients {
				at := client.Place
				if client.ID != nil {
					at = client.ID.Place
				}
				f.See(at, "the id of a client that Dex knows")
			}
		}
	},
}
