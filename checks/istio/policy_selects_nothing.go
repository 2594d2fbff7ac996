package istio

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var policySelectsNothing = &checks.Check{
	ID:       "istio/policy-selects-nothing",
	Severity: checks.Warning,
	Doc: `policy of Istio selects no pod, but nearly does

It has no effect and nobody says so: an AuthorizationPolicy, PeerAuthentication,
RequestAuthentication, EnvoyFilter or Sidecar applies to pods of its own namespace
that its selector matches (from the root namespace, to those of all). It is
reported where pods of another namespace carry the labels, as those of the ingress
gateway in istio-system do for a policy in kubeflow, and where one label is
spelled nearly as a pod of the namespace has it.

Selectors that resemble nothing are left alone, for what is optional or installed
elsewhere. Policies of the login that miss the gateway are the oidc family's.`,
	Fix:   "Put the policy into the namespace of the pods, and write their labels as they carry them.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/type/workload-selector/", "https://istio.io/latest/docs/reference/config/analysis/ist0127/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, kind := range []struct {
			gk   inventory.GroupKind
			path inventory.Path
		}{
			{mesh.AuthorizationPolicyKind.GroupKind(), inventory.Path{"spec", "selector", "matchLabels"}},
			{mesh.PeerAuthenticationKind.GroupKind(), inventory.Path{"spec", "selector", "matchLabels"}},
			{mesh.RequestAuthenticationKind.GroupKind(), inventory.Path{"spec", "selector", "matchLabels"}},
			{mesh.EnvoyFilterKind.GroupKind(), inventory.Path{"spec", "workloadSelector", "labels"}},
			{mesh.SidecarKind.GroupKind(), inventory.Path{"spec", "workloadSelector", "labels"}},
		} {
			for o := range pass.Render.Of(kind.gk) {
				set := map[string]string{}
				for name, value := range o.Map(kind.path) {
					if s, ok := value.(string); ok {
						set[name] = s
					}
				}
				if len(set) > 0 {
					selects(pass, m, o, kind.path, set)
				}
			}
		}
	},
}

func selects(pass *checks.Pass, m *mesh.Mesh, o *inventory.Object, path inventory.Path, set map[string]string) {
	namespace := o.Key.Namespace
	if namespace == m.RootNamespace && o.Key.Kind != "Sidecar" && o.Key.Kind != "PeerAuthentication" {
		namespace = ""
	}
	if len(m.PodsMatching(namespace, set)) > 0 {
		return
	}
	login := o.Key.Kind == "RequestAuthentication" || o.String("spec", "action") == "CUSTOM" || o.Key.Kind == "EnvoyFilter"
	missed := func(pod *reach.Peer) bool { return !login || !mesh.IsGateway(pod) }
	elsewhere := slices.DeleteFunc(m.PodsMatching("", set), func(p *reach.Peer) bool { return !mesh.Proxied(p) || !missed(p) })
	if len(elsewhere) > 0 {
		pod := elsewhere[0]
		seeLabels(pass.Reportf(o.At("metadata", "namespace"), "%s selects no pod of namespace %s: %s, which carries the labels, is in %s", o.Key, o.Key.Namespace, pod.Name, pod.Namespace), elsewhere)
		return
	}
	for _, pod := range m.Net.Pods() {
		if namespace != "" && pod.Namespace != namespace || labels.SelectorFromSet(set).Matches(pod.Labels.Set) || !mesh.Proxied(pod) || !missed(pod) {
			continue
		}
		if at, said, ok := mesh.Slip(set, pod); ok && slipOfThePen(set, at, pod) {
			seeLabels(pass.Reportf(o.At(path, at), "%s selects no pod: %s", o.Key, said), []*reach.Peer{pod})
			return
		}
	}
}

// slipOfThePen holds back where a label has quite another value: the pod is
// another one.
func slipOfThePen(set map[string]string, at inventory.Path, pod *reach.Peer) bool {
	name := at[0].(string)
	actual, has := pod.Labels.Set[name]
	return !has || mesh.Alike(set[name], actual)
}
