package rbac

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var clusterScopedInNamespace = &checks.Check{
	ID:       "rbac/cluster-scoped-in-namespace",
	Severity: checks.Warning,
	Doc: `cluster-scoped resource is granted inside a namespace only

A RoleBinding grants within its namespace, and a resource without namespace is
never there: the rule has no effect, whether it stands in a Role or in a
ClusterRole that only RoleBindings bind. The Kubeflow SDK, for one, cannot list
ClusterTrainingRuntimes that way.

The rule is looked at together with everything else that its subjects are
granted: who may do it cluster-wide by another binding lacks nothing. Reading
namespaces is left out, because a request for one namespace by name counts as
being inside it. Upstream's own user roles read storage classes this way, and its
pipeline-runner has persistent volumes; for resources of Kubernetes itself, and
in roles that also grant namespaced kinds of the same operator, the finding is an
information, unless users need the resource.`,
	Fix:   "Bind a ClusterRole with that rule by a ClusterRoleBinding.",
	Refs:  []string{"kubeflow/manifests#3309", "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		served := kubeflow.ServedBy(pass.Render.Inventory())
		seen := map[*access.Role]map[int]bool{}
		for _, b := range policy.Bindings() {
			if b.Namespace == "" || b.Role == nil || b.Object == nil || b.Role.Object == nil {
				continue // nobody rewrites what every cluster's edit collects
			}
			for i := range b.Role.Rules {
				rule := &b.Role.Rules[i]
				if rule.In.Object == nil || seen[rule.In][rule.Index] || boundClusterWide(policy, rule.In) {
					continue
				}
				for j, name := range rule.Resources {
					for _, group := range rule.APIGroups {
						resource := served.Resource(group, name)
						if resource == nil || resource.Namespaced || strings.HasPrefix(name, "namespaces") && group == "" {
							continue
						}
						verb := uselessVerb(policy, b, rule, group, name)
						if verb == "" {
							continue
						}
						if seen[rule.In] == nil {
							seen[rule.In] = map[int]bool{}
						}
						seen[rule.In][rule.Index] = true
						f := pass.Reportf(rule.Place("resources", j), "%s grants %s on %s, which has no namespace, and only RoleBindings such as %s reach it: the rule has no effect", rule.In, verb, access.ResourceName(group, name), nameOf(b))
						if resource.CRD == nil || !slices.Contains(kubeflow.UserFacingCluster, name) && mixed(served, rule) {
							f.As(checks.Info)
						}
						f.See(b.Object.At("roleRef", "name"), "%s", b)
					}
				}
			}
		}
	},
}

// mixed reports whether a rule grants something inside namespaces as well.
func mixed(served *kubeflow.Served, rule *access.Rule) bool {
	for _, group := range rule.APIGroups {
		for _, name := range rule.Resources {
			if r := served.Resource(group, name); r != nil && r.Namespaced {
				return true
			}
		}
	}
	return false
}

// nameOf names a binding in a way that is the same for every profile.
func nameOf(b *access.Binding) string {
	if b.Object.Made != nil {
		return "those of the " + b.Object.Made.Controller
	}
	return b.String()
}

// boundClusterWide reports whether a ClusterRoleBinding binds a role or one
// that collects it.
func boundClusterWide(policy *access.Policy, role *access.Role) bool {
	return slices.ContainsFunc(policy.Bindings(), func(b *access.Binding) bool {
		return b.Namespace == "" && b.Role != nil && (b.Role == role || slices.ContainsFunc(b.Role.Rules, func(r access.Rule) bool { return r.In == role }))
	})
}

// uselessVerb is a verb of a rule that some subject of a binding may not use
// on a cluster-scoped resource; empty where all may.
func uselessVerb(policy *access.Policy, b *access.Binding, rule *access.Rule, group, resource string) string {
	base, sub, _ := strings.Cut(resource, "/")
	for _, verb := range rule.Verbs {
		asked := access.Attributes{Verb: verb, Group: group, Resource: base, Subresource: sub}
		if verb == "*" {
			asked.Verb = "get"
		}
		for _, s := range b.Subjects {
			subject := access.User(s.Name)
			switch s.Kind {
			case "Group":
				subject = access.Subject{Groups: []string{s.Name}}
			case "ServiceAccount":
				namespace := s.Namespace
				if namespace == "" {
					namespace = b.Namespace
				}
				subject = access.ServiceAccount(namespace, s.Name)
			}
			if _, ok := policy.Allowed(subject, asked); !ok {
				return verb
			}
		}
	}
	return ""
}
