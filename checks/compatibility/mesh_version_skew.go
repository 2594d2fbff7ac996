package compatibility

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var meshVersionSkew = &checks.Check{
	ID:       "compatibility/mesh-version-skew",
	Severity: checks.Warning,
	Doc: `Istio's proxies and control plane are too far apart

Istio supports a data plane that is one minor version older than istiod, and none
that is newer: a gateway of a newer version may be sent configuration that it does
not understand, and asks for what istiod does not know.

Where several control planes run, as during an upgrade by revisions, a proxy needs
one that fits. One minor version behind is supported and left to
image/mixed-versions; so are images named by digest or set to auto.`,
	Fix:   "Give the proxies the version of istiod, or that of one minor version before.",
	Refs:  []string{"https://istio.io/latest/docs/releases/supported-releases/#control-planedata-plane-skew"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		var control, proxies []part
		for pod := range kubeflow.Pods(pass.Render) {
			if pod.Owner.Made != nil {
				continue
			}
			for place, c := range pod.Containers() {
				name, version, ok := tagged(c.Image)
				switch {
				case !ok:
				case name == "pilot":
					control = append(control, part{pod.Owner.Key.String(), version, place.At("image")})
				case slices.Contains([]string{"proxyv2", "ztunnel", "install-cni"}, name):
					proxies = append(proxies, part{pod.Owner.Key.String(), version, place.At("image")})
				}
			}
		}
		if len(control) == 0 || len(proxies) == 0 {
			pass.NotApplicable()
			return
		}
		for _, p := range proxies {
			fits := slices.ContainsFunc(control, func(c part) bool {
				n, ok := ahead(c.version, p.version)
				return !ok || n == 0 || n == 1
			})
			if fits {
				continue
			}
			text := "older by more than one minor version"
			if n, _ := ahead(p.version, control[0].version); n > 0 {
				text = "newer"
			}
			pass.Reportf(p.place, "%s runs Istio %s, %s than %s, which is %s", p.title, p.version, text, control[0].title, control[0].version).
				See(control[0].place, "the control plane")
		}
	},
}
