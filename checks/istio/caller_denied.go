package istio

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var callerDenied = &checks.Check{
	ID:       "istio/caller-denied",
	Severity: checks.Error,
	Doc: `AuthorizationPolicy keeps out a caller that is needed

The caller gets "RBAC: access denied", or a reset connection where the port
carries no HTTP. One ALLOW policy for a workload, one in the root namespace
included, denies everything that no ALLOW policy for it lets pass; a policy with
spec: {} lets nothing pass. Callers are the gateways that route to a Service, the
workloads that are configured with its address, the pods of profiles, the API
server where it calls webhooks, and what components call by default.

A caller has an identity, principals and namespaces, only where it has a sidecar
or is a gateway and no DestinationRule turns mutual TLS off. Targets without
proxy, ports left out by annotation, and rules that depend on the request (paths,
methods, headers, tokens) are not judged, except that rules for HTTP let nothing
pass on a port that is said to carry something else.

Upstream denies everything in the root namespace and lets each workload's callers
in by a policy of its own: that is right. It also routes /kfam/ to profiles-kfam
without letting the gateway in; nothing takes that route, and it is information.`,
	Fix:   "Let the caller in by a rule of an ALLOW policy for the workload.",
	Refs:  []string{"kubeflow/pipelines#10757", "kubeflow/manifests#2858", "kubeflow/manifests#2795", "https://istio.io/latest/docs/concepts/security/#implicit-enablement"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		if len(m.AuthorizationPolicies()) == 0 {
			return
		}
		var found []*denial
		bare := map[string]map[string]bool{} // by policy, the workloads that have no policy of their own
		for _, c := range needed(m) {
			r, ok := m.RequestOf(c)
			if !ok {
				continue
			}
			verdict := m.Authorize(r)
			if verdict.Allowed != mesh.No {
				continue
			}
			d := &denial{calls: []calls.Call{c}, by: verdict.By}
			if verdict.Deny {
				d.place = verdict.By[0].At("spec", "rules", verdict.Rule)
				d.why = fmt.Sprintf("a rule of %s denies it", verdict.By[0].Key)
			} else {
				d.place, d.why = m.Explain(r, verdict.By)
			}
			if d.place.IsZero() {
				name := verdict.By[0].Key.String()
				if bare[name] == nil {
					bare[name] = map[string]bool{}
				}
				bare[name][c.To.Peer.Name] = true
			}
			found = append(found, d)
		}
		for _, d := range found {
			if d.place.IsZero() {
				// Where one or two workloads lack a policy, it is theirs that is
				// missing; where all do, the denial is what is too much.
				d.place = d.calls[0].To.Peer.Pod.At("metadata", "labels")
				if len(bare[d.by[0].Key.String()]) > 3 {
					d.place = d.by[0].At("spec")
				}
			}
		}
		for _, d := range merged(found) {
			f := pass.Reportf(d.place, "%s cannot call %s: %s", names(d.calls, func(c calls.Call) string { return c.From.Name }),
				names(d.calls, func(c calls.Call) string { return c.To.Peer.Name + " on " + c.To.Port.String() }), d.why)
			if effect := d.calls[0].Effect; d.calls[0].Minor && effect != "" {
				f.As(checks.Info)
			}
			for i, c := range d.calls {
				if i < 4 && c.Because != "" {
					f.See(c.Place, "%s", c.Because)
				}
			}
			for _, p := range d.by {
				if p.Object != d.place.Object {
					f.See(p.At("spec"), "%s is for the workload too", p.Key)
				}
			}
		}
	},
}

// needed are the calls that the platform makes, as far as the render tells.
func needed(m *mesh.Mesh) []calls.Call {
	n := m.Net
	return slices.Concat(calls.Routes(n), calls.Addresses(n), calls.Implied(n), calls.Configured(n), calls.Knative(n), calls.Webhooks(n), calls.FromProfiles(n))
}

// A denial is calls that policies refuse at one place.
type denial struct {
	calls []calls.Call
	by    []inventory.Typed[mesh.AuthorizationPolicy]
	place inventory.Place
	why   string
}

// merged puts the denials of one place and reason together; what nothing needs
// stays apart.
func merged(found []*denial) []*denial {
	var list []*denial
	index := map[string]*denial{}
	for _, d := range found {
		key := fmt.Sprint(d.place.Object.Key, d.place.Field(), d.why, d.calls[0].Minor)
		if first := index[key]; first != nil {
			first.calls = append(first.calls, d.calls...)
			continue
		}
		index[key] = d
		list = append(list, d)
	}
	return list
}

// names lists what calls have in common, each once and not all of many.
func names(list []calls.Call, name func(calls.Call) string) string {
	var texts []string
	for _, c := range list {
		if text := name(c); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if more := len(texts) - 4; more > 0 {
		texts = append(texts[:4], fmt.Sprintf("%d more", more))
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}
