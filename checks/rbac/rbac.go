// Package rbac checks who may do what: roles, bindings and service accounts.
package rbac

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// Checks of the family.
var Checks = []*checks.Check{
	refusedBinding,
	refusedRule,
	danglingRoleRef,
	danglingSubject,
	missingServiceAccount,
	missingToken,
	missingPermission,
	userWithoutAccess,
	unreadableIssuerKeys,
	unservedResource,
	unknownVerb,
	createByName,
	clusterScopedInNamespace,
	emptyAggregation,
	unaggregatedRole,
	overwrittenRules,
	bindingBesidePurpose,
	wildcardVerbs,
	broadGrant,
	escalationVerbs,
}

var (
	serviceAccounts = inventory.Kind[corev1.ServiceAccount]{Group: "", Name: "ServiceAccount"}
	namespaceKind   = inventory.GroupKind{Group: "", Kind: "Namespace"}
)

// policyOf adds up what the render grants. An object that does not decode is
// left out in silence here: rbac/refused-rule and rbac/refused-binding are
// undecided about it, and once is enough.
func policyOf(pass *checks.Pass) *access.Policy {
	pass.Render.Of(access.Roles.GroupKind(), access.ClusterRoles.GroupKind(), access.RoleBindings.GroupKind(), access.ClusterRoleBindings.GroupKind())
	return access.Of(pass.Render.Inventory().View(), pass.Target.Kubernetes)
}

// rendered reports whether an object comes from the user's manifests.
func rendered(o *inventory.Object) bool { return o != nil && o.Made == nil }

// ours reports whether the render is what fills a namespace: it makes the
// namespace. Accounts of a namespace that it does not make may be applied by
// another step, as those of Kubeflow Pipelines' cluster-scoped-resources are.
func ours(pass *checks.Pass, namespace string) bool {
	return pass.Render.Get(namespaceKind, "", namespace) != nil
}

// accountState says whether a ServiceAccount will exist.
type accountState int

const (
	present accountState = iota
	absent
	unknown
)

// stateOf looks for a ServiceAccount in the render, in what controllers make
// and in the facts.
func stateOf(pass *checks.Pass, namespace, name string) accountState {
	if o := pass.Render.Get(serviceAccounts.GroupKind(), namespace, name); o != nil {
		return present
	}
	has, known := pass.Cluster.HasServiceAccount(namespace, name)
	switch {
	case has && name != "default":
		return present
	case name == "default":
		if has, known := pass.Cluster.HasNamespace(namespace); has {
			return present
		} else if known {
			return absent
		}
		return unknown
	case known || ours(pass, namespace):
		return absent
	}
	return unknown
}

// accountNames are the accounts that will exist in a namespace.
func accountNames(pass *checks.Pass, namespace string) []string {
	var names []string
	for o := range serviceAccounts.Live(pass.Render) {
		if o.Key.Namespace == namespace && o.Key.Name != "default" {
			names = append(names, o.Key.Name)
		}
	}
	slices.Sort(names)
	return names
}

// namespacesOf are the namespaces where an account of a name will exist.
func namespacesOf(pass *checks.Pass, name string) []string {
	var namespaces []string
	for o := range serviceAccounts.Live(pass.Render) {
		if o.Key.Name == name {
			namespaces = append(namespaces, o.Key.Namespace)
		}
	}
	slices.Sort(namespaces)
	return namespaces
}

// runsAs returns a pod that runs as an account, nil where none does.
func runsAs(pass *checks.Pass, namespace, name string) *kubeflow.Pod {
	for pod := range kubeflow.Pods(pass.Render) {
		if pod.Namespace == namespace && pod.ServiceAccount() == name {
			return pod
		}
	}
	return nil
}

// lookalike returns the candidate that a name was most likely meant to be:
// equal but for case, a slip of one or two letters, or the same name with a
// part added or left out. It is empty where none is close, or two are.
func lookalike(name string, candidates []string) string {
	best, bestDistance, tie := "", 4, false
	for _, c := range candidates {
		d := resemblance(name, c)
		switch {
		case d < bestDistance:
			best, bestDistance, tie = c, d, false
		case d == bestDistance && c != best:
			tie = true
		}
	}
	if tie || bestDistance > 3 {
		return ""
	}
	return best
}

// resemblance is 0 for names equal but for case, 1 and 2 for slips, 3 for a
// part added or left out, and 4 for what does not look alike.
func resemblance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if a == b {
		return 0
	}
	long, short := a, b
	if len(short) > len(long) {
		long, short = short, long
	}
	if d := slips(a, b, 2); d == 1 && len(short) >= 3 || d == 2 && len(short) >= 8 {
		return d
	}
	if len(short) >= 6 && (strings.HasPrefix(long, short+"-") || strings.HasSuffix(long, "-"+short)) {
		return 3
	}
	return 4
}

// slips counts the letters to add, drop, replace or swap, up to one more than
// limit.
func slips(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	previous, row := make([]int, len(b)+1), make([]int, len(b)+1)
	var before []int
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, previous, row = previous, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(b)], limit+1)
}

// list writes names for a message: "a, b and c".
func list(names []string) string {
	switch len(names) {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// declaredRoles yields the roles of the user's manifests, Roles first.
func declaredRoles(policy *access.Policy) []*access.Role {
	return slices.DeleteFunc(slices.Concat(policy.Roles(), policy.ClusterRoles()), func(r *access.Role) bool { return !rendered(r.Object) })
}

// grantedElsewhere reports whether another rule of a role grants everything
// that a rule grants on a resource.
func grantedElsewhere(role *access.Role, rule *access.Rule, group, resource string) bool {
	base, sub, _ := strings.Cut(resource, "/")
	for _, verb := range rule.Verbs {
		if !role.Allows(access.Attributes{Verb: verb, Group: group, Resource: base, Subresource: sub}) {
			return false
		}
	}
	return true
}
