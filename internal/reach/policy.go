package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Policy is a NetworkPolicy and the directions in which it isolates.
type Policy struct {
	inventory.Typed[networkingv1.NetworkPolicy]
	Ingress, Egress bool
}

// Selects reports whether the policy surely applies to a peer.
func (p *Policy) Selects(peer *Peer) bool { return p.selects(peer) == yes }

// MaySelect reports whether the policy may apply to a peer.
func (p *Policy) MaySelect(peer *Peer) bool { return p.selects(peer) != no }

func (p *Policy) selects(peer *Peer) truth {
	if !peer.IsPod() || peer.Namespace != p.Key.Namespace {
		return no
	}
	return match(&p.Value.Spec.PodSelector, peer.Labels)
}

// directions are those in which a policy isolates: what policyTypes says, or
// ingress, and egress where there are rules for it.
func directions(spec *networkingv1.NetworkPolicySpec) (ingress, egress bool) {
	if len(spec.PolicyTypes) == 0 {
		return true, len(spec.Egress) > 0
	}
	return slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress),
		slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
}

// A Direction is the side of a pod that a policy restricts.
type Direction string

const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// peersField is the field of a rule that lists peers.
func (d Direction) peersField() string {
	if d == Egress {
		return "to"
	}
	return "from"
}

func (p *Policy) isolates(d Direction) bool {
	if d == Egress {
		return p.Egress
	}
	return p.Ingress
}

// A Rule is one ingress or egress rule of a policy.
type Rule struct {
	Policy    *Policy
	Direction Direction
	Index     int
	Peers     []networkingv1.NetworkPolicyPeer
	Ports     []networkingv1.NetworkPolicyPort
}

// Rules are those of one direction. A policy that does not isolate in it has
// none in effect.
func (p *Policy) Rules(d Direction) []Rule {
	if !p.isolates(d) {
		return nil
	}
	return p.written(d)
}

// Written are the rules of one direction as they stand, in effect or not.
func (p *Policy) Written(d Direction) []Rule { return p.written(d) }

func (p *Policy) written(d Direction) []Rule {
	var rules []Rule
	if d == Egress {
		for i, r := range p.Value.Spec.Egress {
			rules = append(rules, Rule{p, d, i, r.To, r.Ports})
		}
		return rules
	}
	for i, r := range p.Value.Spec.Ingress {
		rules = append(rules, Rule{p, d, i, r.From, r.Ports})
	}
	return rules
}

// At names a field of the rule.
func (r Rule) At(steps ...any) inventory.Place {
	return r.Policy.At("spec", string(r.Direction), r.Index, inventory.MakePath(steps...))
}

// PeersAt names the rule's list of peers, and PeerAt a field of one of them.
func (r Rule) PeersAt() inventory.Place { return r.At(r.Direction.peersField()) }

// PeerAt names a field of one peer of the rule.
func (r Rule) PeerAt(i int, steps ...any) inventory.Place {
	return r.At(r.Direction.peersField(), i, inventory.MakePath(steps...))
}

// admitsPeer tells whether a rule names a peer. No list means everybody.
func (r Rule) admitsPeer(peer *Peer) truth {
	return r.admitsPeerIn(r.Policy.Key.Namespace, peer)
}

// admitsPeerIn is admitsPeer if the policy were in the given namespace.
func (r Rule) admitsPeerIn(namespace string, peer *Peer) truth {
	if len(r.Peers) == 0 {
		return yes
	}
	result := no
	for i := range r.Peers {
		result = max(result, matchPeer(&r.Peers[i], namespace, peer))
	}
	return result
}

func matchPeer(p *networkingv1.NetworkPolicyPeer, namespace string, peer *Peer) truth {
	if p.IPBlock != nil {
		return matchBlock(p.IPBlock, peer)
	}
	if !peer.IsPod() || p.PodSelector == nil && p.NamespaceSelector == nil {
		return no
	}
	result := yes
	if p.NamespaceSelector != nil {
		result = match(p.NamespaceSelector, peer.NamespaceLabels)
	} else {
		result = truthOf(peer.Namespace == namespace)
	}
	if p.PodSelector != nil {
		result = min(result, match(p.PodSelector, peer.Labels))
	}
	return result
}

