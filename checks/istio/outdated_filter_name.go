package istio

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

// outdated are the names of filters that Envoy gave up, and their present ones.
var outdated = map[string]string{
	"envoy.http_connection_manager": "envoy.filters.network.http_connection_manager",
	"envoy.tcp_proxy":               "envoy.filters.network.tcp_proxy",
	"envoy.router":                  "envoy.filters.http.router",
	"envoy.cors":                    "envoy.filters.http.cors",
	"envoy.fault":                   "envoy.filters.http.fault",
	"envoy.lua":                     "envoy.filters.http.lua",
	"envoy.ext_authz":               "envoy.filters.http.ext_authz",
	"envoy.filters.http.jwt_auth":   "envoy.filters.http.jwt_authn",
	"istio_authn":                   "",
	"jwt-auth":                      "envoy.filters.http.jwt_authn",
	"mixer":                         "",
}

var outdatedFilterName = &checks.Check{
	ID:       "istio/outdated-filter-name",
	Severity: checks.Warning,
	Doc: `EnvoyFilter matches a filter by a name that Envoy gave up

The patch may match nothing, and nobody says so: no login is asked for, or no
header is set. Filters are matched by the names that Istio gives them, which since
Istio 1.8 or so are those of envoy.filters; some versions still take the former
ones, so that this is a warning. A patch for a gateway that asks for the port of
its Service instead of the one on which the proxy listens (80 instead of 8080)
matches nothing either.

Kubeflow 1.8 ships such a name for its authn-filter, and login works with the Istio
of that release.`,
	Fix:   "Match the filter by its present name, and gateways by the port on which the proxy listens.",
	Refs:  []string{"kubeflow/manifests#2656", "kubeflow/manifests#1990", "kubeflow/kubeflow#5614", "https://istio.io/latest/news/releases/1.8.x/announcing-1.8/upgrade-notes/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for o := range mesh.EnvoyFilterKind.In(pass.Render) {
			for i, patch := range o.Value.Spec.ConfigPatches {
				at := o.At("spec", "configPatches", i, "match", "listener")
				filter := patch.Match.Listener.FilterChain.Filter
				if now, old := outdated[filter.Name]; old {
					named := pass.Reportf(at.At("filterChain", "filter", "name"), "%s matches the filter %s, which Envoy gave up%s", o.Key, filter.Name, presently(now))
					if now != "" {
						named.WithFix("Match %s.", now)
					}
				}
				if now, old := outdated[filter.SubFilter.Name]; old {
					pass.Reportf(at.At("filterChain", "filter", "subFilter", "name"), "%s matches the filter %s, which Envoy gave up%s", o.Key, filter.SubFilter.Name, presently(now))
				}
				port := patch.Match.Listener.PortNumber
				if port == 0 || !strings.EqualFold(patch.Match.Context, "GATEWAY") {
					continue
				}
				listening, known := false, false
				for _, g := range m.Gateways {
					for _, pod := range g.Pods {
						for _, server := range g.Value.Spec.Servers {
							number, _ := m.ListenerPort(pod, server.Port.Number)
							known, listening = true, listening || number == port
						}
					}
				}
				if known && !listening {
					pass.Reportf(at.At("portNumber"), "%s is for port %d of gateways, on which none of the render listens", o.Key, port)
				}
			}
		}
	},
}

func presently(name string) string {
	if name == "" {
		return ""
	}
	return ": it is called " + name
}
