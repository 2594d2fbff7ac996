package knative

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var danglingGateway = &checks.Check{
	ID:       "knative/dangling-gateway",
	Severity: checks.Error,
	Doc: `Knative is told of a Gateway or Service that does not exist

Models never become ready ("IngressNotConfigured", "Waiting for load balancer to
be ready"), or answer with 404: net-istio binds its routes to the Gateways that
config-istio names and probes the Service beside each. Keys are
gateway.namespace.name and local-gateway.namespace.name, or the lists
external-gateways and local-gateways; without any of a sort it takes
knative-ingress-gateway and knative-local-gateway of Knative's own namespace.

Upstream names kubeflow/kubeflow-gateway and leaves the local one to its default,
which it renders.`,
	Fix:   "Name Gateways and Services that the platform has.",
	Refs:  []string{"awslabs/kubeflow-manifests#266", "https://knative.dev/docs/serving/setting-up-custom-ingress-gateway/", "https://github.com/knative-extensions/net-istio/blob/main/pkg/reconciler/ingress/config/istio.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		o := config(pass.Render, "config-istio")
		if o == nil {
			pass.NotApplicable()
			return
		}
		domain, _ := pass.Cluster.Domain()
		m := mesh.New(pass.Render, domain)
		var old, external, local bool
		for _, key := range keys(o) {
			for _, sort := range []string{"gateway.", "local-gateway."} {
				rest, ok := strings.CutPrefix(key, sort)
				if !ok {
					continue
				}
				old = true
				external, local = external || sort == "gateway.", local || sort != "gateway."
				namespace, name, ok := strings.Cut(rest, ".")
				if !ok {
					namespace, name = o.Key.Namespace, rest
				}
				named(pass, m, o.At("data", key), o, namespace, name, o.String("data", key))
			}
		}
		for _, key := range []string{"external-gateways", "local-gateways"} {
			text := o.String("data", key)
			if text == "" {
				continue
			}
			external, local = external || key == "external-gateways", local || key == "local-gateways"
			if old {
				pass.Reportf(o.At("data", key), "Knative refuses %s: %s cannot stand beside gateway. and local-gateway. keys", o.Key, key)
				continue
			}
			doc, err := o.At("data", key).Document()
			var list []struct {
				Namespace string `yaml:"namespace"`
				Name      string `yaml:"name"`
				Service   string `yaml:"service"`
			}
			if err == nil {
				err = doc.Decode(&list)
			}
			if err != nil {
				pass.Reportf(o.At("data", key), "Knative refuses %s of %s: %v", key, o.Key, err)
				continue
			}
			for i, g := range list {
				named(pass, m, doc.At(i, "name"), o, g.Namespace, g.Name, g.Service)
			}
		}
		if !external {
			byDefault(pass, m, o, "knative-ingress-gateway", "istio-ingressgateway")
		}
		if !local {
			byDefault(pass, m, o, "knative-local-gateway", "knative-local-gateway")
		}
	},
}

func named(pass *checks.Pass, m *mesh.Mesh, at inventory.Place, o *inventory.Object, namespace, name, service string) {
	if m.Gateway(namespace, name) == nil && len(m.Gateways) > 0 {
		var all []string
		for _, g := range m.Gateways {
			all = append(all, g.Key.Namespace+"/"+g.Key.Name)
		}
		pass.Reportf(at, "%s names Gateway %s/%s, which does not exist%s", o.Key, namespace, name, near.Hint(namespace+"/"+name, all))
	}
	fqdn := strings.TrimSuffix(service, ".")
	ns, bare, ok := m.SplitService(fqdn)
	if !ok {
		return
	}
	s, found := m.Service(fqdn)
	if !found {
		if m.KnowsNamespace(ns) {
			var all []string
			for _, s := range m.Net.Services() {
				if s.Key.Namespace == ns {
					all = append(all, s.Key.Name)
				}
			}
			pass.Reportf(at, "%s names Service %s/%s for Gateway %s/%s, which does not exist%s", o.Key, ns, bare, namespace, name, near.Hint(bare, all))
		}
		return
	}
	g := m.Gateway(namespace, name)
	if g == nil || len(g.Pods) == 0 {
		return
	}
	for _, pod := range m.Net.PodsOfService(s) {
		for _, p := range g.Pods {
			if p == pod {
				return
			}
		}
	}
	pass.Reportf(at, "%s names %s for %s, but it does not select the pods that serve the Gateway", o.Key, s.Key, g.Key).
		See(s.At("spec", "selector"), "the Service's selector").See(g.At("spec", "selector"), "the Gateway's selector")
}

func byDefault(pass *checks.Pass, m *mesh.Mesh, o *inventory.Object, gateway, service string) {
	if m.Gateway(o.Key.Namespace, gateway) == nil && len(m.Gateways) > 0 {
		pass.Reportf(o.At("data"), "%s leaves Gateway %s/%s to its default, and it does not exist", o.Key, o.Key.Namespace, gateway)
	} else if _, ok := m.Net.Service("istio-system", service); !ok && m.KnowsNamespace("istio-system") {
		pass.Reportf(o.At("data"), "%s leaves Service istio-system/%s of Gateway %s/%s to its default, and it does not exist", o.Key, service, o.Key.Namespace, gateway)
	}
}
