package compatibility

import "github.com/kfpreflight/kfpreflight/checks"

var unsupportedKubernetes = &checks.Check{
	ID:       "compatibility/unsupported-kubernetes",
	Severity: checks.Warning,
	Doc: `target's Kubernetes is out of a part's published range

Istio, Knative Serving, KServe and cert-manager publish which versions of
Kubernetes each of their releases is for. Knative's controllers do not start at all
below their minimum; the others meet APIs that are missing or not yet tested.

A target above the range is an information only: most parts work on the next
version, and Kubeflow's own releases are used so. Versions that the table of the
program does not know are left out, and so is everything without a target.`,
	Fix: "Take a version of the part that supports the target's Kubernetes.",
	Refs: []string{
		"https://istio.io/latest/docs/releases/supported-releases/", "https://cert-manager.io/docs/releases/",
		"https://knative.dev/docs/install/yaml-install/serving/install-serving-with-yaml/#prerequisites",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := parts(pass)
		if pass.Target.Kubernetes == "" || len(list) == 0 {
			pass.NotApplicable()
			return
		}
		for _, p := range list {
			support, source, ok := supportOf(p)
			if !ok {
				continue
			}
			if n, ok := ahead(pass.Target.Kubernetes, support.From); ok && n < 0 {
				pass.Reportf(p.place, "%s %s is for Kubernetes %s and newer, the target is %s (%s)", p.title, p.version, support.From, pass.Target.Kubernetes, source)
			}
			if support.To == "" {
				continue
			}
			if n, ok := ahead(pass.Target.Kubernetes, support.To); ok && n > 0 {
				pass.Reportf(p.place, "%s %s is published for Kubernetes up to %s, the target is %s (%s)", p.title, p.version, support.To, pass.Target.Kubernetes, source).As(checks.Info)
			}
		}
	},
}
