package networkpolicy

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var rulesOfNoPolicyType = &checks.Check{
	ID:       "networkpolicy/rules-of-no-policy-type",
	Severity: checks.Warning,
	Doc: `policy has rules that its policyTypes leave out

policyTypes says in which directions a policy has effect. Where it is given, rules
of a direction that it does not list are ignored: with policyTypes [Ingress] an
egress rule neither restricts nor opens anything. The API server takes it without
a word.

Where policyTypes is absent, ingress always counts, and egress where there are
rules for it.`,
	Fix:   "Add the direction to policyTypes, or drop its rules.",
	Refs:  []string{"https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/#NetworkPolicySpec"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		for _, policy := range n.Policies() {
			for _, d := range []reach.Direction{reach.Ingress, reach.Egress} {
				rules := policy.Written(d)
				if len(rules) == 0 || len(policy.Rules(d)) > 0 {
					continue
				}
				pass.Reportf(policy.At("spec", string(d)), "%s has %s rules without effect: policyTypes is %v", policy.Key, d, policy.Value.Spec.PolicyTypes).
					WithFix("Add %s to policyTypes, or drop the rules.", strings.ToUpper(string(d[:1]))+string(d[1:])).
					See(policy.At("spec", "policyTypes"), "the directions in which the policy has effect")
			}
		}
	},
}
