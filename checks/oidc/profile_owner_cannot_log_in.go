package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var profileKind = inventory.GroupKind{Group: "kubeflow.org", Kind: "Profile"}

var profileOwnerCannotLogIn = &checks.Check{
	ID:       "oidc/profile-owner-cannot-log-in",
	Severity: checks.Warning,
	Doc: `profile whose owner is no user of Dex

Users log in and the dashboard offers them no namespace: the Profile's owner is
somebody else than they are, to the letter, because only one of Dex's static
user and the Profile was renamed. Case counts: RBAC compares names as they are.

Only a Dex that has nothing but static users is looked at; users of a connector
are not in the manifests, and users may be added to Dex's own storage later,
which is why this is a warning. An owner that is a variable which nobody
replaced is left out.`,
	Fix: "Give the Profile's owner and Dex's static user the same address.",
	Refs: []string{
		"https://www.kubeflow.org/docs/components/central-dash/profiles/",
		"https://dexidp.io/docs/connectors/local/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		if len(c.Dexes) != 1 {
			return
		}
		dex := c.Dexes[0]
		if !dex.EnablePasswordDB || len(dex.Connectors) > 0 || len(dex.Passwords) == 0 {
			return
		}
		var users []string
		for _, p := range dex.Passwords {
			if !p.Email.Known() {
				return
			}
			users = append(users, p.Email.Text)
		}
		for _, party := range c.Parties {
			if c.DexOf(party) != dex {
				return // users of another provider come too
			}
		}
		for profile := range pass.Render.Of(profileKind) {
			kind, owner := profile.String("spec", "owner", "kind"), profile.String("spec", "owner", "name")
			if kind != "User" && kind != "" || owner == "" || strings.Contains(owner, "$(") || strings.HasPrefix(owner, "system:") || slices.Contains(users, owner) {
				continue
			}
			how := ""
			for _, user := range users {
				if strings.EqualFold(user, owner) {
					how = ", though one differs in case only"
				}
			}
			pass.Reportf(profile.At("spec", "owner", "name"), "%s belongs to %s, who is none of the users of %s%s", profile.Key, owner, dex.Name(), how).
				See(dex.Passwords[0].Email.Place, "a user of Dex")
		}
	},
}
