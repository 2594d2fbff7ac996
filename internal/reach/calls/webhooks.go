package calls

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// clientService is how every kind that the API server calls names a Service.
type clientService struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Port      *int32 `json:"port"`
}

type webhookConfiguration struct {
	Webhooks []struct {
		Name          string `json:"name"`
		FailurePolicy string `json:"failurePolicy"`
		ClientConfig  struct {
			Service *clientService `json:"service"`
		} `json:"clientConfig"`
	} `json:"webhooks"`
}

type apiService struct {
	Spec struct {
		Group   string         `json:"group"`
		Version string         `json:"version"`
		Service *clientService `json:"service"`
	} `json:"spec"`
}

type conversion struct {
	Spec struct {
		Conversion struct {
			Strategy string `json:"strategy"`
			Webhook  struct {
				ClientConfig struct {
					Service *clientService `json:"service"`
				} `json:"clientConfig"`
			} `json:"webhook"`
		} `json:"conversion"`
	} `json:"spec"`
}

var (
	validating = inventory.Kind[webhookConfiguration]{Group: "admissionregistration.k8s.io", Name: "ValidatingWebhookConfiguration"}
	mutating   = inventory.Kind[webhookConfiguration]{Group: "admissionregistration.k8s.io", Name: "MutatingWebhookConfiguration"}
	apiKind    = inventory.Kind[apiService]{Group: "apiregistration.k8s.io", Name: "APIService"}
	crdKind    = inventory.Kind[conversion]{Group: "apiextensions.k8s.io", Name: "CustomResourceDefinition"}
)

// Webhooks are the calls of the API server: admission webhooks, conversion
// webhooks of CRDs, and aggregated APIs.
func Webhooks(n *reach.Network) []Call {
	v := n.View()
	server := []*reach.Peer{n.APIServer()}
	var calls []Call
	add := func(place inventory.Place, ref *clientService, because, effect string) {
		if ref == nil {
			return
		}
		s, ok := n.Service(ref.Namespace, ref.Name)
		if !ok {
			return
		}
		port := int32(443)
		if ref.Port != nil {
			port = *ref.Port
		}
		calls = append(calls, toService(n, server, s, port, Call{Place: place, Because: because, Effect: effect})...)
	}
	for _, kind := range []inventory.Kind[webhookConfiguration]{mutating, validating} {
		for o := range kind.In(v) {
			for i, hook := range o.Value.Webhooks {
				effect := "what it is called for is refused"
				if hook.FailurePolicy == "Ignore" {
					effect = "every request waits for it in vain and passes without it"
				}
				add(o.At("webhooks", i, "clientConfig", "service"), hook.ClientConfig.Service,
					fmt.Sprintf("%s calls it as %s", o.Key, hook.Name), effect)
			}
		}
	}
	for o := range crdKind.In(v) {
		if c := &o.Value.Spec.Conversion; c.Strategy == "Webhook" {
			add(o.At("spec", "conversion", "webhook", "clientConfig", "service"), c.Webhook.ClientConfig.Service,
				fmt.Sprintf("%s converts with it", o.Key), "objects of the kind can be neither read nor written in other versions than the stored one")
		}
	}
	for o := range apiKind.In(v) {
		add(o.At("spec", "service"), o.Value.Spec.Service,
			fmt.Sprintf("%s is served by it", o.Key), "the API group is unavailable, and namespaces cannot be deleted")
	}
	return calls
}
