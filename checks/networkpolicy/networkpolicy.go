// Package networkpolicy checks whether NetworkPolicies let through what the
// platform needs, and whether they do what they say.
//
// What the platform needs is derived from the render by package
// internal/reach/calls; whether the policies let it pass is answered by
// internal/reach. AdminNetworkPolicies and the policies of Calico and Cilium
// are not read.
package networkpolicy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

// Checks of the family.
var Checks = []*checks.Check{
	webhookBlocked,
	gatewayRouteBlocked,
	serviceCallBlocked,
	profileBlocked,
	istiodBlocked,
	knativeBlocked,
	externalUsersBlocked,
	metricsBlocked,
	dnsBlocked,
	apiServerBlocked,
	policyInOtherNamespace,
	misspelledPodSelector,
	misspelledPeer,
	portOfNoPod,
	rulesOfNoPolicyType,
}

// network reads the render's network for a check. It is false where there are
// no policies: the check has nothing to do.
func network(pass *checks.Pass) (*reach.Network, bool) {
	domain, _ := pass.Cluster.Domain()
	n := reach.New(pass.Render, reach.Options{Domain: domain})
	if len(n.Policies()) == 0 {
		pass.NotApplicable()
		return nil, false
	}
	return n, true
}

// A block is one place where policies stop calls.
type block struct {
	answer reach.Answer
	calls  []calls.Call
}

// blocks answers calls and groups those that are not let pass by the place
// where they should have been.
func blocks(n *reach.Network, list []calls.Call) []*block {
	type key struct {
		place   string
		verdict reach.Verdict
		minor   bool
	}
	var found []*block
	index := map[key]*block{}
	for _, call := range list {
		answer := n.Reach(call.From, call.To.Peer, call.To.Port)
		if answer.Verdict == reach.Allowed || answer.Policy == nil {
			continue
		}
		k := key{placeText(answer.Place), answer.Verdict, call.Minor}
		b := index[k]
		if b == nil {
			b = &block{answer: answer}
			index[k] = b
			found = append(found, b)
		}
		b.calls = append(b.calls, call)
	}
	return found
}

func placeText(p inventory.Place) string {
	if p.IsZero() {
		return ""
	}
	return p.Object.Key.String() + " " + p.Field()
}

// report reports what policies do to calls: one finding for each place.
func report(pass *checks.Pass, n *reach.Network, list []calls.Call) {
	for _, b := range blocks(n, list) {
		b.report(pass)
	}
}

// most is how many of the calls a finding names.
const most = 4

func (b *block) report(pass *checks.Pass) {
	policy := b.answer.Policy
	callers, targets := names(b.calls, caller), names(b.calls, target)
	if b.answer.Verdict == reach.Undecided {
		b.see(pass.Undecidedf(b.answer.Place, "whether %s lets %s reach %s is unknown: %s", policy.Key, callers, targets, b.answer.Why))
		return
	}
	f := pass.Reportf(b.answer.Place, "%s cannot reach %s because of %s: %s; then %s",
		callers, targets, policy.Key, b.answer.Why, b.calls[0].Effect)
	if b.calls[0].Minor {
		f.As(checks.Info)
	}
	b.see(f)
}

// see adds who calls, where that is written, and the other policies.
func (b *block) see(f *checks.Finding) {
	seen := map[string]bool{}
	for _, call := range b.calls {
		if len(seen) == most {
			break
		}
		if text := placeText(call.Place); text != "" && !seen[text+call.Because] {
			seen[text+call.Because] = true
			f.See(call.Place, "%s", call.Because)
		}
	}
	for _, call := range b.calls {
		if from := call.From; from.HostNetwork && !seen[from.Name] {
			seen[from.Name] = true
			f.See(from.Pod.At("spec", "hostNetwork"), "%s has the address of its node, which selectors do not match", from.Name)
		}
		to := call.To
		if text := placeText(to.Place); text != "" && !seen[text] && len(seen) < 2*most {
			seen[text] = true
			f.See(to.Place, "%s leads to %s on %s", call.Service, to.Peer.Name, to.Port)
		}
	}
	for _, policy := range b.answer.Isolating {
		if policy != b.answer.Policy {
			f.See(policy.At("spec", "podSelector"), "%s restricts the %s of the pod too", policy.Key, b.answer.Direction)
		}
	}
}

func caller(c calls.Call) string { return c.From.Name }

func target(c calls.Call) string { return fmt.Sprintf("%s on %s", c.To.Peer.Name, c.To.Port) }

// names lists who calls or is called, each once and not all of many.
func names(list []calls.Call, name func(calls.Call) string) string {
	var texts []string
	for _, call := range list {
		if text := name(call); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if more := len(texts) - most; more > 0 {
		texts = append(texts[:most], fmt.Sprintf("%d more", more))
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}
