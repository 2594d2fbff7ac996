package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var gatewayNotRunning = &checks.Check{
	ID:       "oidc/gateway-not-running",
	Severity: checks.Error,
	Doc: `platform's Gateway that no pod serves

Browsers cannot connect, or get a 404 without any page: the selector of the
Gateway that the dashboard and the login are bound to matches the labels of no
pod, so that no Envoy takes its configuration.

Only renders that hold gateways of Istio are looked at: one that is installed
apart from the platform has labels that are not known here.`,
	Fix: "Let the Gateway's selector match the labels of the gateway's pods.",
	Refs: []string{
		"https://istio.io/latest/docs/reference/config/networking/gateway/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		i := slices.IndexFunc(c.Pods, isGatewayPod)
		if i < 0 {
			return
		}
		for _, g := range c.Front() {
			if len(g.Pods) > 0 {
				continue
			}
			at := g.At("spec", "selector")
			if selector := g.Map("spec", "selector"); len(selector) == 1 {
				for name := range selector {
					at = g.At("spec", "selector", name)
				}
			}
			pass.Reportf(at, "%s, to which the platform is bound, selects no pod", g.Key).
				See(c.Pods[i].At("metadata", "labels"), "the labels of a gateway of the render")
		}
	},
}

// isGatewayPod reports whether a pod is a gateway of Istio: an Envoy of its own.
func isGatewayPod(pod *kubeflow.Pod) bool {
	for _, c := range pod.Spec.Containers {
		if name, _ := login.ImageName(c.Image); c.Name == "istio-proxy" && (name == "proxyv2" || name == "auto") {
			return true
		}
	}
	return false
}
