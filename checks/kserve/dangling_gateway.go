package kserve

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var danglingGateway = &checks.Check{
	ID:       "kserve/dangling-gateway",
	Severity: checks.Error,
	Doc: `KServe is told of a Gateway or Service that does not exist

Models stay "IngressNotConfigured" or answer with 404: KServe binds the
VirtualService of each InferenceService to ingressGateway and localGateway, as
namespace/name, and routes to localGatewayService (knativeLocalGatewayService in
later releases), a Service's name in full. With enableGatewayApi it is
kserveIngressGateway, of the Gateway API, that counts.

Where disableIstioVirtualHost or disableIngressCreation is set nothing is bound,
and where the default is RawDeployment only Ingresses are made: both are left
alone, as is kserveIngressGateway without enableGatewayApi, which upstream sets to
a Gateway that it does not have.`,
	Fix:   "Name Gateways and Services that the platform has.",
	Refs:  []string{"awslabs/kubeflow-manifests#266", "kserve/kserve#870", "kserve/kserve#1143", "kserve/kserve#928"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		o := configuration(pass.Render)
		c := ingress{}
		if o == nil || !read(o, "ingress", &c) {
			pass.NotApplicable()
			return
		}
		doc, err := o.At("data", "ingress").Document()
		if err != nil || c.DisableIngressCreation {
			return
		}
		domain, _ := pass.Cluster.Domain()
		m := mesh.New(pass.Render, domain)
		if c.EnableGatewayAPI {
			namespace, name, _ := strings.Cut(c.KserveIngressGateway, "/")
			kind := inventory.GroupKind{Group: "gateway.networking.k8s.io", Kind: "Gateway"}
			if c.KserveIngressGateway != "" && pass.Render.Get(kind, namespace, name) == nil {
				pass.Reportf(doc.At("kserveIngressGateway"), "ingress of %s names Gateway %s of the Gateway API, which does not exist", o.Key, c.KserveIngressGateway)
			}
		}
		if !serverless(defaultMode(o)) || c.DisableIstioVirtualHost {
			return
		}
		if len(m.Gateways) == 0 {
			pass.Undecidedf(doc.At("ingressGateway"), "ingress of %s names Gateway %s: the render has no Gateway", o.Key, c.IngressGateway)
			return
		}
		var all []string
		for _, g := range m.Gateways {
			all = append(all, g.Key.Namespace+"/"+g.Key.Name)
		}
		for _, field := range []struct{ name, text string }{{"ingressGateway", c.IngressGateway}, {"localGateway", c.LocalGateway}} {
			if field.text == "" {
				continue
			}
			namespace, name, ok := strings.Cut(field.text, "/")
			if !ok {
				pass.Reportf(doc.At(field.name), "%s of %s must be namespace/name, not %q%s", field.name, o.Key, field.text, near.Hint(field.text, all))
				continue
			}
			if m.Gateway(namespace, name) == nil {
				pass.Reportf(doc.At(field.name), "%s of %s names Gateway %s, which does not exist%s", field.name, o.Key, field.text, near.Hint(field.text, all))
			}
		}
		for _, field := range []struct{ name, text string }{{"localGatewayService", c.LocalGatewayService}, {"knativeLocalGatewayService", c.KnativeLocalGatewayService}} {
			localService(pass, m, o, doc.At(field.name), field.name, field.text, c.LocalGateway)
		}
	},
}

func localService(pass *checks.Pass, m *mesh.Mesh, o *inventory.Object, at inventory.Place, field, text, gateway string) {
	if text == "" {
		return
	}
	namespace, name, ok := m.SplitService(text)
	if !ok {
		if s, found := m.Net.Lookup(text, o.Key.Namespace); found {
			pass.Reportf(at, "%s of %s is %s, but Istio knows %s as %s only", field, o.Key, text, s.Key, m.FQDN(s.Key.Namespace, s.Key.Name))
		}
		return
	}
	s, ok := m.Net.Service(namespace, name)
	if !ok {
		if !m.KnowsNamespace(namespace) {
			return
		}
		var all []string
		for _, s := range m.Net.Services() {
			if s.Key.Namespace == namespace {
				all = append(all, s.Key.Name)
			}
		}
		pass.Reportf(at, "%s of %s names Service %s/%s, which does not exist%s", field, o.Key, namespace, name, near.Hint(name, all))
		return
	}
	ns, bare, _ := strings.Cut(gateway, "/")
	g := m.Gateway(ns, bare)
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
	pass.Reportf(at, "%s of %s names %s, which does not select the pods that serve %s", field, o.Key, s.Key, g.Key).
		See(g.At("spec", "selector"), "the Gateway's selector").See(s.At("spec", "selector"), "the Service's selector")
}
