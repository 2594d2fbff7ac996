package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var connectorRedirectMismatch = &checks.Check{
	ID:       "oidc/connector-redirect-mismatch",
	Severity: checks.Error,
	Doc: `connector's redirect URI that is not below Dex's issuer

The button of an identity provider on Dex's login page leads to an internal
error; Dex logs "expected callback URL ... did not match the URL in the config".
Its connectors for OpenID Connect, GitHub, GitLab, Google, Microsoft and the
like want redirectURI to be the issuer with /callback, to the letter. That is
why an issuer within the cluster, as upstream's, does not go together with such a
connector: the issuer has to become the address that browsers use.

Connectors that send browsers nowhere (LDAP, passwords) have no redirect URI, and
SAML's is not compared.`,
	Fix: "Set redirectURI to the issuer with /callback, and the issuer to an address that browsers reach.",
	Refs: []string{
		"https://dexidp.io/docs/connectors/oidc/",
		"https://github.com/dexidp/dex/blob/v2.41.1/connector/oidc/oidc.go",
		"kubeflow/manifests#2877",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, dex := range c.Dexes {
			if !dex.Issuer.Known() {
				continue
			}
			want := dex.URL("callback")
			for _, connector := range dex.Connectors {
				kind, _ := kubeflow.DexConnectorTypeOf(connector.Type.Value())
				s := connector.RedirectURI
				if !kind.ComparesCallback || !connector.HasConfig || s != nil && !s.Known() || s.Or("") == want {
					continue
				}
				at := connector.ConfigPlace
				if s != nil {
					at = s.Place
				}
				expected := "that with /callback"
				if !dex.Issuer.Secret {
					expected = `"` + want + `"`
				}
				pass.Reportf(at, "connector %s of %s has the redirect URI %s, and Dex insists on %s", connector.ID.Show(), dex.Name(), s.Show(), expected).
					See(dex.Issuer.Place, "the issuer")
			}
		}
	},
}