// noUnicast are ranges from which neither pods nor nodes connect: an except
// of them changes nothing.
var noUnicast = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("2001:db8::/32"),
}

// contains reports whether one range holds all of another.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// matchBlock tells whether an ipBlock holds a peer. The API says that blocks
// are for addresses outside the cluster, but the addresses of pods count too
// where the network plugin sees them.
func matchBlock(block *networkingv1.IPBlock, peer *Peer) truth {
	cidr, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return maybe // the API server refuses it
	}
	cidr = cidr.Masked()
	var except []netip.Prefix
	for _, text := range block.Except {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return maybe
		}
		prefix = prefix.Masked()
		if !slices.ContainsFunc(noUnicast, func(none netip.Prefix) bool { return contains(none, prefix) }) || len(peer.Addresses) > 0 {
			except = append(except, prefix)
		}
	}
	if len(peer.Addresses) == 0 {
		switch {
		case slices.ContainsFunc(noUnicast, func(none netip.Prefix) bool { return contains(none, cidr) && cidr.Bits() > 0 }):
			return no
		case slices.ContainsFunc(except, func(e netip.Prefix) bool { return contains(e, cidr) }):
			return no
		case cidr.Bits() == 0 && cidr.Addr().Is4() && len(except) == 0:
			return yes
		}
		return maybe
	}
	var answers []truth
	for _, address := range peer.Addresses {
		answer := maybe
		switch {
		case !cidr.Overlaps(address):
			answer = no
		case slices.ContainsFunc(except, func(e netip.Prefix) bool { return contains(e, address) }):
			answer = no
		case contains(cidr, address) && !slices.ContainsFunc(except, address.Overlaps):
			answer = yes
		}
		answers = append(answers, answer)
	}
	return every(answers)
}

// admitsPort tells whether a rule names a port of a destination. No list means
// every port.
func (r Rule) admitsPort(to *Peer, port Port) truth {
	if len(r.Ports) == 0 {
		return yes
	}
	if len(port.Numbers) == 0 {
		for i := range r.Ports {
			if protocolOf(&r.Ports[i]) == port.protocol() {
				if r.Ports[i].Port == nil {
					return yes
				}
				return maybe
			}
		}
		return no
	}
	var answers []truth
	for _, number := range port.Numbers {
		answer := no
		for i := range r.Ports {
			answer = max(answer, matchPort(&r.Ports[i], to, number, port.protocol()))
		}
		answers = append(answers, answer)
	}
	return every(answers)
}

func protocolOf(p *networkingv1.NetworkPolicyPort) corev1.Protocol {
	if p.Protocol == nil || *p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return *p.Protocol
}

func matchPort(p *networkingv1.NetworkPolicyPort, to *Peer, number int32, protocol corev1.Protocol) truth {
	if protocolOf(p) != protocol {
		return no
	}
	switch {
	case p.Port == nil:
		return yes
	case p.Port.Type == intstr.Int && p.EndPort != nil:
		return truthOf(p.Port.IntVal <= number && number <= *p.EndPort)
	case p.Port.Type == intstr.Int:
		return truthOf(p.Port.IntVal == number)
	case !to.IsPod():
		return no // only pods have names for ports
	}
	result := no
	if to.OpenPorts {
		result = maybe
	}
	for _, declared := range to.Ports {
		if declared.Name == p.Port.StrVal && protocolOfPort(declared) == protocol {
			result = max(result, truthOf(declared.ContainerPort == number))
		}
	}
	return result
}

func protocolOfPort(p corev1.ContainerPort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}

// PortText writes a port of a rule: "TCP 8443", "TCP 8000-8080", "TCP https".
func PortText(p *networkingv1.NetworkPolicyPort) string {
	text := string(protocolOf(p))
	if p.Port == nil {
		return text
	}
	text += " " + p.Port.String()
	if p.EndPort != nil {
		text += fmt.Sprintf("-%d", *p.EndPort)
	}
	return text
}

func portsText(ports []networkingv1.NetworkPolicyPort) string {
	var list []string
	for i := range ports {
		list = append(list, PortText(&ports[i]))
	}
	return strings.Join(list, ", ")
}
