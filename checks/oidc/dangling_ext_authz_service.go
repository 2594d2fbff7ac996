package oidc

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var danglingExtAuthzService = &checks.Check{
	ID:       "oidc/dangling-ext-authz-service",
	Severity: checks.Error,
	Doc: `external authorizer whose Service or port does not exist

Every page is answered with 403: the gateway asks an authorizer that is not
there. Istio looks the service of an extension provider up in its registry by
its full name, oauth2-proxy.oauth2-proxy.svc.cluster.local and not less, and by
a port that the Service has; the same goes for the cluster of an ext_authz
EnvoyFilter. A Service that selects no pod is as good as none.

Hosts that a ServiceEntry brings into the mesh are fine. A Service in a
namespace that the render does not have leaves the check undecided.`,
	Fix: "Name the Service in full, with one of its ports.",
	Refs: []string{
		"https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/",
		"https://github.com/istio/istio/blob/1.26.1/pilot/pkg/extensionproviders/lookup.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := login.Read(pass.Render)
		asked := 0
		seen := reported{}
		for _, p := range c.Policies {
			if p.Action != "CUSTOM" {
				continue
			}
			asked++
			provider := c.Mesh.Provider(p.Provider)
			if provider == nil || !provider.ExtAuthzHTTP && !provider.ExtAuthzGRPC || !seen.first(provider.Place, "") {
				continue
			}
			host := provider.Service.Value()
			if _, bare, ok := strings.Cut(host, "/"); ok {
				host = bare
			}
			at, portAt := provider.Place, provider.Place
			if provider.Service != nil {
				at, portAt = provider.Service.Place, provider.Service.Place
			}
			if provider.Port != nil {
				portAt = provider.Port.Place
			}
			checkAuthorizer(pass, c, host, provider.Port.Or(""), at, portAt, "the provider "+provider.Name, p.At("spec", "provider", "name"))
		}
		for _, f := range c.Filters {
			asked++
			if f.Host != "" {
				checkAuthorizer(pass, c, f.Host, f.Port, f.HostPlace, f.HostPlace, f.Object.Key.String(), inventory.Place{})
			}
		}
		if asked == 0 {
			pass.NotApplicable()
		}
	},
}

func checkAuthorizer(pass *checks.Pass, c *login.Chain, host, port string, at, portAt inventory.Place, who string, user inventory.Place) {
	if host == "" {
		pass.Reportf(at, "%s names no service", who).See(user, "the policy that asks it")
		return
	}
	if c.HasServiceEntry(host) {
		return
	}
	domain, given := pass.Cluster.Domain()
	t := c.Resolve(host, port, "")
	full := t.Name + "." + t.Namespace + ".svc." + domain
	switch {
	case t.Outside:
		pass.Reportf(at, "%s asks %s, which is no Service of the cluster and no ServiceEntry of the render", who, host).See(user, "the policy that asks it")
	case !strings.EqualFold(host, full):
		_, after, _ := strings.Cut(host, ".svc.")
		if after != "" && !given {
			pass.Undecidedf(at, "%s asks %s; whether the cluster's domain is %s is not known", who, host, after)
			return
		}
		pass.Reportf(at, "%s asks %s, but Istio knows Services by their full names only: %s", who, host, full).See(user, "the policy that asks it")
	case t.Unknown != "":
		pass.Undecidedf(at, "%s asks Service %s/%s: %s", who, t.Namespace, t.Name, t.Unknown)
	case t.Missing():
		pass.Reportf(at, "%s asks %s, but there is no Service %s/%s", who, host, t.Namespace, t.Name).See(user, "the policy that asks it")
	case t.ServicePort == nil:
		pass.Reportf(portAt, "%s asks port %q of %s, which has %s only", who, port, t.Service.Key, list(portsOf(t))).
			See(t.Service.At("spec", "ports"), "the ports of the Service")
	case !t.External && len(t.Pods) == 0:
		pass.Reportf(t.Service.At("spec", "selector"), "%s asks %s, which selects no pod of the render", who, t.Service.Key).
			See(at, "who asks it")
	}
}
