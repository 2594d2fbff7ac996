package mesh

import (
	"strconv"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// Accepts is the mode of mutual TLS that a pod's proxy accepts on a port of the
// pod, and where that is said: the most special of the PeerAuthentications for
// it, with PERMISSIVE where none says anything.
func (m *Mesh) Accepts(pod *reach.Peer, port int32) (mode string, place inventory.Place) {
	var mesh, namespace, workload *inventory.Typed[PeerAuthentication]
	for i := range m.peer {
		p := &m.peer[i]
		set := p.Value.Spec.Selector.labels()
		switch {
		case len(set) > 0:
			if p.Key.Namespace == pod.Namespace && labels.SelectorFromSet(set).Matches(pod.Labels.Set) && workload == nil {
				workload = p
			}
		case p.Key.Namespace == pod.Namespace && namespace == nil && p.Key.Namespace != m.RootNamespace:
			namespace = p
		case p.Key.Namespace == m.RootNamespace && mesh == nil:
			mesh = p
		}
	}
	if workload != nil {
		number := strconv.Itoa(int(port))
		if on, ok := workload.Value.Spec.PortLevelMTLS[number]; ok && set(on.Mode) {
			return on.Mode, workload.At("spec", "portLevelMtls", number, "mode")
		}
	}
	for _, p := range []*inventory.Typed[PeerAuthentication]{workload, namespace, mesh} {
		if p != nil && p.Value.Spec.MTLS != nil && set(p.Value.Spec.MTLS.Mode) {
			return p.Value.Spec.MTLS.Mode, p.At("spec", "mtls", "mode")
		}
	}
	return "PERMISSIVE", inventory.Place{}
}

func set(mode string) bool { return mode != "" && mode != "UNSET" }

// ClientTLS is how proxies encrypt calls to a port of a host by the
// DestinationRules, and where that is said. Empty is Istio's choice: mutual TLS
// where the other end has a proxy.
func (m *Mesh) ClientTLS(fqdn, from string, port int32) (mode string, place inventory.Place) {
	for _, r := range m.RulesFor(fqdn) {
		policy := r.Value.Spec.TrafficPolicy
		if !Exported(r.Value.Spec.ExportTo, r.Key.Namespace, from) || len(r.Value.Spec.WorkloadSelector.MatchLabels) > 0 {
			continue
		}
		if policy == nil {
			return "", inventory.Place{}
		}
		for i, on := range policy.PortLevelSettings {
			if on.Port.Number == port && on.TLS != nil {
				return on.TLS.Mode, r.At("spec", "trafficPolicy", "portLevelSettings", i, "tls", "mode")
			}
		}
		if policy.TLS != nil {
			return policy.TLS.Mode, r.At("spec", "trafficPolicy", "tls", "mode")
		}
		return "", inventory.Place{}
	}
	return "", inventory.Place{}
}
