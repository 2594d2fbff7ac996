package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Verdict is what the policies do to a connection.
type Verdict string

const (
	Allowed   Verdict = "allowed"
	Denied    Verdict = "denied"
	Undecided Verdict = "undecided"
)

// An Answer says whether a connection passes and, if it does not, why.
type Answer struct {
	Verdict Verdict
	// Direction is the side that does not let it pass, or does so only if.
	Direction Direction
	// Isolating are the policies that select the pod on that side.
	Isolating []*Policy
	// Place is where a policy should have let the connection pass: the
	// nearest rule, or what keeps a policy from applying. It is the zero
	// place where Verdict is Allowed.
	Place inventory.Place
	// Policy is that of the place.
	Policy *Policy
	// Why says what is in the way there, or on what the answer depends: "its
	// rule covers only TCP 8443".
	Why string
}

// Reach tells whether a connection passes. Both ends must let it.
func (n *Network) Reach(from, to *Peer, port Port) Answer {
	if from.Kubelet || to.Kubelet || from == to && from.single() {
		return Answer{Verdict: Allowed}
	}
	egress := n.side(Egress, from, to, to, port)
	ingress := n.side(Ingress, to, from, to, port)
	for _, verdict := range []Verdict{Denied, Undecided} {
		for _, answer := range []Answer{ingress, egress} {
			if answer.Verdict == verdict {
				return answer
			}
		}
	}
	return Answer{Verdict: Allowed}
}

// ReachIngress is the destination's side of Reach alone.
func (n *Network) ReachIngress(from, to *Peer, port Port) Answer {
	return n.side(Ingress, to, from, to, port)
}

// ReachEgress is the source's side of Reach alone.
func (n *Network) ReachEgress(from, to *Peer, port Port) Answer {
	return n.side(Egress, from, to, to, port)
}

// single reports whether no more than one such pod runs: a connection to
// itself then never leaves the pod.
func (p *Peer) single() bool {
	return p.Pod != nil && p.Pod.Replicas <= 1 && p.Pod.Owner.Key.Kind != "DaemonSet"
}

// Isolates reports whether some policy surely restricts a pod in a direction.
func (n *Network) Isolates(d Direction, peer *Peer) bool {
	for _, p := range n.inNS[peer.Namespace] {
		if p.isolates(d) && p.Selects(peer) {
			return true
		}
	}
	return false
}

// side evaluates one pod's policies in one direction against the other end.
func (n *Network) side(d Direction, pod, other, to *Peer, port Port) Answer {
	if !pod.IsPod() {
		return Answer{Verdict: Allowed}
	}
	var surely, perhaps []*Policy
	lets := no // what the policies that select the pod, surely or perhaps, allow
	letsAll := true
	for _, policy := range n.inNS[pod.Namespace] {
		if !policy.isolates(d) {
			continue
		}
		selected := policy.selects(pod)
		if selected == no {
			continue
		}
		allowed := no
		for _, rule := range policy.Rules(d) {
			allowed = max(allowed, min(rule.admitsPeer(other), rule.admitsPort(to, port)))
		}
		if selected == yes {
			surely = append(surely, policy)
		} else {
			perhaps = append(perhaps, policy)
		}
		letsAll = letsAll && allowed == yes
		lets = max(lets, min(selected, allowed))
	}
	switch {
	case len(surely)+len(perhaps) == 0 || lets == yes:
		return Answer{Verdict: Allowed}
	case len(surely) == 0 && letsAll:
		return Answer{Verdict: Allowed} // whichever of them apply, each lets it pass
	case len(surely) > 0 && lets == no:
		answer := n.nearest(d, pod, other, to, port, surely)
		answer.Verdict, answer.Direction, answer.Isolating = Denied, d, surely
		return answer
	}
	answer := n.depends(d, pod, other, to, port, surely, perhaps)
	answer.Verdict, answer.Direction, answer.Isolating = Undecided, d, slices.Concat(surely, perhaps)
	return answer
}

// depends finds what an undecided answer hangs on.
func (n *Network) depends(d Direction, pod, other, to *Peer, port Port, surely, perhaps []*Policy) Answer {
	for _, policy := range slices.Concat(surely, perhaps) {
		for _, rule := range policy.Rules(d) {
			peer, ports := rule.admitsPeer(other), rule.admitsPort(to, port)
			if min(peer, ports) != maybe {
				continue
			}
			if peer == maybe {
				for i := range rule.Peers {
					if matchPeer(&rule.Peers[i], policy.Key.Namespace, other) != maybe {
						continue
					}
					if block := rule.Peers[i].IPBlock; block != nil {
						return Answer{Policy: policy, Place: rule.PeerAt(i, "ipBlock"), Why: fmt.Sprintf("it depends on the address of %s: the rule admits %s", other.Name, blockText(block.CIDR, block.Except))}
					}
					return Answer{Policy: policy, Place: rule.PeerAt(i), Why: fmt.Sprintf("it depends on labels of %s that are not in the manifests", other.Name)}
				}
			}
			return Answer{Policy: policy, Place: rule.At("ports"), Why: fmt.Sprintf("it depends on the port on which %s listens: the rule covers %s", to.Name, portsText(rule.Ports))}
		}
	}
	for _, policy := range perhaps {
		return Answer{Policy: policy, Place: policy.At("spec", "podSelector"), Why: fmt.Sprintf("it depends on labels of %s that are not in the manifests", pod.Name)}
	}
	return Answer{Policy: surely[0], Place: surely[0].At("spec")}
}

