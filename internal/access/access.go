// Package access decides who may do what, the way kube-apiserver's RBAC
// authorizer does: bindings, roles, aggregated ClusterRoles and the roles that
// every cluster is born with. It is arithmetic over the objects of a render; it
// asks no cluster.
//
// The rules of the game are those of k8s.io/kubernetes
// plugin/pkg/auth/authorizer/rbac, pkg/registry/rbac/validation,
// pkg/apis/rbac/v1 and pkg/controller/clusterroleaggregation. What other
// authorizers of a cluster would allow (nodes, webhooks) is not known here;
// members of system:masters may do everything.
package access

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Subject is somebody who asks: a user name and the groups it is in.
type Subject struct {
	Name   string
	Groups []string
}

const (
	allAuthenticated   = "system:authenticated"
	allUnauthenticated = "system:unauthenticated"
	masters            = "system:masters"
	accountUser        = "system:serviceaccount:"
	accountGroup       = "system:serviceaccounts"
)

// ServiceAccount is the subject that a pod is when it runs as an account, with
// the groups that the API server adds.
func ServiceAccount(namespace, name string) Subject {
	return Subject{accountUser + namespace + ":" + name, []string{accountGroup, accountGroup + ":" + namespace, allAuthenticated}}
}

// User is somebody who has logged in.
func User(name string, groups ...string) Subject {
	return Subject{name, append(slices.Clone(groups), allAuthenticated)}
}

// AccountOf splits the user name of a service account.
func AccountOf(user string) (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(user, accountUser)
	if !ok {
		return "", "", false
	}
	namespace, name, ok = strings.Cut(rest, ":")
	return namespace, name, ok && namespace != "" && name != ""
}

// Attributes are what is asked for: a verb on a resource, or on a path. As in a
// SubjectAccessReview, an empty Namespace means all namespaces or a
// cluster-scoped resource, and an empty Name every object.
type Attributes struct {
	Verb        string
	Group       string
	Resource    string
	Subresource string
	Name        string
	Namespace   string
	Path        string // of a request that is for no resource: "/metrics"
}

// String is the form used in messages: "create deployments.apps".
func (a Attributes) String() string {
	if a.Path != "" {
		return a.Verb + " " + a.Path
	}
	text := a.Verb + " " + ResourceName(a.Group, a.Combined())
	if a.Name != "" {
		text += " " + a.Name
	}
	return text
}

// Combined is the resource as rules write it: "pods/log".
func (a Attributes) Combined() string {
	if a.Subresource == "" {
		return a.Resource
	}
	return a.Resource + "/" + a.Subresource
}

// ResourceName writes a resource with its group: "pods/log",
// "deployments.apps/scale".
func ResourceName(group, resource string) string {
	if group == "" {
		return resource
	}
	name, sub, ok := strings.Cut(resource, "/")
	if ok {
		return name + "." + group + "/" + sub
	}
	return name + "." + group
}

// Allows reports whether one rule allows what is asked for.
func Allows(rule *rbacv1.PolicyRule, a Attributes) bool {
	if !hasOr(rule.Verbs, "*", a.Verb) {
		return false
	}
	if a.Path != "" {
		return slices.ContainsFunc(rule.NonResourceURLs, func(url string) bool {
			return url == "*" || url == a.Path ||
				strings.HasSuffix(url, "*") && strings.HasPrefix(a.Path, strings.TrimRight(url, "*"))
		})
	}
	return hasOr(rule.APIGroups, "*", a.Group) &&
		slices.ContainsFunc(rule.Resources, func(resource string) bool { return ResourceMatches(resource, a.Resource, a.Subresource) }) &&
		(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, a.Name))
}

// ResourceMatches reports whether a resource as a rule names it means a
// resource or subresource.
func ResourceMatches(ruleResource, resource, subresource string) bool {
	if ruleResource == "*" {
		return true
	}
	if subresource == "" {
		return ruleResource == resource
	}
	return ruleResource == resource+"/"+subresource || ruleResource == "*/"+subresource
}

