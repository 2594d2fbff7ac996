package mesh

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

// RequestOf is a call as the policies of its target see it. It is false where
// no proxy stands before the target's port.
func (m *Mesh) RequestOf(c calls.Call) (Request, bool) {
	r := Request{From: c.From, To: c.To.Peer}
	if !Proxied(r.To) {
		return r, false
	}
	if len(c.To.Port.Numbers) == 1 {
		r.Port = c.To.Port.Numbers[0]
		if !Intercepted(r.To.Pod, r.Port) {
			return r, false
		}
	}
	service, port := ServicePort(c)
	number := r.Port
	if port != nil {
		r.TCP, number = TCPOnly(port), port.Port
	}
	switch {
	case !r.From.IsPod():
	case r.From.Pod == nil: // a pod that users start: its account is not known
		r.Unsure = true
		r.Namespace = r.From.Namespace
	case Captured(r.From.Pod, number):
		mode := ""
		if service != nil {
			mode, _ = m.ClientTLS(m.FQDN(service.Key.Namespace, service.Key.Name), r.From.Namespace, number)
		}
		if mode == "" || mode == "ISTIO_MUTUAL" || mode == "MUTUAL" {
			r.Principal = m.Principal(r.From)
			if r.Principal != "" {
				r.Namespace = r.From.Namespace
			}
		}
	}
	return r, true
}

// ServicePort is the Service and its port that a call goes through; nil where
// it goes to pods directly.
func ServicePort(c calls.Call) (*inventory.Object, *corev1.ServicePort) {
	o := c.To.Place.Object
	if o == nil || o.Key.Kind != "Service" || o.Key.Group != "" {
		return nil, nil
	}
	path := c.To.Place.Path
	if len(path) >= 3 && path[1] == "ports" {
		if i, ok := path[2].(int); ok {
			p := &corev1.ServicePort{Name: o.String("spec", "ports", i, "name")}
			if n, ok := o.Get("spec", "ports", i, "port").(int64); ok {
				p.Port = int32(n)
			}
			if protocol := o.String("spec", "ports", i, "appProtocol"); protocol != "" {
				p.AppProtocol = &protocol
			}
			return o, p
		}
	}
	return o, nil
}

// Explain finds where ALLOW policies should have let a request pass, and says
// what is in the way. The zero place means that no policy is for the pod in
// particular.
func (m *Mesh) Explain(r Request, by []inventory.Typed[AuthorizationPolicy]) (inventory.Place, string) {
	for _, p := range m.authorization {
		if p.Value.Action() != "ALLOW" || p.Value.Spec.Selector == nil || m.Matches(p, r) == No || len(p.Value.Spec.Rules) == 0 {
			continue
		}
		set := p.Value.Spec.Selector.MatchLabels
		if len(set) == 0 || len(m.PodsMatching(p.Key.Namespace, set)) > 0 {
			continue
		}
		if p.Key.Namespace == r.To.Namespace {
			if path, said, ok := Slip(set, r.To); ok {
				return p.At("spec", "selector", "matchLabels", path), fmt.Sprintf("%s would let it pass, but selects no pod: %s", p.Key, said)
			}
		} else if labels.SelectorFromSet(set).Matches(r.To.Labels.Set) {
			return p.At("metadata", "namespace"), fmt.Sprintf("%s would let it pass if it were in namespace %s", p.Key, r.To.Namespace)
		}
	}
	var own *inventory.Typed[AuthorizationPolicy]
	for i := range by {
		p := &by[i]
		if p.Key.Namespace == m.RootNamespace && len(p.Value.Spec.Selector.labels()) == 0 {
			continue
		}
		if own == nil || len(p.Value.Spec.Selector.labels()) > len(own.Value.Spec.Selector.labels()) {
			own = p
		}
	}
	if own == nil {
		return inventory.Place{}, fmt.Sprintf("no policy is for %s but %s", r.To.Name, by[0].Key)
	}
	if len(own.Value.Spec.Rules) == 0 {
		return own.At("spec"), fmt.Sprintf("%s has no rules, which lets nothing pass", own.Key)
	}
	return m.explainRules(*own, r)
}

