package kubeflow

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// DexStorageTypes are the storages that Dex has (cmd/dex/config.go).
func DexStorageTypes() []string {
	return []string{"kubernetes", "memory", "sqlite3", "postgres", "mysql", "etcd", "ent"}
}

// A DexConnectorType is a way to identity providers that Dex has
// (server/server.go, ConnectorsConfig).
type DexConnectorType struct {
	Type string
	// ComparesCallback is set on those that refuse a login unless their
	// redirectURI is the issuer with /callback, to the letter.
	ComparesCallback bool
}

var dexConnectorTypes = []DexConnectorType{
	{"keystone", false},
	{"mockCallback", false},
	{"mockPassword", false},
	{"ldap", false},
	{"gitea", true},
	{"github", true},
	{"gitlab", true},
	{"google", true},
	{"oidc", true},
	{"oauth", true},
	{"saml", false},
	{"authproxy", false},
	{"linkedin", true},
	{"microsoft", true},
	{"bitbucket-cloud", true},
	{"openshift", true},
	{"atlassian-crowd", false},
	{"samlExperimental", false},
}

// DexConnectorTypeOf finds a connector type by name.
func DexConnectorTypeOf(name string) (DexConnectorType, bool) {
	i := slices.IndexFunc(dexConnectorTypes, func(t DexConnectorType) bool { return t.Type == name })
	if i < 0 {
		return DexConnectorType{}, false
	}
	return dexConnectorTypes[i], true
}

// DexScopes are the scopes that Dex grants; it refuses a login that asks for
// any other (server/oauth2.go, parseAuthorizationRequest).
func DexScopes() []string {
	return []string{"openid", "offline_access", "email", "profile", "groups", "federated:id"}
}

// DexCrossClientScope is the prefix of scopes that name another client.
const DexCrossClientScope = "audience:server:client_id:"

// defaultPasswordDigests are SHA-256 digests of the password hashes that
// Kubeflow's releases ship for user@example.com. Everybody knows the password
// behind them; the hashes themselves need not be repeated here.
var defaultPasswordDigests = []string{
	"c154376989fcff516b441dcc647bfe75780c80caf4f0d10012f98f93db0aa510",
	"5741c092c28fb7d6afbfff3fcc96dc749fc993aad430f3dbe137e0f899b3044f",
	"d4ccb372e00f0cc3e664a6399119c7640d572108436a77215776c9ff3d1b5638",
}

// IsDefaultPasswordHash reports whether a bcrypt hash is one that a Kubeflow
// release ships.
func IsDefaultPasswordHash(hash string) bool {
	sum := sha256.Sum256([]byte(strings.TrimSpace(hash)))
	return slices.Contains(defaultPasswordDigests, hex.EncodeToString(sum[:]))
}

// defaultClientSecretDigests are SHA-256 digests of the client secrets that
// Kubeflow's releases ship.
var defaultClientSecretDigests = []string{
	"462a0aa7e3ad7e72bcc06fd22a504044f4a4c79033231b9dc8900ad84fbe29b9",
}

// IsDefaultClientSecret reports whether a client secret is one that a Kubeflow
// release ships: then it is not this side that was changed.
func IsDefaultClientSecret(secret string) bool {
	sum := sha256.Sum256([]byte(secret))
	return slices.Contains(defaultClientSecretDigests, hex.EncodeToString(sum[:]))
}

// DefaultClientID is the client id that Kubeflow's releases ship.
const DefaultClientID = "kubeflow-oidc-authservice"

// DefaultIssuer is the issuer of Dex in Kubeflow's releases.
const DefaultIssuer = "http://dex.auth.svc.cluster.local:5556/dex"
