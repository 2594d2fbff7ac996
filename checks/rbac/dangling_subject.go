package rbac

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var danglingSubject = &checks.Check{
	ID:       "rbac/dangling-subject",
	Severity: checks.Warning,
	Doc: `binding is for a subject that nobody is

The binding is accepted and grants nothing, because no ServiceAccount of that
name and namespace will exist, or because a service account is written as a
Group or User in a form that no token carries. It is an error where the account
that was meant is there, runs a workload and lacks those rights: the usual cause
is a subject that kept the namespace "default" when the rest was moved, or a slip
in the name.

Upstream has one such binding in every release,
jupyter-web-app-jupyter-notebook-role-binding: it is dead and harmless. The
accounts default-editor and default-viewer are made by the profile controller.
Accounts in namespaces that the render does not fill may exist: name them in
the cluster facts (serviceAccounts), else the answer is undecided. Whether users
and groups exist is for the identity provider to know.`,
	Fix:   "Correct the subject's kind, name and namespace, or add the ServiceAccount.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects", "kubeflow/manifests#3342"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		for _, b := range policy.Bindings() {
			if !rendered(b.Object) {
				continue
			}
			for i, s := range b.Subjects {
				switch s.Kind {
				case rbacv1.ServiceAccountKind:
					namespace, field := s.Namespace, inventory.Path{"subjects", i, "namespace"}
					if namespace == "" {
						namespace, field = b.Namespace, inventory.Path{"subjects", i, "name"}
					}
					checkAccount(pass, policy, b, b.Object.At("subjects", i, "name"), b.Object.At(field), namespace, s.Name)
				case rbacv1.UserKind:
					checkUser(pass, policy, b, i, s.Name)
				case rbacv1.GroupKind:
					checkGroup(pass, b, b.Object.At("subjects", i, "name"), s.Name)
				}
			}
		}
	},
}

// sameInEveryNamespace are accounts that many namespaces have: one elsewhere is
// not the one that was meant.
var sameInEveryNamespace = []string{"default", "default-editor", "default-viewer"}

func checkAccount(pass *checks.Pass, policy *access.Policy, b *access.Binding, nameAt, namespaceAt inventory.Place, namespace, name string) {
	state := stateOf(pass, namespace, name)
	if state == present {
		return
	}
	what := fmt.Sprintf("ServiceAccount %s/%s", namespace, name)
	// The same account in another namespace.
	if !slices.Contains(sameInEveryNamespace, name) {
		for _, other := range namespacesOf(pass, name) {
			if state == unknown && namespace != "default" && resemblance(namespace, other) > 3 && !unbound(pass, policy, other, name) {
				continue // it may well exist there
			}
			reportMeant(pass, policy, b, namespaceAt, what, other, name)
			return
		}
	}
	if like := lookalike(name, accountNames(pass, namespace)); like != "" && (state == absent || resemblance(name, like) < 3) {
		reportMeant(pass, policy, b, nameAt, what, namespace, like)
		return
	}
	if like := lookalike(namespace, allNamespaces(pass)); like != "" && pass.Render.Get(serviceAccounts.GroupKind(), like, name) != nil {
		reportMeant(pass, policy, b, namespaceAt, what, like, name)
		return
	}
	switch {
	case kubeflow.DeadBindings[b.Name] == name:
		pass.Reportf(nameAt, "%s is for %s, which nobody makes: the binding is dead, as in upstream's releases", b, what).As(checks.Info).
			WithFix("Leave it; it grants nothing.")
	case state == absent:
		pass.Reportf(nameAt, "%s is for %s, which nobody makes", b, what)
	default:
		pass.Undecidedf(nameAt, "%s is for %s, which is not in the render: it must exist in the cluster (fact serviceAccounts)", b, what)
	}
}

// unbound reports whether a workload runs as an account that no binding names.
func unbound(pass *checks.Pass, policy *access.Policy, namespace, name string) bool {
	subject := access.ServiceAccount(namespace, name)
	subject.Groups = nil
	return runsAs(pass, namespace, name) != nil && len(policy.BindingsOf(subject, namespace)) == 0
}