// explainRules names the rule that comes nearest to letting a request pass.
func (m *Mesh) explainRules(p inventory.Typed[AuthorizationPolicy], r Request) (inventory.Place, string) {
	var place inventory.Place
	var said string
	best := -1
	offer := func(rank int, at inventory.Place, format string, args ...any) {
		if rank > best {
			best, place, said = rank, at, fmt.Sprintf(format, args...)
		}
	}
	who := "it comes as " + r.Principal
	if r.Principal == "" {
		who = "it comes without the identity of a proxy"
		if r.Unsure {
			who = "it comes from namespace " + r.Namespace
		}
	}
	for i := range p.Value.Spec.Rules {
		rule := &p.Value.Spec.Rules[i]
		withoutFrom, withoutTo := *rule, *rule
		withoutFrom.From, withoutTo.To = nil, nil
		for j := range rule.To {
			if m.ruleMatches(&withoutTo, r, false) != No {
				at := p.At("spec", "rules", i, "to", j, "operation")
				if r.TCP && len(rule.To[j].Operation.Ports)+len(rule.To[j].Operation.NotPorts) == 0 {
					offer(3, at, "its rule is for HTTP, which is not read on a port that is said to carry something else")
				} else {
					offer(3, at.At("ports"), "its rule is not for port %d of the pod", r.Port)
				}
			}
		}
		if len(rule.From) == 0 || m.ruleMatches(&withoutFrom, r, false) == No {
			continue
		}
		for j := range rule.From {
			list := rule.From[j].Source.Principals
			at := p.At("spec", "rules", i, "from", j, "source")
			if near := near.Words(r.Principal, list); r.Principal != "" && len(near) > 0 {
				k := slices.Index(list, near[0])
				offer(2, at.At("principals", k), "%s, and %s lets %s in", who, p.Key, near[0])
			}
			if namespaces := rule.From[j].Source.Namespaces; len(namespaces) == 1 && len(list) == 0 {
				offer(1, at.At("namespaces", 0), "%s, and %s lets namespace %s in", who, p.Key, namespaces[0])
			}
			if len(list) == 1 {
				offer(1, at.At("principals", 0), "%s, and %s lets %s in", who, p.Key, list[0])
			}
			offer(0, at, "%s, which no rule of %s lets in", who, p.Key)
		}
	}
	if best < 0 {
		return p.At("spec", "rules"), fmt.Sprintf("no rule of %s matches it", p.Key)
	}
	return place, said
}

// Slip reports whether labels fail to select a pod by one of them alone that
// looks like a misspelling: where below the labels, and what the pod has.
func Slip(set map[string]string, pod *reach.Peer) (path inventory.Path, said string, ok bool) {
	var wrong []string
	for name, value := range set {
		if pod.Labels.Set[name] != value {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) != 1 {
		return nil, "", false
	}
	name, value := wrong[0], set[wrong[0]]
	if actual, has := pod.Labels.Set[name]; has {
		if len(set) > 1 || Alike(value, actual) || strings.Contains(actual, value) || strings.Contains(value, actual) {
			return inventory.Path{name}, fmt.Sprintf("%s of %s is %q, not %q", name, pod.Name, actual, value), true
		}
		return nil, "", false
	}
	var keys []string
	for key, actual := range pod.Labels.Set {
		if actual == value {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, "", false
	}
	slices.Sort(keys)
	return inventory.Path{name}, fmt.Sprintf("%s carries %s=%s, not %s", pod.Name, keys[0], value, name), true
}

// Alike reports whether two values of a label differ by a slip of the pen.
func Alike(a, b string) bool {
	if reach.Similar(a, b) {
		return true
	}
	d := len(a) - len(b)
	return d >= -1 && d <= 1 && len(near.Words(a, []string{b})) > 0
}
