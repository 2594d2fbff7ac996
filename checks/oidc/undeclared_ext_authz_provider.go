package oidc

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var undeclaredExtAuthzProvider = &checks.Check{
	ID:       "oidc/undeclared-ext-authz-provider",
	Severity: checks.Error,
	Doc: `CUSTOM policy whose provider the mesh does not declare

Every request that the policy covers is answered with "RBAC: access denied":
Istio makes a CUSTOM policy that names no declared provider into one that denies
all. Providers are declared under extensionProviders in the key mesh of the
ConfigMap istio, and the name must be the same to the letter. A mesh
configuration that does not parse declares none.

Without the ConfigMap in the render the check is undecided.`,
	Fix: "Declare the provider under extensionProviders of the mesh configuration, by the name that the policy uses.",
	Refs: []string{
		"https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
		"https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := login.Read(pass.Render)
		custom := 0
		for _, p := range c.Policies {
			if p.Action != "CUSTOM" {
				continue
			}
			custom++
			at := p.At("spec", "provider", "name")
			switch provider := c.Mesh.Provider(p.Provider); {
			case p.Provider == "":
				pass.Reportf(at, "%s has the action CUSTOM, but names no provider", p.Key)
			case c.Mesh.Object == nil:
				pass.Undecidedf(at, "%s names the provider %s; the mesh configuration that would declare it is not in the render", p.Key, p.Provider)
			case c.Mesh.Broken != nil:
				pass.Reportf(c.Mesh.Broken.Place, "the mesh configuration does not parse, so it declares no provider %s: %s", p.Provider, c.Mesh.Broken.Text).
					See(at, "the policy that needs it")
			case provider == nil:
				pass.Reportf(at, "%s names the provider %s, but %s declares %s only", p.Key, p.Provider, c.Mesh.Object.Key, list(names(c.Mesh))).
					See(c.Mesh.Place, "the providers of the mesh")
			case !provider.ExtAuthzHTTP && !provider.ExtAuthzGRPC:
				pass.Reportf(provider.Place, "the provider %s, which %s names, is no external authorizer", p.Provider, p.Key).
					See(at, "the policy that needs one")
			}
		}
		if custom == 0 {
			pass.NotApplicable()
		}
	},
}

func names(mesh *login.Mesh) []string {
	var all []string
	for _, p := range mesh.Providers {
		all = append(all, p.Name)
	}
	return all
}