func blockText(cidr string, except []string) string {
	if len(except) == 0 {
		return cidr
	}
	return cidr + " except " + strings.Join(except, ", ")
}

// A candidate is a place where a denied connection could have been let pass.
type candidate struct {
	answer  Answer
	rank    int // lower is closer
	breadth int // pods that the policy applies to: the more exact one was meant
}

// nearest finds where the user most probably meant to let a connection pass.
func (n *Network) nearest(d Direction, pod, other, to *Peer, port Port, isolating []*Policy) Answer {
	var candidates []candidate
	add := func(policy *Policy, rank, breadth int, place inventory.Place, why string, args ...any) {
		candidates = append(candidates, candidate{Answer{Policy: policy, Place: place, Why: fmt.Sprintf(why, args...)}, rank, breadth})
	}
	for _, policy := range n.policies {
		if slices.Contains(isolating, policy) {
			continue
		}
		lets := no
		for _, rule := range policy.written(d) {
			// As if it were where the pod is: that is what podSelectors mean.
			lets = max(lets, min(rule.admitsPeerIn(pod.Namespace, other), rule.admitsPort(to, port)))
		}
		if lets != yes {
			continue
		}
		selector := &policy.Value.Spec.PodSelector
		switch {
		case policy.Key.Namespace == pod.Namespace && !policy.isolates(d) && policy.Selects(pod):
			add(policy, -2, 0, policy.At("spec", "policyTypes"), "its %s rules let the connection pass, but policyTypes leaves %s out", d, d)
		case n.selectsAny(policy):
			// It does its work elsewhere.
		case policy.Key.Namespace == pod.Namespace:
			if path, said, ok := misspelled(selector, pod.Labels); ok {
				add(policy, -2, 0, policy.At("spec", "podSelector", path), "it would let the connection pass, but selects no pod: %s", said)
			}
		case positive(selector) && match(selector, pod.Labels) == yes:
			add(policy, -1, 0, policy.At("metadata", "namespace"), "it would let the connection pass if it were in namespace %s", pod.Namespace)
		}
	}
	for _, policy := range isolating {
		breadth := n.breadth(policy)
		rules := policy.Rules(d)
		if len(rules) == 0 {
			place := policy.At("spec", string(d))
			if _, written := place.Value(); !written {
				place = policy.typesAt(d)
			}
			add(policy, 3, breadth, place, "it has no %s rule", d)
		}
		for _, rule := range rules {
			peer, ports := rule.admitsPeer(other), rule.admitsPort(to, port)
			at := "its"
			if len(rules) > 1 {
				at = fmt.Sprintf("its %s", ordinal(rule.Index))
			}
			switch {
			case peer != no && ports == no:
				place := rule.At("ports")
				if len(rule.Ports) == 1 {
					place = rule.At("ports", 0, "port")
				}
				add(policy, 0, breadth, place, "%s rule covers only %s", at, portsText(rule.Ports))
			case peer == no && ports != no:
				place, said, close := rule.closest(other)
				rank := 1
				if close {
					rank = 0
				}
				add(policy, rank, breadth, place, "%s rule %s", at, said)
			case peer == no:
				place, said, _ := rule.closest(other)
				add(policy, 4, breadth, place, "%s rule %s, and covers only %s", at, said, portsText(rule.Ports))
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(min(a.rank, 0), min(b.rank, 0)),
			cmp.Compare(a.breadth, b.breadth),
			cmp.Compare(a.rank, b.rank),
		)
	})
	return candidates[0].answer
}

// typesAt names the word of policyTypes that isolates, or the spec.
func (p *Policy) typesAt(d Direction) inventory.Place {
	for i, t := range p.Value.Spec.PolicyTypes {
		if strings.EqualFold(string(t), string(d)) {
			return p.At("spec", "policyTypes", i)
		}
	}
	return p.At("spec")
}

func (n *Network) breadth(policy *Policy) int {
	count := 0
	for _, pod := range n.byNS[policy.Key.Namespace] {
		if policy.MaySelect(pod) {
			count++
		}
	}
	return count
}

func (n *Network) selectsAny(policy *Policy) bool { return n.breadth(policy) > 0 }

func ordinal(i int) string {
	names := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%dth", i+1)
}

