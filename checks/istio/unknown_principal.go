package istio

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var unknownPrincipal = &checks.Check{
	ID:       "istio/unknown-principal",
	Severity: checks.Error,
	Doc: `AuthorizationPolicy names a caller that nobody is

The rule never matches, so that the caller that it means is denied, or one that
it should deny gets in. A principal is trust-domain/ns/namespace/sa/account,
without spiffe:// before it; the trust domain is the mesh's or cluster.local,
which always stands for it. It happens when accounts are renamed, when the
namespace of the ingress gateway changes, and when the account is the pod's name
or a user's.

Accounts and namespaces are those of the render, those that controllers make for
Profiles, and those of the cluster facts. Where the render does not hold the
namespace, or holds no account of it, the answer is undecided, and names with a
wildcard are matched against what there is only in their namespace.

Upstream names accounts of its own components alone.`,
	Fix:   "Name the ServiceAccount by which the caller's pods run, as cluster.local/ns/namespace/sa/account.",
	Refs:  []string{"kubeflow/manifests#2858", "kubeflow/pipelines#9774", "https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		accounts := map[string][]string{}
		for o := range pass.Render.LiveOf(inventory.GroupKind{Kind: "ServiceAccount"}) {
			accounts[o.Key.Namespace] = append(accounts[o.Key.Namespace], o.Key.Name)
		}
		for _, text := range pass.Cluster.ServiceAccounts {
			if namespace, name, ok := strings.Cut(text, "/"); ok {
				accounts[namespace] = append(accounts[namespace], name)
			}
		}
		for _, p := range m.AuthorizationPolicies() {
			for i, rule := range p.Value.Spec.Rules {
				for j, from := range rule.From {
					at := p.At("spec", "rules", i, "from", j, "source")
					for k, text := range from.Source.Principals {
						principal(pass, m, accounts, p.Object, at.At("principals", k), text)
					}
					for k, text := range from.Source.NotPrincipals {
						principal(pass, m, accounts, p.Object, at.At("notPrincipals", k), text)
					}
					for k, text := range from.Source.Namespaces {
						namespace(pass, m, p.Object, at.At("namespaces", k), text)
					}
					for k, text := range from.Source.NotNamespaces {
						namespace(pass, m, p.Object, at.At("notNamespaces", k), text)
					}
				}
				for j, w := range rule.When {
					for k, text := range w.Values {
						at := p.At("spec", "rules", i, "when", j, "values", k)
						switch w.Key {
						case "source.principal":
							principal(pass, m, accounts, p.Object, at, text)
						case "source.namespace":
							namespace(pass, m, p.Object, at, text)
						}
					}
				}
			}
		}
	},
}

func principal(pass *checks.Pass, m *mesh.Mesh, accounts map[string][]string, policy *inventory.Object, at inventory.Place, text string) {
	if text == "*" || text == "" {
		return
	}
	if bare, ok := strings.CutPrefix(text, "spiffe://"); ok {
		pass.Reportf(at, "%s names the principal %s: principals are written without spiffe://", policy.Key, text).WithFix("Write %s.", bare)
		return
	}
	parts := strings.Split(text, "/")
	wild := strings.Contains(text, "*")
	if len(parts) != 5 || parts[1] != "ns" || parts[3] != "sa" {
		if !wild {
			pass.Reportf(at, "%s names the principal %s, which is not of the form trust-domain/ns/namespace/sa/account", policy.Key, text)
		}
		return
	}
	domain, ns, account := parts[0], parts[2], parts[4]
	if !wild && domain != "cluster.local" && !slices.Contains(m.TrustDomains, domain) && m.Config != nil {
		pass.Reportf(at, "%s names the principal %s, but the trust domain of the mesh is %s", policy.Key, text, m.TrustDomains[0]).
			See(m.Config.At("data", "mesh"), "the mesh's configuration")
		return
	}
	if strings.Contains(ns, "*") {
		return
	}
	if !knownNamespace(pass, m, ns) {
		unknownNamespace(pass, m, at, ns, fmt.Sprintf("%s names the principal %s", policy.Key, text))
		return
	}
	if _, known := pass.Cluster.HasServiceAccount(ns, account); account == "default" || len(rendered(accounts[ns])) == 0 && !known {
		return
	}
	if slices.ContainsFunc(accounts[ns], func(name string) bool { return mesh.Wildcard(account, name) }) {
		return
	}
	hint := near.Hint(account, accounts[ns])
	for other, list := range accounts {
		if hint == "" && slices.Contains(list, account) {
			hint = "; namespace " + other + " has it"
		}
	}
	pass.Reportf(at, "%s names the principal %s, but namespace %s has no ServiceAccount %s%s", policy.Key, text, ns, account, hint)
}

// rendered are accounts but for the one that every namespace has.
func rendered(accounts []string) []string {
	return slices.DeleteFunc(slices.Clone(accounts), func(name string) bool { return name == "default" })
}

func namespace(pass *checks.Pass, m *mesh.Mesh, policy *inventory.Object, at inventory.Place, text string) {
	if strings.Contains(text, "*") || knownNamespace(pass, m, text) {
		return
	}
	unknownNamespace(pass, m, at, text, fmt.Sprintf("%s names the namespace %s", policy.Key, text))
}

func knownNamespace(pass *checks.Pass, m *mesh.Mesh, name string) bool {
	has, _ := pass.Cluster.HasNamespace(name)
	return has || m.KnowsNamespace(name) || len(m.Net.PodsIn(name)) > 0
}

// unknownNamespace reports a namespace that is spelled nearly as one of the
// render; any other may exist in the cluster.
func unknownNamespace(pass *checks.Pass, m *mesh.Mesh, at inventory.Place, name, said string) {
	var known []string
	for o := range pass.Render.LiveOf(inventory.GroupKind{Kind: "Namespace"}) {
		known = append(known, o.Key.Name)
	}
	if hint := near.Hint(name, known); hint != "" {
		pass.Reportf(at, "%s, and there is no namespace %s%s", said, name, hint)
		return
	}
	if _, complete := pass.Cluster.HasNamespace(name); complete {
		pass.Reportf(at, "%s, and there is no namespace %s", said, name)
		return
	}
	pass.Undecidedf(at, "%s, and the render has no namespace %s", said, name)
}
