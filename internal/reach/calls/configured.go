package calls

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// Configured are the calls that objects ask other programs to make: Istio's
// external authorization, the keys of RequestAuthentications and
// metacontroller's hooks.
func Configured(n *reach.Network) []Call {
	var calls []Call
	calls = append(calls, extAuthz(n)...)
	calls = append(calls, jwks(n)...)
	calls = append(calls, hooks(n)...)
	return distinct(calls)
}

// A meshConfig is the part of Istio's that names Services.
type meshConfig struct {
	DefaultConfig struct {
		DiscoveryAddress string `yaml:"discoveryAddress"`
	} `yaml:"defaultConfig"`
	RootNamespace      string `yaml:"rootNamespace"`
	ExtensionProviders []struct {
		Name string        `yaml:"name"`
		HTTP *authProvider `yaml:"envoyExtAuthzHttp"`
		GRPC *authProvider `yaml:"envoyExtAuthzGrpc"`
	} `yaml:"extensionProviders"`
}

type authProvider struct {
	Service string `yaml:"service"`
	Port    int32  `yaml:"port"`
}

// meshes yields the mesh configurations of the render: the ConfigMap istio of
// istiod's namespace, one per revision.
func meshes(n *reach.Network, use func(cm inventory.Typed[corev1.ConfigMap], doc *inventory.Document, mesh *meshConfig)) {
	for cm := range configMaps.In(n.View()) {
		if cm.Key.Name != "istio" && !strings.HasPrefix(cm.Key.Name, "istio-") || cm.Value.Data["mesh"] == "" {
			continue
		}
		doc, err := cm.At("data", "mesh").Document()
		if err != nil {
			continue // who checks the mesh says so
		}
		mesh := &meshConfig{}
		if doc.Decode(mesh) == nil {
			use(cm, doc, mesh)
		}
	}
}

type authorizationPolicy struct {
	Spec struct {
		Action   string `json:"action"`
		Provider struct {
			Name string `json:"name"`
		} `json:"provider"`
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
	} `json:"spec"`
}

var authorizationPolicies = inventory.Kind[authorizationPolicy]{Group: "security.istio.io", Name: "AuthorizationPolicy"}

// extAuthz are the calls of proxies to the external authorizers that a CUSTOM
// policy names.
func extAuthz(n *reach.Network) []Call {
	var calls []Call
	meshes(n, func(cm inventory.Typed[corev1.ConfigMap], doc *inventory.Document, mesh *meshConfig) {
		for i, provider := range mesh.ExtensionProviders {
			field, to := "envoyExtAuthzHttp", provider.HTTP
			if to == nil {
				field, to = "envoyExtAuthzGrpc", provider.GRPC
			}
			if to == nil {
				continue
			}
			host := to.Service[strings.IndexByte(to.Service, '/')+1:] // namespace/host is allowed
			s, ok := n.Lookup(host, cm.Key.Namespace)
			if !ok {
				continue
			}
			for policy := range authorizationPolicies.In(n.View()) {
				if policy.Value.Spec.Action != "CUSTOM" || policy.Value.Spec.Provider.Name != provider.Name {
					continue
				}
				root := mesh.RootNamespace
				if root == "" {
					root = cm.Key.Namespace
				}
				calls = append(calls, toService(n, proxied(n, policy.Key.Namespace, root, policy.Value.Spec.Selector.MatchLabels), s, to.Port, Call{
					Place:   doc.At("extensionProviders", i, field, "service"),
					Because: fmt.Sprintf("%s asks extension provider %s of %s", policy.Key, provider.Name, cm.Key),
					Effect:  "every request that the policy covers is refused",
				})...)
			}
		}
	})
	return calls
}