// closest finds the peer of a rule that comes nearest to admitting another,
// and says what is in the way. It reports whether that looks like a slip.
func (r Rule) closest(other *Peer) (place inventory.Place, said string, slip bool) {
	place = r.PeersAt()
	field := r.Direction.peersField()
	said = fmt.Sprintf("names no peer in %s that is %s", field, other.Name)
	if !other.IsPod() {
		said = fmt.Sprintf("names only pods in %s, and %s is none", field, other.Name)
		if other.HostNetwork {
			said = fmt.Sprintf("names only pods in %s, and %s has the address of its node (hostNetwork)", field, other.Name)
		}
		for i := range r.Peers {
			if block := r.Peers[i].IPBlock; block != nil {
				return r.PeerAt(i, "ipBlock"), fmt.Sprintf("admits only %s in %s", blockText(block.CIDR, block.Except), field), true
			}
		}
		return place, said, false
	}
	for i := range r.Peers {
		p := &r.Peers[i]
		for _, side := range []struct {
			name     string
			selector *metav1.LabelSelector
			l        Labels
			elsewise truth
		}{
			{"namespaceSelector", p.NamespaceSelector, other.NamespaceLabels, matchOptional(p.PodSelector, other.Labels)},
			{"podSelector", p.PodSelector, other.Labels, r.namespaceSide(i, other)},
		} {
			if side.selector == nil || side.elsewise == no {
				continue
			}
			if path, what, ok := misspelled(side.selector, side.l); ok {
				return r.PeerAt(i, side.name, path), fmt.Sprintf("does not admit %s: %s", other.Name, what), true
			}
		}
	}
	for i := range r.Peers {
		p := &r.Peers[i]
		if p.NamespaceSelector == nil || p.PodSelector == nil {
			continue
		}
		namespace, pod := match(p.NamespaceSelector, other.NamespaceLabels), match(p.PodSelector, other.Labels)
		switch {
		case namespace != no && pod == no:
			return r.PeerAt(i, "podSelector"), fmt.Sprintf("admits the namespace of %s, but not its labels", other.Name), true
		case namespace == no && pod != no && positive(p.PodSelector):
			return r.PeerAt(i, "namespaceSelector"), fmt.Sprintf("admits the labels of %s, but not its namespace", other.Name), true
		}
	}
	return place, said, false
}

func matchOptional(selector *metav1.LabelSelector, l Labels) truth {
	if selector == nil {
		return yes
	}
	return match(selector, l)
}

func (r Rule) namespaceSide(i int, other *Peer) truth {
	if selector := r.Peers[i].NamespaceSelector; selector != nil {
		return match(selector, other.NamespaceLabels)
	}
	return truthOf(other.Namespace == r.Policy.Key.Namespace)
}

// misspelled reports whether a selector fails only by a condition that looks
// like a misspelling of what the labels have, where that stands below the
// selector and what it is.
func misspelled(selector *metav1.LabelSelector, l Labels) (path inventory.Path, said string, ok bool) {
	for _, r := range requirementsOf(selector) {
		if r.match(l) != no {
			continue
		}
		if ok {
			return nil, "", false // two conditions fail: not a slip of the pen
		}
		path, said, ok = r.misspelled(l)
		if !ok {
			return nil, "", false
		}
	}
	return path, said, ok
}

// Misspelled reports whether a selector fails to match labels only by one
// condition that looks like a misspelling of what they have: where that stands
// below the selector, and what the difference is.
func Misspelled(selector *metav1.LabelSelector, l Labels) (path inventory.Path, said string, ok bool) {
	return misspelled(selector, l)
}

// Match reports whether a selector surely matches labels, and whether it may.
func Match(selector *metav1.LabelSelector, l Labels) (surely, perhaps bool) {
	t := match(selector, l)
	return t == yes, t != no
}

// Positive reports whether a selector asks for some label, rather than taking
// everything or everything but something.
func Positive(selector *metav1.LabelSelector) bool { return positive(selector) }

// Admits reports whether a rule surely names a peer.
func (r Rule) Admits(peer *Peer) bool { return r.admitsPeer(peer) == yes }

func (r requirement) misspelled(l Labels) (inventory.Path, string, bool) {
	if r.operator != metav1.LabelSelectorOpIn {
		return nil, "", false
	}
	if actual, set := l.Set[r.key]; set {
		for i, value := range r.values {
			if Similar(value, actual) {
				return r.valuePath(i), fmt.Sprintf("%s is %q there, not %q", r.key, actual, value), true
			}
		}
		return nil, "", false
	}
	for _, key := range sortedKeys(l.Set) {
		if slices.Contains(r.values, l.Set[key]) && (Similar(r.key, key) || unprefixed(r.key) == unprefixed(key)) {
			return r.keyPath(), fmt.Sprintf("the label is called %s there, not %s", key, r.key), true
		}
	}
	return nil, "", false
}

// unprefixed is the name of a label without its domain. The name that each
// namespace carries was called name by hand before the API server set it.
func unprefixed(key string) string {
	return strings.TrimPrefix(key[strings.LastIndexByte(key, '/')+1:], "metadata.")
}
