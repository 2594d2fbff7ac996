package oidc

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var ingressKind = inventory.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}

var services = inventory.Kind[corev1.Service]{Group: "", Name: "Service"}

var secureCookiesOverHTTP = &checks.Check{
	ID:       "oidc/secure-cookies-over-http",
	Severity: checks.Warning,
	Doc: `secure cookies on a platform opened by plain HTTP

Creating a notebook or volume fails with "Could not find CSRF cookie XSRF-TOKEN
in the request": the web applications mark their cookies as secure
(APP_SECURE_COOKIES=true), and users come by http:// to a load balancer, a node
port or an Ingress without TLS. Browsers keep such cookies to themselves.

Upstream has secure cookies behind a plain HTTP Gateway too, with a ClusterIP
Service and port forwarding to localhost, which browsers trust: that stays
silent. So does a load balancer whose annotations name a certificate, because it
ends TLS itself, and a redirect URI of https://, because something does; what else stands before the cluster is not in the manifests,
and that is why this is a warning.`,
	Fix: "Serve HTTPS at the Gateway or before it, or set APP_SECURE_COOKIES and cookie_secure to false.",
	Refs: []string{
		"kubeflow/kubeflow#5803",
		"kubeflow/kubeflow#5763",
		"kubeflow/manifests#2569",
		"kubeflow/notebooks#309",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := login.Read(pass.Render)
		cookies := secureCookies(c)
		front := c.Front()
		if len(front) == 0 || len(cookies) == 0 {
			pass.NotApplicable()
			return
		}
		if slices.ContainsFunc(front, func(g *login.Gateway) bool { return g.HTTPS() }) {
			return
		}
		for _, party := range c.Parties {
			if r := party.Redirect(); r != nil && r.HostKnown && strings.HasPrefix(r.URI, "https://") {
				return // something before the gateway speaks HTTPS
			}
		}
		report := func(place inventory.Place, what string) {
			f := pass.Reportf(place, "%s opens the platform by plain HTTP, where browsers do not send the secure cookies of %s and %d more", what, cookies[0].who, len(cookies)-1)
			f.See(front[0].At("spec", "servers", 0), "a Gateway without TLS")
			for _, cookie := range cookies {
				f.See(cookie.place, "%s has secure cookies", cookie.who)
			}
		}
		for service := range services.In(pass.Render) {
			spec := service.Value.Spec
			if spec.Type != corev1.ServiceTypeLoadBalancer && spec.Type != corev1.ServiceTypeNodePort || len(spec.Selector) == 0 || endsTLS(service.Annotations()) {
				continue
			}
			selector := labels.SelectorFromSet(spec.Selector)
			if slices.ContainsFunc(c.FrontPods(), func(pod *kubeflow.Pod) bool {
				return pod.Namespace == service.Key.Namespace && selector.Matches(pod.Labels)
			}) {
				report(service.At("spec", "type"), service.Key.String()+" of type "+string(spec.Type))
			}
		}
		for o := range pass.Render.Of(ingressKind) {
			if len(o.List("spec", "tls")) > 0 || endsTLS(o.Annotations()) || !leadsToFront(c, o) {
				continue
			}
			report(o.At("spec"), o.Key.String()+" without TLS")
		}
	},
}

// endsTLS reports whether annotations tell that a load balancer or Ingress has
// a certificate: by all that the clouds call it.
func endsTLS(annotations map[string]string) bool {
	for name := range annotations {
		name = strings.ToLower(name)
		for _, word := range []string{"ssl", "tls", "cert", "https", "backend-config"} {
			if strings.Contains(name, word) {
				return true
			}
		}
	}
	return false
}

type secureCookie struct {
	who   string
	place inventory.Place
}

func secureCookies(c *login.Chain) []secureCookie {
	var all []secureCookie
	for _, pod := range c.Pods {
		for i := range pod.Spec.Containers {
			at := pod.ContainerAt("containers", i)
			if s := c.Env(pod, at, i)[kubeflow.SecureCookiesVariable]; s.Known() && strings.EqualFold(s.Text, "true") {
				all = append(all, secureCookie{pod.Owner.Key.String(), s.Place})
			}
		}
	}
	for _, party := range c.Parties {
		if party.Proxy == nil {
			continue
		}
		if secure, known := party.Proxy.Bool("cookie_secure", true); secure && known {
			all = append(all, secureCookie{party.Name(), place(party.Proxy.Setting("cookie_secure"), party.Workload)})
		}
	}
	return all
}

// leadsToFront reports whether an Ingress has a Service of the gateway's pods
// among its backends.
func leadsToFront(c *login.Chain, ingress *inventory.Object) bool {
	backends := []string{ingress.String("spec", "defaultBackend", "service", "name")}
	for i := range ingress.List("spec", "rules") {
		for j := range ingress.List("spec", "rules", i, "http", "paths") {
			backends = append(backends, ingress.String("spec", "rules", i, "http", "paths", j, "backend", "service", "name"))
		}
	}
	for _, name := range backends {
		if name == "" {
			continue
		}
		t := c.Resolve(name, "", ingress.Key.Namespace)
		for _, pod := range c.FrontPods() {
			if slices.ContainsFunc(t.Pods, func(p *kubeflow.Pod) bool { return p.Owner == pod.Owner }) {
				return true
			}
		}
	}
	return false
}