func hasOr(list []string, all, one string) bool {
	for _, s := range list {
		if s == all || s == one {
			return true
		}
	}
	return false
}

// A Policy is what the roles and bindings of a cluster add up to. It is not
// changed once made and is safe for concurrent use.
type Policy struct {
	clusterRoles map[string]*Role
	roles        map[[2]string]*Role // by namespace and name
	bindings     []*Binding
	byCluster    map[subjectKey][]*Binding
	byNamespace  map[string]map[subjectKey][]*Binding
}

// A Role is a Role or ClusterRole with the rules that it ends up with.
type Role struct {
	// Object is the rendered object; nil for a role that every cluster has.
	Object    *inventory.Object
	Namespace string // empty for a ClusterRole
	Name      string
	Labels    labels.Set
	// Rules are the effective ones: those of the roles that an aggregated role
	// selects, its own otherwise.
	Rules []Rule
	// Selectors are those of the aggregationRule, nil where there is none.
	Selectors []labels.Selector
	// Selected are the names of the ClusterRoles that the selectors match.
	Selected []string

	declared []Rule
}

// String is the form used in messages.
func (r *Role) String() string {
	if r.Namespace == "" {
		return "ClusterRole " + r.Name
	}
	return "Role " + r.Namespace + "/" + r.Name
}

// A Rule is a rule and where it is written.
type Rule struct {
	rbacv1.PolicyRule
	// In is the role whose manifest holds the rule: for an aggregated role,
	// the one that it was taken from. Its Object is nil for built-in roles.
	In    *Role
	Index int // in the rules of In
}

// Place is where the rule is written; zero for built-in roles.
func (r *Rule) Place(steps ...any) inventory.Place {
	if r.In == nil || r.In.Object == nil {
		return inventory.Place{}
	}
	return r.In.Object.At("rules", r.Index).At(steps...)
}

// A Binding is a RoleBinding or ClusterRoleBinding.
type Binding struct {
	Object    *inventory.Object // nil for one that every cluster has
	Namespace string            // empty for a ClusterRoleBinding
	Name      string
	RoleRef   rbacv1.RoleRef
	Subjects  []rbacv1.Subject
	// Role is what it binds; nil where that does not exist.
	Role *Role
}

// String is the form used in messages.
func (b *Binding) String() string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

// A subjectKey is a user's name or a group's.
type subjectKey struct {
	group bool
	name  string
}

// key names whom a subject of a binding means; ok is false for nobody.
func (b *Binding) key(s rbacv1.Subject) (key subjectKey, ok bool) {
	switch s.Kind {
	case rbacv1.UserKind:
		return subjectKey{name: s.Name}, true
	case rbacv1.GroupKind:
		return subjectKey{group: true, name: s.Name}, true
	case rbacv1.ServiceAccountKind:
		namespace := cmp.Or(s.Namespace, b.Namespace)
		if namespace == "" {
			return subjectKey{}, false
		}
		return subjectKey{name: accountUser + namespace + ":" + s.Name}, true
	}
	return subjectKey{}, false
}

// A Grant is why something is allowed.
type Grant struct {
	Binding *Binding // nil for members of system:masters
	Rule    *Rule
}

// Allowed reports whether a subject may do what is asked for, and by what.
func (p *Policy) Allowed(s Subject, a Attributes) (Grant, bool) {
	if slices.Contains(s.Groups, masters) {
		return Grant{}, true
	}
	for b := range p.bindingsOf(s, a.Namespace) {
		for i := range b.Role.Rules {
			if Allows(&b.Role.Rules[i].PolicyRule, a) {
				return Grant{b, &b.Role.Rules[i]}, true
			}
		}
	}
	return Grant{}, false
}

// Rules are the rules that apply to a subject in a namespace, cluster-wide
// ones first; with an empty namespace only those. They are what
// component-helpers' validation.Covers takes.
func (p *Policy) Rules(s Subject, namespace string) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for b := range p.bindingsOf(s, namespace) {
		for i := range b.Role.Rules {
			rules = append(rules, b.Role.Rules[i].PolicyRule)
		}
	}
	return rules
}

