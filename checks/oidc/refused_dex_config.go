package oidc

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var refusedDexConfig = &checks.Check{
	ID:       "oidc/refused-dex-config",
	Severity: checks.Error,
	Doc: `configuration with which Dex does not start

Dex crash-loops, and nobody can log in. It refuses a configuration without
issuer, storage, address to listen on or any way to log in; a static client
without name, id or secret, or with both a value and a variable for one of them;
static passwords without enablePasswordDB or with a hash that is no bcrypt; a
storage or connector of a type that it does not have, a connector without id
or name, or, for LDAP, OpenID Connect and SAML, without configuration; HTTPS without certificate; and YAML that does not parse.

Values that only the running container knows count as given. A public client
needs no secret. Unknown fields are ignored by Dex and not reported.`,
	Fix: "Correct the field.",
	Refs: []string{
		"https://github.com/dexidp/dex/blob/v2.41.1/cmd/dex/serve.go",
		"https://github.com/dexidp/dex/blob/v2.41.1/cmd/dex/config.go",
		"https://dexidp.io/docs/configuration/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, dex := range c.Dexes {
			refuse := func(at inventory.Place, text string) {
				pass.Reportf(at, "%s refuses its configuration: %s", dex.Name(), text)
			}
			if dex.Broken != nil {
				refuse(dex.Broken.Place, dex.Broken.Text)
			}
			if !dex.Config.Known() || dex.Broken != nil {
				continue
			}
			refusedDex(pass, c, dex, refuse)
			for _, client := range dex.Clients {
				refusedClient(client, refuse)
			}
			for _, p := range dex.Passwords {
				switch {
				case p.HashFromEnv.Or("") != "" && p.Hash.Known() && p.Hash.Text == "":
					// oidc/unset-env-reference
				case p.Hash.Or("") == "" && (p.Hash == nil || p.Hash.Known()):
					refuse(p.Place, "a static password has no hash")
				case p.Hash.Known() && !isBcrypt(p.Hash.Text):
					refuse(p.Hash.Place, "the hash of a static password is no bcrypt hash")
				}
			}
			for _, connector := range dex.Connectors {
				kind := connector.Type.Or("")
				_, known := kubeflow.DexConnectorTypeOf(kind)
				switch {
				case connector.ID.Or("") == "" || connector.Name.Or("") == "" || kind == "":
					refuse(connector.Place, "a connector needs id, name and type")
				case !known:
					refuse(connector.Type.Place, "it has no connectors of the type "+connector.Type.Show())
				case !connector.HasConfig && slices.Contains(needConfig, kind):
					refuse(connector.Place, "connector "+connector.ID.Show()+" has no config")
				}
			}
		}
	},
}

// needConfig are connectors that cannot be opened without configuration; Dex
// opens them when it starts.
var needConfig = []string{"ldap", "oidc", "saml", "openshift"}

func refusedDex(pass *checks.Pass, c *login.Chain, dex *login.Dex, refuse func(inventory.Place, string)) {
	top := dex.At()
	if dex.Issuer.Or("") == "" && (dex.Issuer == nil || dex.Issuer.Known()) {
		refuse(top, "it has no issuer")
	}
	switch {
	case dex.Storage == nil:
		refuse(dex.At("storage"), "it has no storage")
	case !slices.Contains(kubeflow.DexStorageTypes(), dex.Storage.Text):
		refuse(dex.Storage.Place, "it has no storage of the type "+dex.Storage.Show())
	}
	if dex.HTTP.Or("") == "" && dex.HTTPS.Or("") == "" {
		refuse(dex.At("web"), "it has no address to listen on, web.http or web.https")
	}
	if dex.HTTPS.Or("") != "" && (dex.TLSCert.Or("") == "" || dex.TLSKey.Or("") == "") {
		refuse(dex.HTTPS.Place, "it listens by HTTPS without tlsCert and tlsKey")
	}
	if !dex.EnablePasswordDB && len(dex.Passwords) > 0 {
		refuse(dex.Passwords[0].Place, "it has static passwords without enablePasswordDB")
	}
	if !dex.EnablePasswordDB && len(dex.Connectors) == 0 {
		for range pass.Render.Of(inventory.GroupKind{Group: "dex.coreos.com", Kind: "Connector"}) {
			return
		}
		if dex.Storage.Or("") == "kubernetes" || dex.Storage.Or("") == "memory" {
			refuse(dex.At("connectors"), "it has neither connectors nor enablePasswordDB: there is no way to log in")
		}
	}
	if s := dex.IDTokens; s.Known() {
		if _, err := time.ParseDuration(s.Text); err != nil {
			refuse(s.Place, "expiry.idTokens, "+s.Show()+", is no duration")
		}
	}
}

func refusedClient(client *login.Client, refuse func(inventory.Place, string)) {
	set := func(s *login.Setting) bool { return s.Or("") != "" }
	switch {
	case !set(client.Name):
		refuse(client.Place, "a static client has no name")
	case !set(client.IDText) && !set(client.IDEnv):
		refuse(client.Place, "a static client has neither id nor idEnv")
	case set(client.IDText) && set(client.IDEnv):
		refuse(client.IDEnv.Place, "a static client has both id and idEnv")
	case !client.Public && !set(client.SecretText) && !set(client.Env):
		refuse(client.Place, "a static client that is not public has neither secret nor secretEnv")
	case set(client.SecretText) && set(client.Env):
		refuse(client.Env.Place, "a static client has both secret and secretEnv")
	}
}

// isBcrypt reports whether Dex takes a text as a bcrypt hash, as it stands or
// in base64 (cmd/dex/config.go, password.UnmarshalJSON).
func isBcrypt(text string) bool {
	if bcryptForm(text) {
		return true
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	return err == nil && bcryptForm(string(decoded))
}

func bcryptForm(hash string) bool {
	if len(hash) < 59 || hash[0] != '$' || hash[1] > '2' {
		return false
	}
	rest := hash[2:]
	if rest[0] != '$' {
		rest = rest[1:] // the minor version
	}
	if len(rest) < 4 || rest[0] != '$' || rest[1] < '0' || rest[1] > '9' || rest[2] < '0' || rest[2] > '9' {
		return false
	}
	cost := int(rest[1]-'0')*10 + int(rest[2]-'0')
	return cost >= 4 && cost <= 31
}
