package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var defaultPassword = &checks.Check{
	ID:       "oidc/default-password",
	Severity: checks.Warning,
	Doc: `password that Kubeflow ships to everybody

Anybody who can reach the platform can log in: a static user of Dex still has the
password that stands in Kubeflow's documentation. Its hash is recognised
wherever the configuration takes it from.

Upstream's own releases have it, for trying them out, and so they are reported
too: that is true of them. Hashes are compared by digest and never shown.`,
	Fix: "Replace the hash by that of a password of your own, or drop the static user.",
	Refs: []string{
		"https://github.com/kubeflow/manifests#change-default-user-password",
		"https://dexidp.io/docs/connectors/local/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, dex := range c.Dexes {
			if !dex.EnablePasswordDB {
				continue
			}
			for _, p := range dex.Passwords {
				if p.Hash.Known() && kubeflow.IsDefaultPasswordHash(p.Hash.Text) {
					pass.Reportf(p.Hash.Place, "%s lets the user %s in with the password that Kubeflow ships", dex.Name(), p.Email.Show()).
						See(p.Place, "the static user")
				}
			}
		}
	},
}
