package access

import (
	"slices"
	"strings"
	"testing"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

func load(t *testing.T, text string) *inventory.View {
	t.Helper()
	objects, err := manifest.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	return inv.View()
}

const objects = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pods, namespace: a}
rules:
- {apiGroups: [""], resources: [pods, pods/log], verbs: [get]}
- {apiGroups: [""], resources: ["*/status"], verbs: [patch]}
- {apiGroups: [""], resources: [secrets], resourceNames: [one], verbs: [get, list, create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pods, namespace: a}
roleRef: {kind: Role, name: pods}
subjects:
- {kind: ServiceAccount, name: worker}
- {kind: ServiceAccount, name: other, namespace: b}
- {kind: User, name: alice}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: paths}
rules:
- {nonResourceURLs: [/metrics, /logs/*], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: paths}
roleRef: {kind: ClusterRole, name: paths}
subjects:
- {kind: Group, name: "system:serviceaccounts:b"}
---
# Extends edit, and with it admin: aggregation in two steps.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: argo, labels: {rbac.authorization.k8s.io/aggregate-to-edit: "true"}}
rules:
- {apiGroups: [argoproj.io], resources: [workflows], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: team}
aggregationRule:
  clusterRoleSelectors:
  - matchExpressions: [{key: rbac.authorization.k8s.io/aggregate-to-edit, operator: Exists}]
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: admin, namespace: a}
roleRef: {kind: ClusterRole, name: admin}
subjects:
- {kind: User, name: bob}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: team}
roleRef: {kind: ClusterRole, name: team}
subjects:
- {kind: User, name: carol}
---
# Refused: it grants nothing, not even to its good subject.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: refused}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: User, name: dave}
- {kind: ServiceAccount, name: nowhere}
`

func TestAllowed(t *testing.T) {
	policy := Of(load(t, objects), "1.34")
	worker, other := ServiceAccount("a", "worker"), ServiceAccount("b", "other")
	for _, test := range []struct {
		name    string
		subject Subject
		asked   Attributes
		want    bool
	}{
		{"a subject without namespace is in the binding's", worker, Attributes{Verb: "get", Resource: "pods", Namespace: "a"}, true},
		{"a subject of another namespace", other, Attributes{Verb: "get", Resource: "pods", Namespace: "a"}, true},
		{"a RoleBinding ends with its namespace", other, Attributes{Verb: "get", Resource: "pods", Namespace: "b"}, false},
		{"and does not grant cluster-wide", worker, Attributes{Verb: "get", Resource: "pods"}, false},
		{"a user", User("alice"), Attributes{Verb: "get", Resource: "pods", Namespace: "a"}, true},
		{"a subresource", worker, Attributes{Verb: "get", Resource: "pods", Subresource: "log", Namespace: "a"}, true},
		{"no other subresource", worker, Attributes{Verb: "get", Resource: "pods", Subresource: "exec", Namespace: "a"}, false},
		{"a subresource of everything", worker, Attributes{Verb: "patch", Resource: "services", Subresource: "status", Namespace: "a"}, true},
		{"is not the resource", worker, Attributes{Verb: "patch", Resource: "services", Namespace: "a"}, false},
		{"another group", worker, Attributes{Verb: "get", Group: "apps", Resource: "pods", Namespace: "a"}, false},
		{"by name", worker, Attributes{Verb: "get", Resource: "secrets", Name: "one", Namespace: "a"}, true},
		{"by another name", worker, Attributes{Verb: "get", Resource: "secrets", Name: "two", Namespace: "a"}, false},
		{"create knows no name", worker, Attributes{Verb: "create", Resource: "secrets", Namespace: "a"}, false},
		{"a path, by a group", other, Attributes{Verb: "get", Path: "/metrics"}, true},
		{"a path below", other, Attributes{Verb: "get", Path: "/logs/a"}, true},
		{"another path", other, Attributes{Verb: "get", Path: "/metrics/a"}, false},
		{"a path for another group", worker, Attributes{Verb: "get", Path: "/metrics"}, false},
		{"discovery, for everyone who is logged in", User("erin"), Attributes{Verb: "get", Path: "/apis"}, true},
		{"but not without login", Subject{Name: "system:anonymous", Groups: []string{allUnauthenticated}}, Attributes{Verb: "get", Path: "/apis"}, false},
		{"a built-in role, extended", User("bob"), Attributes{Verb: "create", Group: "argoproj.io", Resource: "workflows", Namespace: "a"}, true},
		{"and its own rules", User("bob"), Attributes{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings", Namespace: "a"}, true},
		{"matchExpressions", User("carol"), Attributes{Verb: "delete", Group: "argoproj.io", Resource: "workflows"}, true},
		{"an aggregated role's own rules are overwritten", User("carol"), Attributes{Verb: "get", Resource: "nodes"}, false},
		{"what the API server refuses grants nothing", User("dave"), Attributes{Verb: "get", Resource: "nodes"}, false},
		{"masters", Subject{Name: "root", Groups: []string{"system:masters"}}, Attributes{Verb: "get", Resource: "nodes"}, true},
	} {
		if _, got := policy.Allowed(test.subject, test.asked); got != test.want {
			t.Errorf("%s: %s %s: %v, want %v", test.name, test.subject.Name, test.asked, got, test.want)
		}
	}
}

func TestWhoCan(t *testing.T) {
	policy := Of(load(t, objects), "1.34")
	var got []string
	for _, s := range policy.WhoCan(Attributes{Verb: "get", Resource: "pods", Subresource: "log", Namespace: "a"}) {
		got = append(got, s.Kind+" "+s.Namespace+"/"+s.Name)
	}
	for _, want := range []string{"Group /system:masters", "ServiceAccount a/worker", "ServiceAccount b/other", "User /alice", "User /bob"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not among %q", want, got)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("not sorted: %q", got)
	}
}

func TestRulesKnowWhereTheyStand(t *testing.T) {
	policy := Of(load(t, objects), "1.34")
	grant, ok := policy.Allowed(User("carol"), Attributes{Verb: "delete", Group: "argoproj.io", Resource: "workflows"})
	if !ok || grant.Binding.Name != "team" || grant.Rule.In.Name != "argo" || grant.Rule.Place("verbs").Field() != "rules[0].verbs" {
		t.Errorf("%+v, %v", grant, ok)
	}
}

func TestEveryMinorHasItsRoles(t *testing.T) {
	for _, minor := range Minors {
		policy := Of(load(t, ""), minor)
		for _, name := range []string{"cluster-admin", "admin", "edit", "view", "system:auth-delegator", "system:controller:generic-garbage-collector"} {
			if role := policy.ClusterRole(name); role == nil || len(role.Rules) == 0 {
				t.Errorf("%s: ClusterRole %s is missing or empty", minor, name)
			}
		}
		if policy.Role("kube-system", "extension-apiserver-authentication-reader") == nil {
			t.Errorf("%s: no Role extension-apiserver-authentication-reader", minor)
		}
		if _, ok := policy.Allowed(ServiceAccount("kube-system", "replicaset-controller"), Attributes{Verb: "create", Resource: "pods"}); !ok {
			t.Errorf("%s: the ReplicaSet controller may not create pods", minor)
		}
	}
	for version, want := range map[string]string{"": "1.37", "1.29": "1.29", "1.25": "1.29", "1.33": "1.33", "1.33.4": "1.33", "1.50": "1.37", "x": "1.37"} {
		if got := Minors[nearest(version)]; got != want {
			t.Errorf("version %q is taken as %s, want %s", version, got, want)
		}
	}
}

func TestPoliciesDoNotShare(t *testing.T) {
	extended := Of(load(t, objects), "1.34")
	plain := Of(load(t, ""), "1.34")
	asked := Attributes{Verb: "create", Group: "argoproj.io", Resource: "workflows"}
	if !extended.ClusterRole("edit").Allows(asked) || plain.ClusterRole("edit").Allows(asked) {
		t.Error("what one render adds to edit is seen in another")
	}
}

func TestRefused(t *testing.T) {
	view := load(t, strings.ReplaceAll(objects, "kind: ClusterRole, name: paths", "kind: Role, name: paths"))
	var refused []string
	for b := range ClusterRoleBindings.In(view) {
		for _, r := range RefusedClusterRoleBinding(b.Value) {
			refused = append(refused, b.Key.Name+" "+r.Path.String())
		}
	}
	slices.Sort(refused)
	if want := []string{"paths roleRef.kind", "refused subjects[1].namespace"}; !slices.Equal(refused, want) {
		t.Errorf("refused: %q, want %q", refused, want)
	}
}

func BenchmarkAllowed(b *testing.B) {
	found, err := manifest.Parse("test.yaml", []byte(objects))
	if err != nil {
		b.Fatal(err)
	}
	inv, err := inventory.New(found)
	if err != nil {
		b.Fatal(err)
	}
	policy := Of(inv.View(), "")
	for b.Loop() {
		policy.Allowed(ServiceAccount("a", "worker"), Attributes{Verb: "get", Resource: "pods", Namespace: "a"})
	}
}