// reportMeant reports a subject that should be another account: an error where
// that one runs a workload without the rights.
func reportMeant(pass *checks.Pass, policy *access.Policy, b *access.Binding, place inventory.Place, what, namespace, name string) {
	account := fmt.Sprintf("ServiceAccount %s/%s", namespace, name)
	pod := runsAs(pass, namespace, name)
	lacks := false
	if b.Role != nil {
		covered, _ := validation.Covers(policy.Rules(access.ServiceAccount(namespace, name), b.Namespace), b.Role.PolicyRules())
		lacks = !covered
	}
	var f *checks.Finding
	switch {
	case pod != nil && lacks:
		f = pass.Reportf(place, "%s is for %s, which nobody makes; %s runs as %s, which lacks what %s grants", b, what, pod.Owner.Key, account, b.Role).As(checks.Error)
		f.See(pod.At("spec", "serviceAccountName"), "%s runs as %s", pod.Owner.Key, account)
	default:
		f = pass.Reportf(place, "%s is for %s, which nobody makes; there is %s", b, what, account)
	}
	f.WithFix("Make the subject %s.", account)
}

func allNamespaces(pass *checks.Pass) []string {
	var names []string
	for o := range pass.Render.LiveOf(namespaceKind) {
		names = append(names, o.Key.Name)
	}
	slices.Sort(names)
	return names
}

// checkUser looks at users that are service accounts, by their name or by
// mistake.
func checkUser(pass *checks.Pass, policy *access.Policy, b *access.Binding, i int, name string) {
	place := b.Object.At("subjects", i, "name")
	if namespace, account, ok := access.AccountOf(name); ok {
		checkAccount(pass, policy, b, place, place, namespace, account)
		return
	}
	if strings.HasPrefix(name, "system:serviceaccounts") || name == "system:authenticated" || name == "system:unauthenticated" || name == "system:masters" {
		pass.Reportf(b.Object.At("subjects", i, "kind"), "%s names the group %s as a User: nobody has that user name", b, name).As(checks.Error).
			WithFix("Set the kind of the subject to Group.")
		return
	}
	if strings.HasPrefix(name, "system:serviceaccount") {
		pass.Reportf(place, "%s names User %s: the user name of a service account is system:serviceaccount:NAMESPACE:NAME", b, name).As(checks.Error)
		return
	}
	// A user of the name of an account that a pod runs as, without any sign of
	// an identity provider's name.
	if b.Namespace != "" && pass.Render.Get(serviceAccounts.GroupKind(), b.Namespace, name) != nil && runsAs(pass, b.Namespace, name) != nil {
		pass.Reportf(b.Object.At("subjects", i, "kind"), "%s names User %s, and %s/%s is a ServiceAccount: its user name is system:serviceaccount:%[3]s:%[2]s", b, name, b.Namespace, name).
			WithFix("Set the kind of the subject to ServiceAccount.")
	}
}

func checkGroup(pass *checks.Pass, b *access.Binding, place inventory.Place, name string) {
	if namespace, account, ok := access.AccountOf(name); ok {
		pass.Reportf(place, "%s names the service account %s/%s as a Group: nobody is in that group", b, namespace, account).As(checks.Error).
			WithFix("Use kind ServiceAccount with name %s and namespace %s.", account, namespace)
		return
	}
	if namespace, ok := strings.CutPrefix(name, "system:serviceaccounts:"); ok {
		if pass.Render.Get(namespaceKind, "", namespace) != nil {
			return
		}
		has, known := pass.Cluster.HasNamespace(namespace)
		if like := lookalike(namespace, allNamespaces(pass)); like != "" && !has {
			pass.Reportf(place, "%s is for the service accounts of namespace %s, which nobody makes; did you mean %s?", b, namespace, like)
		} else if known && !has {
			pass.Reportf(place, "%s is for the service accounts of namespace %s, which nobody makes", b, namespace)
		}
		return
	}
	if !strings.HasPrefix(name, "system:") {
		return
	}
	groups := []string{"system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:masters", "system:nodes"}
	if like := lookalike(name, groups); like != "" && !slices.Contains(groups, name) {
		pass.Reportf(place, "%s is for group %s, which nobody is in; did you mean %s?", b, name, like)
	}
}
