package rbac

import (
	"fmt"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
)

var broadGrant = &checks.Check{
	ID:       "rbac/broad-grant",
	Severity: checks.Warning,
	Doc: `binding gives far more than anybody should have

Three things are looked for. Everything: a ClusterRoleBinding to cluster-admin or
to a role with * for groups, resources and verbs, for somebody who is not a known
controller. Everybody: a binding of more than discovery to everyone who is logged
in or, worse, to those who are not. And all secrets of the cluster, for the
account that users' code runs as.

Upstream binds cluster-admin to the profile controller (and, up to 1.9, to
metacontroller), which is an information, and publishes the keys of service
account tokens to everybody (system:service-account-issuer-discovery), which is
harmless. Controllers that need to read secrets everywhere are left out.`,
	Fix:   "Bind a role with what is needed, to the accounts that need it.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/security/rbac-good-practices/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		for _, b := range policy.Bindings() {
			if !rendered(b.Object) || b.Role == nil || len(b.Role.Rules) == 0 {
				continue
			}
			for i, s := range b.Subjects {
				place := b.Object.At("subjects", i, "name")
				who := fmt.Sprintf("%s %s", s.Kind, s.Name)
				switch {
				case s.Kind == "Group" && slices.Contains([]string{"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}, s.Name) || s.Kind == "User" && s.Name == "system:anonymous":
					if !harmless(b.Role) {
						pass.Reportf(place, "%s gives %s to %s, which is %s", b, b.Role, who, everybody[s.Name])
					}
				case b.Namespace == "" && everything(b.Role):
					f := pass.Reportf(place, "%s gives %s, which may do everything, to %s", b, b.Role, who)
					if s.Kind == "ServiceAccount" && (s.Name == "profiles-controller-service-account" || s.Name == "meta-controller-service") {
						f.As(checks.Info)
					}
				case b.Namespace == "" && s.Kind == "ServiceAccount" && slices.Contains([]string{"pipeline-runner", "default-editor", "default-viewer", "default"}, s.Name) &&
					b.Role.Allows(access.Attributes{Verb: "get", Resource: "secrets"}):
					pass.Reportf(place, "%s lets %s, which users' code runs as, read the Secrets of every namespace", b, who)
				}
			}
		}
	},
}

var everybody = map[string]string{
	"system:authenticated":   "everyone who is logged in, every pod included",
	"system:unauthenticated": "everyone who reaches the API server, without login",
	"system:serviceaccounts": "every pod of the cluster",
	"system:anonymous":       "everyone who reaches the API server, without login",
}

// everything reports whether a role may do all on everything.
func everything(role *access.Role) bool {
	return slices.ContainsFunc(role.Rules, func(r access.Rule) bool {
		return slices.Contains(r.Verbs, "*") && slices.Contains(r.APIGroups, "*") && slices.Contains(r.Resources, "*")
	})
}

// harmless reports whether a role only lets somebody look at paths, or ask
// about himself.
func harmless(role *access.Role) bool {
	return !slices.ContainsFunc(role.Rules, func(r access.Rule) bool {
		return len(r.NonResourceURLs) == 0 && !slices.Contains(r.APIGroups, "authorization.k8s.io") && !slices.Contains(r.APIGroups, "authentication.k8s.io")
	})
}