// proxied are the pods with a proxy that a policy of a namespace selects; one
// in the root namespace selects in all.
func proxied(n *reach.Network, namespace, root string, matchLabels map[string]string) []*reach.Peer {
	var pods []*reach.Peer
	for _, pod := range n.Pods() {
		if (pod.Namespace == namespace || namespace == root) && HasProxy(pod) && labels.SelectorFromSet(matchLabels).Matches(pod.Labels.Set) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// HasProxy reports whether Istio's proxy runs in a pod: as a sidecar or as a
// gateway.
func HasProxy(pod *reach.Peer) bool {
	if pod.Pod == nil {
		return false
	}
	if pod.Pod.HasSidecar() {
		return true
	}
	for _, c := range pod.Pod.Spec.Containers {
		if c.Name == "istio-proxy" {
			return true
		}
	}
	return false
}

type requestAuthentication struct {
	Spec struct {
		JWTRules []struct {
			Issuer  string `json:"issuer"`
			JwksURI string `json:"jwksUri"`
			Jwks    string `json:"jwks"`
		} `json:"jwtRules"`
	} `json:"spec"`
}

var requestAuthentications = inventory.Kind[requestAuthentication]{Group: "security.istio.io", Name: "RequestAuthentication"}

// control are the pods of istiod: those behind the mesh's discovery address.
func control(n *reach.Network) []*reach.Peer {
	var pods []*reach.Peer
	seen := map[*reach.Peer]bool{}
	for _, s := range n.Services() {
		if s.Value.Spec.Selector["app"] != "istiod" {
			continue
		}
		for _, pod := range n.PodsOfService(s) {
			if !seen[pod] {
				seen[pod] = true
				pods = append(pods, pod)
			}
		}
	}
	return pods
}

// jwks are istiod's calls to the issuers of tokens, for their keys. Without a
// jwksUri it asks the issuer's discovery document.
func jwks(n *reach.Network) []Call {
	var calls []Call
	from := control(n)
	if len(from) == 0 {
		return nil
	}
	for ra := range requestAuthentications.In(n.View()) {
		for i, rule := range ra.Value.Spec.JWTRules {
			field, text := "jwksUri", rule.JwksURI
			if text == "" {
				field, text = "issuer", rule.Issuer
			}
			if rule.Jwks != "" {
				continue
			}
			s, port, ok := serviceOf(n, text, from[0].Namespace)
			if !ok {
				continue
			}
			calls = append(calls, toService(n, from, s, port, Call{
				Place:   ra.At("spec", "jwtRules", i, field),
				Because: fmt.Sprintf("istiod gets the keys of %s from %s", ra.Key, text),
				Effect:  "every token of the issuer is refused",
			})...)
		}
	}
	return calls
}

// serviceOf finds the Service that a URL leads to.
func serviceOf(n *reach.Network, text, namespace string) (s inventory.Typed[corev1.Service], port int32, ok bool) {
	found := addressesIn(text)
	if len(found) == 0 {
		return s, 0, false
	}
	s, ok = n.Lookup(found[0].host, namespace)
	return s, found[0].port, ok && found[0].port != 0
}

type hook struct {
	Webhook struct {
		URL     string         `json:"url"`
		Path    string         `json:"path"`
		Service *clientService `json:"service"`
	} `json:"webhook"`
}

type metaController struct {
	Spec struct {
		Hooks map[string]hook `json:"hooks"`
	} `json:"spec"`
}

var metaControllers = []inventory.Kind[metaController]{
	{Group: "metacontroller.k8s.io", Name: "DecoratorController"},
	{Group: "metacontroller.k8s.io", Name: "CompositeController"},
}

// hooks are metacontroller's calls to the programs that know what to make.
func hooks(n *reach.Network) []Call {
	var from []*reach.Peer
	for _, pod := range n.Pods() {
		if pod.Labels.Set["app"] == "metacontroller" || pod.Owner().Key.Name == "metacontroller" {
			from = append(from, pod)
		}
	}
	if len(from) == 0 {
		return nil
	}
	var calls []Call
	for _, kind := range metaControllers {
		for o := range kind.In(n.View()) {
			for _, name := range sortedKeys(o.Value.Spec.Hooks) {
				h := o.Value.Spec.Hooks[name].Webhook
				s, port, ok := serviceOf(n, h.URL, from[0].Namespace)
				place := o.At("spec", "hooks", name, "webhook", "url")
				if h.Service != nil {
					place = o.At("spec", "hooks", name, "webhook", "service")
					s, ok = n.Service(h.Service.Namespace, h.Service.Name)
					if port = 80; h.Service.Port != nil {
						port = *h.Service.Port
					}
				}
				if !ok {
					continue
				}
				calls = append(calls, toService(n, from, s, port, Call{
					Place:   place,
					Because: fmt.Sprintf("metacontroller calls it as the %s hook of %s", name, o.Key),
					Effect:  "what the controller should make in each namespace is not made",
				})...)
			}
		}
	}
	return calls
}

// readConfiguration are the calls of the pods of profiles that configuration
// asks for which programs read through the API server: nothing mounts it.
func readConfiguration(n *reach.Network) []Call {
	profiles := ProfilePods(n)
	if len(profiles) == 0 {
		return nil
	}
	var calls []Call
	for _, known := range kubeflow.ProfileConfiguration {
		for cm := range configMaps.In(n.View()) {
			if cm.Key.Name != known.ConfigMap {
				continue
			}
			text := setting{value: cm.Value.Data[known.Key], place: cm.At("data", known.Key), said: fmt.Sprintf("%s in %s", known.Key, cm.Key)}
			for _, f := range inText(n, text, "") {
				calls = append(calls, toService(n, profiles, f.service, f.port, Call{Place: f.place, Because: f.because, Effect: known.Effect})...)
			}
		}
	}
	return calls
}
