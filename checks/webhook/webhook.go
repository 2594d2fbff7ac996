// Package webhook checks what the API server calls: admission and conversion
// webhooks and aggregated APIs, from the configuration through Service, port
// and pod to the certificate.
package webhook

import (
	"encoding/base64"
	"fmt"
	"iter"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// Checks of the family.
var Checks = []*checks.Check{
	danglingService,
	portNotOffered,
	noPodBehind,
	danglingCASource,
	noCABundle,
	caDoesNotSign,
	certificateForOtherName,
	certificateNotServed,
	danglingIssuer,
	blocksItsPods,
	selectsNoNamespace,
}

// clientService is how every kind that the API server calls names a Service.
type clientService struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Port      *int32 `json:"port"`
}

// port is the one that the API server connects to.
func (s *clientService) port() int32 {
	if s.Port == nil {
		return 443
	}
	return *s.Port
}

func (s *clientService) String() string { return "Service " + s.Namespace + "/" + s.Name }

// An admissionHook is one webhook of a configuration of either kind.
type admissionHook struct {
	Name         string `json:"name"`
	ClientConfig struct {
		URL      string         `json:"url"`
		Service  *clientService `json:"service"`
		CABundle string         `json:"caBundle"`
	} `json:"clientConfig"`
	Rules             []admissionv1.RuleWithOperations `json:"rules"`
	FailurePolicy     string                           `json:"failurePolicy"`
	NamespaceSelector *metav1.LabelSelector            `json:"namespaceSelector"`
	ObjectSelector    *metav1.LabelSelector            `json:"objectSelector"`
	MatchConditions   []admissionv1.MatchCondition     `json:"matchConditions"`
}

type configuration struct {
	Webhooks []admissionHook `json:"webhooks"`
}

type definition struct {
	Spec struct {
		Conversion struct {
			Strategy string `json:"strategy"`
			Webhook  struct {
				ClientConfig struct {
					Service  *clientService `json:"service"`
					CABundle string         `json:"caBundle"`
				} `json:"clientConfig"`
			} `json:"webhook"`
		} `json:"conversion"`
	} `json:"spec"`
}

type apiService struct {
	Spec struct {
		Service               *clientService `json:"service"`
		CABundle              string         `json:"caBundle"`
		InsecureSkipTLSVerify bool           `json:"insecureSkipTLSVerify"`
	} `json:"spec"`
}

var (
	mutating    = inventory.Kind[configuration]{Group: "admissionregistration.k8s.io", Name: "MutatingWebhookConfiguration"}
	validating  = inventory.Kind[configuration]{Group: "admissionregistration.k8s.io", Name: "ValidatingWebhookConfiguration"}
	definitions = inventory.Kind[definition]{Group: "apiextensions.k8s.io", Name: "CustomResourceDefinition"}
	apis        = inventory.Kind[apiService]{Group: "apiregistration.k8s.io", Name: "APIService"}

	namespaceKind = inventory.GroupKind{Kind: "Namespace"}
	serviceKind   = inventory.GroupKind{Kind: "Service"}
	secretKind    = inventory.GroupKind{Kind: "Secret"}
)

// A call is what the API server is told to call.
type call struct {
	*inventory.Object
	what     string          // "webhook x of MutatingWebhookConfiguration y"
	service  *clientService  // never nil
	client   inventory.Place // the clientConfig
	bundle   string
	effect   string         // what follows when it fails
	hook     *admissionHook // nil for other calls
	insecure bool
}

// serviceAt is a field of the reference to the Service.
func (c *call) serviceAt(field string) inventory.Place { return c.client.At("service", field) }

// trusted reports whether the call has a CA of its own. A bundle that holds
// white space alone is a placeholder.
func (c *call) trusted() bool {
	decoded, err := base64.StdEncoding.DecodeString(c.bundle)
	return c.bundle != "" && (err != nil || strings.TrimSpace(string(decoded)) != "")
}

// calls are all of a render, in its order. Calls by URL leave the cluster.
func calls(v *inventory.View) iter.Seq[*call] {
	return func(yield func(*call) bool) {
		for _, kind := range []inventory.Kind[configuration]{mutating, validating} {
			for o := range kind.In(v) {
				for i := range o.Value.Webhooks {
					hook := &o.Value.Webhooks[i]
					if hook.ClientConfig.Service == nil {
						continue
					}
					effect := "every request that it is for is refused"
					if hook.FailurePolicy == "Ignore" {
						effect = "every request that it is for passes without it"
					}
					if !yield(&call{
						Object: o.Object, what: fmt.Sprintf("webhook %s of %s", hook.Name, o.Key), service: hook.ClientConfig.Service,
						client: o.At("webhooks", i, "clientConfig"), bundle: hook.ClientConfig.CABundle, effect: effect, hook: hook,
					}) {
						return
					}
				}
			}
		}
		for o := range definitions.In(v) {
			c := &o.Value.Spec.Conversion
			if c.Strategy != "Webhook" || c.Webhook.ClientConfig.Service == nil {
				continue
			}
			if !yield(&call{
				Object: o.Object, what: "the conversion of " + o.Key.String(), service: c.Webhook.ClientConfig.Service,
				client: o.At("spec", "conversion", "webhook", "clientConfig"), bundle: c.Webhook.ClientConfig.CABundle,
				effect: "objects of the kind can be neither read nor written in other versions than the stored one",
			}) {
				return
			}
		}
		for o := range apis.In(v) {
			if o.Value.Spec.Service == nil {
				continue
			}
			if !yield(&call{
				Object: o.Object, what: o.Key.String(), service: o.Value.Spec.Service,
				client: o.At("spec"), bundle: o.Value.Spec.CABundle, insecure: o.Value.Spec.InsecureSkipTLSVerify,
				effect: "the API group is unavailable, and namespaces cannot be deleted",
			}) {
				return
			}
		}
	}
}

// severity is an error, but for webhooks that may fail.
func (c *call) severity(f *checks.Finding) *checks.Finding {
	if c.hook != nil && c.hook.FailurePolicy == "Ignore" {
		return f.As(checks.Warning)
	}
	return f
}

// podsBehind are those that the Service of a call selects.
func podsBehind(n *reach.Network, c *call) []*reach.Peer {
	s, ok := n.Service(c.service.Namespace, c.service.Name)
	if !ok {
		return nil
	}
	return n.PodsOfService(s)
}

// each runs a function for every call; without any the check is not applicable.
func each(pass *checks.Pass, do func(*call)) {
	found := false
	for c := range calls(pass.Render) {
		found = true
		do(c)
	}
	if !found {
		pass.NotApplicable()
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
