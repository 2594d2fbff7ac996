package oidc

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var (
	destinationRuleKind    = inventory.GroupKind{Group: "networking.istio.io", Kind: "DestinationRule"}
	peerAuthenticationKind = inventory.GroupKind{Group: "security.istio.io", Kind: "PeerAuthentication"}
)

var mutualTLSOneSided = &checks.Check{
	ID:       "oidc/mutual-tls-one-sided",
	Severity: checks.Error,
	Doc: `mutual TLS that one side of the login does not speak

The login page or its callback answers 503, "upstream connect error", or the
proxy logs that Dex reset the connection: a DestinationRule has the gateway speak
Istio's mutual TLS to Dex or the relying party, whose pods have no sidecar; or a
PeerAuthentication with mode STRICT has the sidecar of Dex refuse the relying
party, which has none.

Upstream runs both without sidecars and without such rules: that is right. Pods
are taken to have no sidecar only where their Namespace is in the render and asks
for none.`,
	Fix: "Give both sides a sidecar, or leave mutual TLS out between them.",
	Refs: []string{
		"https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule",
		"https://istio.io/latest/docs/reference/config/security/peer_authentication/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for rule := range pass.Render.Of(destinationRuleKind) {
			mode := rule.String("spec", "trafficPolicy", "tls", "mode")
			if mode != "ISTIO_MUTUAL" && mode != "MUTUAL" {
				continue
			}
			for _, w := range chainWorkloads(c) {
				if !bare(pass.Render, w.Pod) || !coversWorkload(c, rule, w) {
					continue
				}
				pass.Reportf(rule.At("spec", "trafficPolicy", "tls", "mode"), "%s has clients speak mutual TLS to %s, whose pods have no sidecar", rule.Key, w.Name()).
					See(w.Pod.At("metadata"), "the pods")
			}
		}
		for _, party := range c.Parties {
			dex := c.DexOf(party)
			if dex == nil || !dex.Pod.HasSidecar() || !bare(pass.Render, party.Pod) {
				continue
			}
			if strict := strictAt(pass.Render, c, dex.Pod); strict != nil {
				pass.Reportf(strict.At("spec", "mtls", "mode"), "%s has %s refuse whoever speaks no mutual TLS, and %s has no sidecar", strict.Key, dex.Name(), party.Name()).
					See(party.Pod.At("metadata"), "the pods of the relying party")
			}
		}
	},
}

// bare reports whether a pod is certain to have no sidecar.
func bare(v *inventory.View, pod *kubeflow.Pod) bool {
	namespace, rendered := v.Namespace(pod.Namespace)
	injected := namespace["istio-injection"] == "enabled" || namespace["istio-injection"] == "" && namespace["istio.io/rev"] != "" ||
		pod.Labels["sidecar.istio.io/inject"] == "true" || namespace["istio.io/dataplane-mode"] == "ambient"
	if pod.Labels["sidecar.istio.io/inject"] == "false" {
		return !pod.HasSidecar()
	}
	own := slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == "istio-proxy" })
	return rendered && !injected && !own && !pod.HasSidecar()
}

// coversWorkload reports whether a DestinationRule is for a Service of a
// workload.
func coversWorkload(c *login.Chain, rule *inventory.Object, w *login.Workload) bool {
	host := rule.String("spec", "host")
	if rest, wild := strings.CutPrefix(host, "*."); wild {
		return rest == w.Pod.Namespace+".svc.cluster.local" || rest == "svc.cluster.local" || rest == "cluster.local" || rest == "local"
	}
	return c.Resolve(host, "", rule.Key.Namespace).Backs(w)
}

// strictAt finds the PeerAuthentication that counts for a pod, if it is strict:
// that of the workload before that of the namespace before that of the mesh.
func strictAt(v *inventory.View, c *login.Chain, pod *kubeflow.Pod) *inventory.Object {
	var best *inventory.Object
	rank := 0
	for o := range v.Of(peerAuthenticationKind) {
		n := 1
		switch selects := len(o.Map("spec", "selector", "matchLabels")) > 0; {
		case o.Key.Namespace == pod.Namespace && selects:
			n = 3
		case o.Key.Namespace == pod.Namespace:
			n = 2
		case selects:
			continue
		}
		mode := o.String("spec", "mtls", "mode")
		if n > rank && c.Applies(o, pod) && mode != "" && mode != "UNSET" {
			best, rank = o, n
		}
	}
	if best == nil || best.String("spec", "mtls", "mode") != "STRICT" {
		return nil
	}
	return best
}
