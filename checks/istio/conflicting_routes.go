package istio

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var conflictingRoutes = &checks.Check{
	ID:       "istio/conflicting-routes",
	Severity: checks.Error,
	Doc: `two VirtualServices route the same requests to different places

Only one of the routes is taken. Istiod puts together the VirtualServices of one
host on one Gateway, the older first: which one wins changes when one of them is
created anew. Two routes for all paths conflict in the same way, as two
dashboards do; a route for all paths beside ones with a path does not, because it
is tried last.

Where one path begins with the other, so that it depends on their age whether the
longer one is ever taken, it is a warning. Routes that lead to the same place are
left alone, and so are routes under different conditions.`,
	Fix:   "Keep one of the routes, or put both into one VirtualService in the order wanted.",
	Refs:  []string{"istio/istio#10464", "https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for n, b := range m.VirtualServices {
			for _, a := range m.VirtualServices[:n] {
				if !sharedHost(m, a, b) {
					continue
				}
				conflicts(pass, a, b)
			}
		}
	},
}

// sharedHost reports whether two VirtualServices have a host in common on one
// Gateway: the very host, as one with a wildcard makes a place of its own.
func sharedHost(m *mesh.Mesh, a, b *mesh.VirtualService) bool {
	shared := false
	for _, x := range a.Value.Spec.Gateways {
		for _, y := range b.Value.Spec.Gateways {
			ns1, name1 := a.GatewayName(x)
			ns2, name2 := b.GatewayName(y)
			shared = shared || ns1 == ns2 && name1 == name2 && ns1 != ""
		}
	}
	return shared && slices.ContainsFunc(a.Value.Spec.Hosts, func(h string) bool {
		return slices.ContainsFunc(b.Value.Spec.Hosts, func(other string) bool {
			return m.Resolve(h, a.Key.Namespace) == m.Resolve(other, b.Key.Namespace)
		})
	})
}

func conflicts(pass *checks.Pass, a, b *mesh.VirtualService) {
	for i := range b.Value.Spec.HTTP {
		for j := range a.Value.Spec.HTTP {
			one, two := a.Value.Spec.HTTP[j].Match, b.Value.Spec.HTTP[i].Match
			forth, back := covers(one, two), covers(two, one)
			if !forth && !back || same(a.Object, j, b.Object, i) {
				continue
			}
			if forth && back {
				a, b, j, i := a, b, j, i
				if named(b, i) && !named(a, j) {
					a, b, j, i = b, a, i, j
				}
				pass.Reportf(matchPlace(b, i), "%s of %s is for the same requests as %s of %s: the older one takes them", routeText(b, i), b.Key, routeText(a, j), a.Key).
					See(matchPlace(a, j), "the other route")
				continue
			}
			if catchAll(one) || catchAll(two) {
				continue // tried last, whichever is older
			}
			wide, narrow, w, n := a, b, j, i
			if back {
				wide, narrow, w, n = b, a, i, j
			}
			pass.Reportf(matchPlace(narrow, n), "%s of %s is taken only if it is older than %s, whose %s takes its requests too", routeText(narrow, n), narrow.Key, wide.Key, strings.TrimPrefix(routeText(wide, w), "the ")).
				As(checks.Warning).
				See(matchPlace(wide, w), "the wider route")
		}
	}
}

// named reports whether a VirtualService is called after where its route leads:
// of two for the same requests the other one is the newcomer.
func named(vs *mesh.VirtualService, i int) bool {
	return slices.ContainsFunc(vs.Targets(), func(t mesh.Target) bool {
		host, _, _ := strings.Cut(t.Destination.Host, ".")
		return t.Path[2] == i && (host == vs.Key.Name || strings.HasPrefix(vs.Key.Name, host) || strings.HasPrefix(host, vs.Key.Name))
	})
}
