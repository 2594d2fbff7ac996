package knative

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

// controllers are the Deployments that serve a class of Knative's ingresses.
var controllers = map[string][]string{
	"istio.ingress.networking.knative.dev":       {"net-istio-controller", "networking-istio"},
	"kourier.ingress.networking.knative.dev":     {"net-kourier-controller", "3scale-kourier-control"},
	"contour.ingress.networking.knative.dev":     {"net-contour-controller", "contour-ingress-controller"},
	"gateway-api.ingress.networking.knative.dev": {"net-gateway-api-controller"},
}

var missingIngressController = &checks.Check{
	ID:       "knative/missing-ingress-controller",
	Severity: checks.Error,
	Doc: `Knative's ingress class is that of a controller that is not installed

Models never become ready: "Ingress has not yet been reconciled". The class stands
in config-network as ingress-class (formerly ingress.class), istio's where it says
nothing, and each class needs its own controller: net-istio, net-kourier,
net-contour or net-gateway-api. A name without the ending
.ingress.networking.knative.dev is nobody's.

Renders without Knative's own controller are not looked at, and classes that
nobody knows are undecided.`,
	Fix:   "Set the class of the controller that the platform has.",
	Refs:  []string{"https://knative.dev/docs/install/installing-istio/", "https://github.com/knative/networking/blob/main/config/config-network.yaml"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		o := config(pass.Render, "config-network")
		if o == nil {
			pass.NotApplicable()
			return
		}
		installed, serving := map[string]string{}, false
		for d := range pass.Render.Of(deployKind) {
			if d.Key.Namespace == o.Key.Namespace && d.Key.Name == "controller" {
				serving = true
			}
			for class, names := range controllers {
				for _, name := range names {
					if d.Key.Name == name {
						installed[class] = d.Key.String()
					}
				}
			}
		}
		if !serving {
			pass.NotApplicable()
			return
		}
		class, place := "istio.ingress.networking.knative.dev", o.At("data")
		for _, key := range []string{"ingress.class", "ingress-class"} {
			if text := o.String("data", key); text != "" {
				class, place = text, o.At("data", key)
			}
		}
		if installed[class] != "" {
			return
		}
		if controllers[class] == nil {
			full := class + ".ingress.networking.knative.dev"
			if !strings.Contains(class, ".") && controllers[full] != nil {
				pass.Reportf(place, "%s sets the ingress class %s, which no controller serves; did you mean %s?", o.Key, class, full)
				return
			}
			if strings.HasSuffix(class, ".ingress.networking.knative.dev") || !strings.Contains(class, ".") {
				pass.Reportf(place, "%s sets the ingress class %s, which no controller serves", o.Key, class)
				return
			}
			pass.Undecidedf(place, "%s sets the ingress class %s: whether its controller is installed is not known", o.Key, class)
			return
		}
		pass.Reportf(place, "%s has the ingress class %s, but the render has no %s", o.Key, class, controllers[class][0])
	},
}