// BindingsOf are the bindings that apply to a subject in a namespace, in an
// order that does not depend on chance: cluster-wide ones first.
func (p *Policy) BindingsOf(s Subject, namespace string) []*Binding {
	var found []*Binding
	for b := range p.bindingsOf(s, namespace) {
		found = append(found, b)
	}
	return found
}

// bindingsOf yields the bindings of existing roles; one that names a subject
// and its group is met twice.
func (p *Policy) bindingsOf(s Subject, namespace string) func(func(*Binding) bool) {
	return func(yield func(*Binding) bool) {
		for _, index := range []map[subjectKey][]*Binding{p.byCluster, p.byNamespace[namespace]} {
			for _, b := range index[subjectKey{name: s.Name}] {
				if b.Role != nil && !yield(b) {
					return
				}
			}
			for _, group := range s.Groups {
				for _, b := range index[subjectKey{group: true, name: group}] {
					if b.Role != nil && !yield(b) {
						return
					}
				}
			}
		}
	}
}

// WhoCan are the subjects that may do what is asked for, sorted, each once:
// service accounts with their namespace, users and groups by name.
func (p *Policy) WhoCan(a Attributes) []rbacv1.Subject {
	seen := map[rbacv1.Subject]bool{}
	for _, b := range p.bindings {
		if b.Role == nil || b.Namespace != "" && b.Namespace != a.Namespace {
			continue
		}
		if !slices.ContainsFunc(b.Role.Rules, func(r Rule) bool { return Allows(&r.PolicyRule, a) }) {
			continue
		}
		for _, s := range b.Subjects {
			key, ok := b.key(s)
			if !ok {
				continue
			}
			subject := rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: key.name}
			if key.group {
				subject.Kind = rbacv1.GroupKind
			} else if namespace, name, ok := AccountOf(key.name); ok {
				subject = rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
			}
			seen[subject] = true
		}
	}
	var who []rbacv1.Subject
	for s := range seen {
		who = append(who, s)
	}
	slices.SortFunc(who, func(a, b rbacv1.Subject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return who
}

// ClusterRole finds a ClusterRole by name; nil where there is none.
func (p *Policy) ClusterRole(name string) *Role { return p.clusterRoles[name] }

// Role finds a Role; nil where there is none.
func (p *Policy) Role(namespace, name string) *Role { return p.roles[[2]string{namespace, name}] }

// ClusterRoles are all ClusterRoles, built-in ones included, sorted by name.
func (p *Policy) ClusterRoles() []*Role { return sortedRoles(p.clusterRoles) }

// Roles are all Roles, built-in ones included, sorted by namespace and name.
func (p *Policy) Roles() []*Role { return sortedRoles(p.roles) }

// Bindings are all bindings, built-in ones included: cluster-wide ones first,
// then by namespace, sorted by name.
func (p *Policy) Bindings() []*Binding { return slices.Clone(p.bindings) }

// Allows reports whether the role, once bound, allows what is asked for.
func (r *Role) Allows(a Attributes) bool {
	return slices.ContainsFunc(r.Rules, func(rule Rule) bool { return Allows(&rule.PolicyRule, a) })
}

// PolicyRules are the effective rules without their places.
func (r *Role) PolicyRules() []rbacv1.PolicyRule {
	rules := make([]rbacv1.PolicyRule, len(r.Rules))
	for i := range r.Rules {
		rules[i] = r.Rules[i].PolicyRule
	}
	return rules
}

// Declared are the rules that the role's own manifest holds. Those of an
// aggregated role are overwritten.
func (r *Role) Declared() []Rule { return slices.Clone(r.declared) }

func sortedRoles[K comparable](m map[K]*Role) []*Role {
	var roles []*Role
	for _, r := range m {
		roles = append(roles, r)
	}
	slices.SortFunc(roles, func(a, b *Role) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return roles
}
