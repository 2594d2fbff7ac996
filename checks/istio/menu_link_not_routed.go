package istio

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var menuLinkNotRouted = &checks.Check{
	ID:       "istio/menu-link-not-routed",
	Severity: checks.Warning,
	Doc: `entry of the dashboard's menu leads to no route

Users see "Page not found", or the dashboard within itself: no VirtualService on
the dashboard's Gateway and host routes the path of the link, so that the
dashboard's own route, which takes every path, answers it. It happens when a
component is left out or its prefix changes, and when the dashboard gets a host of
its own while the other VirtualServices stay with *: Envoy takes the routes of the
most exact host alone.

Links to other sites are not looked at, nor are the dashboard's own pages.`,
	Fix:   "Correct the link, or add the VirtualService that routes it.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/central-dash/customize/", "kubeflow/kubeflow components/centraldashboard/app/clients/config-map"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for o := range pass.Render.Of(inventory.GroupKind{Kind: "ConfigMap"}) {
			if o.Key.Name != "centraldashboard-config" || o.String("data", "links") == "" {
				continue
			}
			doc, err := o.At("data", "links").Document()
			if err != nil {
				pass.Reportf(o.At("data", "links"), "the links in %s do not parse: %v", o.Key, err).As(checks.Error)
				continue
			}
			content, err := doc.Content()
			if err != nil {
				continue
			}
			dashboards := leadingTo(m, "centraldashboard", o.Key.Namespace)
			if len(dashboards) == 0 {
				continue
			}
			for _, list := range []string{"menuLinks", "quickLinks"} {
				value, _ := inventory.Lookup(content, inventory.Path{list})
				links(pass, m, doc, dashboards, value, inventory.Path{list})
			}
		}
	},
}

// leadingTo are the VirtualServices that lead to a Service with a route for all
// paths.
func leadingTo(m *mesh.Mesh, service, namespace string) []*mesh.VirtualService {
	var found []*mesh.VirtualService
	for _, vs := range m.VirtualServices {
		if slices.ContainsFunc(vs.Targets(), func(t mesh.Target) bool {
			return m.Resolve(t.Destination.Host, vs.Key.Namespace) == m.FQDN(namespace, service)
		}) && len(vs.Value.Spec.Gateways) > 0 && takes(vs, "/", false) {
			found = append(found, vs)
		}
	}
	return found
}

func links(pass *checks.Pass, m *mesh.Mesh, doc *inventory.Document, dashboards []*mesh.VirtualService, value any, at inventory.Path) {
	list, _ := value.([]any)
	for i, item := range list {
		entry, _ := item.(map[string]any)
		links(pass, m, doc, dashboards, entry["items"], at.Join(i, "items"))
		link, _ := entry["link"].(string)
		path, _, _ := strings.Cut(link, "#")
		path, _, _ = strings.Cut(path, "?")
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || slices.Contains([]string{"/", "/activity", "/manage-users", "/home"}, strings.TrimSuffix(path, "/")) || path == "/" {
			continue
		}
		for _, dashboard := range dashboards {
			for _, host := range dashboard.Value.Spec.Hosts {
				routed, other := routes(m, dashboards, dashboard, host, path)
				if routed {
					continue
				}
				f := pass.Reportf(doc.At(at.Join(i, "link")...), "the dashboard's link %s is routed by no VirtualService beside %s", link, dashboard.Key)
				if other != nil {
					f.Message += " on host " + host + ": " + other.Key.String() + " is for " + strings.Join(other.Value.Spec.Hosts, ", ")
					f.See(other.At("spec", "hosts"), "the host of the route")
				}
				f.See(dashboard.At("spec", "hosts"), "the dashboard's host")
			}
		}
	}
}

// routes reports whether a VirtualService other than the dashboard's routes a
// path on its Gateway and host. One of another host is returned, too.
func routes(m *mesh.Mesh, dashboards []*mesh.VirtualService, dashboard *mesh.VirtualService, host, path string) (bool, *mesh.VirtualService) {
	var other *mesh.VirtualService
	for _, vs := range m.VirtualServices {
		if !takes(vs, path, slices.Contains(dashboards, vs)) {
			continue
		}
		switch {
		case vs == dashboard || sharedHost(m, dashboard, vs):
			return true, nil
		case slices.ContainsFunc(m.BoundGateways(vs), func(g *mesh.Gateway) bool { return slices.Contains(m.BoundGateways(dashboard), g) }):
			// Both hosts are served: the other one's wildcard does not help.
			other = vs
		}
	}
	return false, other
}

// takes reports whether a VirtualService routes a path; a route for all paths
// of the dashboard itself does not count.
func takes(vs *mesh.VirtualService, path string, own bool) bool {
	for _, r := range vs.Value.Spec.HTTP {
		if len(r.Match) == 0 && !own {
			return true
		}
		for _, match := range r.Match {
			switch uri := match.URI; {
			case uri == nil || uri.Prefix == "/" || everything(uri.Regex):
				if !own {
					return true
				}
			case uri.Prefix != "" && strings.HasPrefix(path, uri.Prefix), uri.Exact != "" && uri.Exact == path, uri.Regex != "":
				return true
			}
		}
	}
	return false
}
