package notebooks

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
)

var namespaceNotOwned = &checks.Check{
	ID:       "notebooks/namespace-not-owned",
	Severity: checks.Error,
	Doc: `profile's namespace belongs to somebody else

The profile controller makes a namespace of the profile's name. Where one exists
already, it goes on only if the annotation owner of that namespace is the name of
the profile's owner; otherwise it writes "namespace already exist, but not owned
by profile creator" into the profile and makes nothing: no service accounts, no
bindings, no quota. So a Profile whose Namespace is rendered beside it needs the
annotation there, and one cannot have the name of a namespace of the platform or
of Kubernetes.

A Profile whose namespace is not rendered is right: the controller makes it.`,
	Fix:   "Remove the Namespace from the render, or give it the annotation owner with the name of the profile's owner.",
	Refs:  []string{"https://github.com/kubeflow/kubeflow/blob/v1.10.0/components/profile-controller/controllers/profile_controller.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for profile := range v.Of(profileKind) {
			found = true
			name, owner := profile.Key.Name, profile.String("spec", "owner", "name")
			// Those that every cluster has.
			if slices.Contains([]string{"default", "kube-system", "kube-public", "kube-node-lease"}, name) {
				pass.Reportf(profile.At("metadata", "name"), "%s gets nothing: namespace %s belongs to Kubernetes", profile.Key, name).WithFix("Give the profile another name.")
				continue
			}
			namespace := v.Get(namespaceKind, "", name)
			if namespace == nil || namespace.Made != nil {
				continue
			}
			switch has, ok := namespace.Annotations()["owner"]; {
			case !ok:
				pass.Reportf(profile.At("metadata", "name"), "%s gets nothing: %s exists without the annotation owner", profile.Key, namespace.Key).
					See(namespace.At("metadata"), "the namespace")
			case has != owner:
				pass.Reportf(profile.At("spec", "owner", "name"), "%s gets nothing: it belongs to %s, and %s to %s", profile.Key, owner, namespace.Key, has).
					See(namespace.At("metadata", "annotations", "owner"), "the owner of the namespace")
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}
