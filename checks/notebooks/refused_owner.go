package notebooks

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
)

var refusedOwner = &checks.Check{
	ID:       "notebooks/refused-owner",
	Severity: checks.Error,
	Doc: `profile's owner cannot be bound to its role

The profile controller puts spec.owner as it stands into the RoleBinding
namespaceAdmin. The API server refuses a subject that is no User, Group or
ServiceAccount, in this spelling, and a ServiceAccount without namespace; the
controller then tries again for ever and makes nothing further.

A Group or ServiceAccount is bound, and warned of: the mesh lets in requests whose
user header is the owner's name, which no login of a group has.`,
	Fix:   "Make the owner a User with the name that the login gives.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/central-dash/profiles/", "https://github.com/kubeflow/kubeflow/blob/v1.10.0/components/profile-controller/controllers/profile_controller.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for profile := range pass.Render.Of(profileKind) {
			kind, name := profile.String("spec", "owner", "kind"), profile.String("spec", "owner", "name")
			if kind == "" || kind == "User" {
				continue // the schema asks for a kind
			}
			place := profile.At("spec", "owner", "kind")
			switch {
			case !slices.Contains([]string{"Group", "ServiceAccount"}, kind):
				pass.Reportf(place, "%s gets no role for its owner %s: a subject of kind %s is refused", profile.Key, name, kind)
			case kind == "ServiceAccount" && profile.String("spec", "owner", "namespace") == "":
				pass.Reportf(place, "%s gets no role for its owner %s: a ServiceAccount without namespace is refused", profile.Key, name)
			default:
				pass.Reportf(place, "%s belongs to %s %s, whose name no user of the dashboard has", profile.Key, kind, name).As(checks.Warning)
			}
		}
	},
}
