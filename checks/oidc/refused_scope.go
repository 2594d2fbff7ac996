package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var refusedScope = &checks.Check{
	ID:       "oidc/refused-scope",
	Severity: checks.Error,
	Doc: `scopes that Dex refuses or that leave out the user

A scope that Dex does not know is answered with invalid_scope, and so is a list
without openid: the login ends before it began. Without email the token names
nobody, and the proxy or the header that Istio fills from it stay empty; without
groups, allowed_groups lets nobody in.

Scopes are checked only against the Dex of the render. An empty scope is fine:
oauth2-proxy then asks for openid, email and profile.`,
	Fix: "Ask for openid, email, profile, groups and offline_access only, with openid and email among them.",
	Refs: []string{
		"https://github.com/dexidp/dex/blob/v2.41.1/server/oauth2.go",
		"https://dexidp.io/docs/custom-scopes-claims-clients/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil {
				continue
			}
			var scope *login.Setting
			if party.Proxy != nil {
				scope = party.Proxy.Setting("scope")
			} else {
				scope = party.Auth.Setting("OIDC_SCOPES")
			}
			if scope.Value() == "" {
				continue
			}
			scopes := strings.FieldsFunc(scope.Text, func(r rune) bool { return r == ' ' || r == '\t' || party.Proxy == nil && r == ',' })
			var unknown []string
			for _, s := range scopes {
				if !slices.Contains(kubeflow.DexScopes(), s) && !strings.HasPrefix(s, kubeflow.DexCrossClientScope) {
					unknown = append(unknown, s)
				}
			}
			if len(unknown) > 0 {
				named := "the scope " + list(unknown)
				if scope.Secret {
					named = "a scope"
				}
				pass.Reportf(scope.Place, "%s of %s asks for %s, which Dex does not know", party.Kind(), party.Name(), named)
			}
			if party.Auth != nil {
				continue // it adds openid itself
			}
			if !slices.Contains(scopes, "openid") {
				pass.Reportf(scope.Place, "%s of %s does not ask for the scope openid, which Dex requires", party.Kind(), party.Name())
				continue
			}
			if !slices.Contains(scopes, "email") && party.Proxy.Text("oidc_email_claim", "email") == "email" {
				pass.Reportf(scope.Place, "%s of %s does not ask for the scope email: Dex's tokens will not say who the user is", party.Kind(), party.Name())
			}
			if groups := party.Proxy.Get("allowed_groups"); groups != nil && len(groups.Items) > 0 && !slices.Contains(scopes, "groups") {
				pass.Reportf(scope.Place, "%s of %s does not ask for the scope groups, but lets in members of certain groups only", party.Kind(), party.Name()).
					See(groups.Place, "the groups that are let in")
			}
		}
	},
}
