package istio

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var egressHidesHost = &checks.Check{
	ID:       "istio/egress-hides-host",
	Severity: checks.Error,
	Doc: `Sidecar keeps a host from a workload that calls it

The proxy does not know the Service: with REGISTRY_ONLY the call fails, and
otherwise it leaves in plaintext and without identity, so that STRICT mutual TLS
or an AuthorizationPolicy refuses it. The egress hosts of a Sidecar are
namespace/host; . is its own namespace, * is all. A Sidecar with a
workloadSelector counts before the namespace's one, and that before the root
namespace's.

Calls that pass as well without the mesh are left alone, and so are those to pods
that only the cluster knows: where the pipelines UI calls the pods of profiles,
egress needs */* or their namespaces.`,
	Fix:   "Add the host to the Sidecar's egress.",
	Refs:  []string{"kubeflow/manifests#3236", "https://istio.io/latest/docs/reference/config/networking/sidecar/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var sidecars []inventory.Typed[mesh.Sidecar]
		for s := range mesh.SidecarKind.In(pass.Render) {
			sidecars = append(sidecars, s)
		}
		if len(sidecars) == 0 {
			return
		}
		m := read(pass)
		var found []*denial
		for _, c := range slices.Concat(needed(m), calls.IntoProfiles(m.Net)) {
			if c.From.Pod == nil || !c.From.Pod.HasSidecar() {
				continue
			}
			s, ok := sidecarOf(m, sidecars, c.From)
			if !ok || len(s.Value.Spec.Egress) == 0 {
				continue
			}
			namespace, fqdn := c.To.Peer.Namespace, "*"
			if o, _ := mesh.ServicePort(c); o != nil {
				namespace, fqdn = o.Key.Namespace, m.FQDN(o.Key.Namespace, o.Key.Name)
			}
			if seen(s, namespace, fqdn) || !needsMesh(m, s, c) {
				continue
			}
			place := s.At("spec", "egress")
			if len(s.Value.Spec.Egress) == 1 {
				place = s.At("spec", "egress", 0, "hosts")
			}
			found = append(found, &denial{calls: []calls.Call{c}, place: place, why: namespace})
		}
		for _, d := range merged(found) {
			f := pass.Reportf(d.place, "%s cannot call %s: the egress of %s has no host of namespace %s for it",
				names(d.calls, func(c calls.Call) string { return c.From.Name }),
				names(d.calls, func(c calls.Call) string { return c.To.Peer.Name + " on " + fmt.Sprint(c.To.Port) }), d.place.Object.Key, d.why)
			for i, c := range d.calls {
				if i < 4 && c.Because != "" {
					f.See(c.Place, "%s", c.Because)
				}
			}
		}
	},
}

// sidecarOf finds the Sidecar that is for a pod.
func sidecarOf(m *mesh.Mesh, sidecars []inventory.Typed[mesh.Sidecar], pod *reach.Peer) (best inventory.Typed[mesh.Sidecar], ok bool) {
	rank := 0
	for _, s := range sidecars {
		set, r := s.Value.Spec.WorkloadSelector.Labels, 0
		switch {
		case s.Key.Namespace == pod.Namespace && len(set) > 0 && labels.SelectorFromSet(set).Matches(pod.Labels.Set):
			r = 3
		case s.Key.Namespace == pod.Namespace && len(set) == 0:
			r = 2
		case s.Key.Namespace == m.RootNamespace && len(set) == 0:
			r = 1
		}
		if r > rank {
			best, rank = s, r
		}
	}
	return best, rank > 0
}

// seen reports whether the egress of a Sidecar has a host of a namespace.
func seen(s inventory.Typed[mesh.Sidecar], namespace, fqdn string) bool {
	for _, e := range s.Value.Spec.Egress {
		for _, h := range e.Hosts {
			scope, host := mesh.SplitHost(h)
			if scope == "." {
				scope = s.Key.Namespace
			}
			if (scope == "*" || scope == namespace) && (fqdn == "*" || mesh.HostCovers(host, fqdn)) {
				return true
			}
		}
	}
	return false
}

// needsMesh reports whether a call fails when it leaves without the mesh.
func needsMesh(m *mesh.Mesh, s inventory.Typed[mesh.Sidecar], c calls.Call) bool {
	if p := s.Value.Spec.OutboundTrafficPolicy; p != nil && p.Mode == "REGISTRY_ONLY" {
		return true
	}
	r, ok := m.RequestOf(c)
	if !ok {
		// Nobody renders the pods of profiles: their policies let in whom the
		// profile controller names, by identity.
		return c.To.Peer.Pod == nil && c.To.Peer.IsPod()
	}
	if mode, _ := m.Accepts(r.To, r.Port); mode == "STRICT" {
		return true
	}
	r.Principal, r.Namespace, r.Unsure = "", "", false
	return m.Authorize(r).Allowed == mesh.No
}
