package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var duplicateClientID = &checks.Check{
	ID:       "oidc/duplicate-client-id",
	Severity: checks.Warning,
	Doc: `two static clients of Dex with the same id

Dex keeps its static clients by id: of two with the same id only the last one
stands, and the redirect URIs and the secret of the first are lost without a
word. Two clients that take their id from the same variable are such a pair.`,
	Fix:   "Put the redirect URIs of both into one client, or give each its own id.",
	Refs:  []string{"https://github.com/dexidp/dex/blob/v2.41.1/storage/static.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, dex := range c.Dexes {
			last := map[string]inventory.Place{}
			for _, client := range dex.Clients {
				if !client.ID.Known() || client.ID.Text == "" {
					continue
				}
				if first, dup := last[client.ID.Text]; dup {
					pass.Reportf(client.Place, "this client of %s replaces an earlier one with the same id", dex.Name()).
						See(first, "the client that is lost")
				}
				last[client.ID.Text] = client.Place
			}
		}
	},
}
