package oidc

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var serviceMissesListener = &checks.Check{
	ID:       "oidc/service-misses-listener",
	Severity: checks.Error,
	Doc: `Service that does not lead to where Dex or the proxy listens

Logins fail with 503 or "connection refused": a port of the Service that the
login chain uses leads to a port of the pod on which nobody listens, because
web.http of Dex or http_address of oauth2-proxy was changed alone, or
targetPort. A proxy without http_address listens on 127.0.0.1 only, where no
Service reaches it. A selector that no pod has is the same failure.

Only ports that a URL, a route or a provider of the chain leads to are looked
at: those for metrics or gRPC are left out.`,
	Fix: "Let targetPort and the address that the program listens on agree.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"https://dexidp.io/docs/configuration/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, t := range usedTargets(c) {
			if t.ServicePort == nil || t.External {
				continue
			}
			if len(t.Pods) == 0 {
				for _, w := range chainWorkloads(c) {
					if w.Pod.Namespace == t.Namespace && seen.first(t.Service.At("spec", "selector"), "") {
						pass.Reportf(t.Service.At("spec", "selector"), "%s, by which the login chain reaches its parts, selects no pod; %s is in the namespace", t.Service.Key, w.Name()).
							See(w.Pod.At("metadata", "labels"), "the labels of its pods")
					}
				}
				continue
			}
			for _, dex := range c.Dexes {
				if t.Backs(&dex.Workload) && len(dex.Listeners()) > 0 {
					checkListener(pass, t, &dex.Workload, dex.Listeners(), seen)
				}
			}
			for _, party := range c.Parties {
				if party.Proxy == nil || !t.Backs(party.Workload) {
					continue
				}
				if listeners, known := party.Proxy.Listeners(); known {
					checkListener(pass, t, party.Workload, listeners, seen)
				}
			}
		}
	},
}

func checkListener(pass *checks.Pass, t *login.Target, w *login.Workload, listeners []login.Listener, seen reported) {
	i := slices.IndexFunc(t.Service.Value.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == t.ServicePort.Port })
	at := t.Service.At("spec", "ports", i, "targetPort")
	port := t.ContainerPort(w.Pod)
	if port == "" {
		if seen.first(at, "") {
			pass.Reportf(at, "port %s of %s leads to a port %q that %s does not name", t.Port, t.Service.Key, t.ServicePort.TargetPort.String(), w.Name()).
				See(w.Place.At("ports"), "the ports of the container")
		}
		return
	}
	var open []string
	for _, l := range listeners {
		if l.Port == "" {
			return // a form of address that is not understood
		}
		if l.Port != port {
			open = append(open, l.Port)
			continue
		}
		if l.Loopback && seen.first(l.Setting.Place, "") {
			pass.Reportf(l.Setting.Place, "%s listens on %s, where %s cannot reach it", w.Name(), l.Setting.Show(), t.Service.Key).
				See(at, "the port of the Service")
		}
		return
	}
	if seen.first(at, "") {
		pass.Reportf(at, "port %s of %s leads to port %s of %s, which listens on %s", t.Port, t.Service.Key, port, w.Name(), list(open)).
			See(listeners[0].Setting.Place, "where it listens")
	}
}

func chainWorkloads(c *login.Chain) []*login.Workload {
	var all []*login.Workload
	for _, dex := range c.Dexes {
		all = append(all, &dex.Workload)
	}
	for _, party := range c.Parties {
		all = append(all, party.Workload)
	}
	return all
}

// usedTargets are the Services and ports that the parts of the chain reach each
// other by.
func usedTargets(c *login.Chain) []*login.Target {
	var all []*login.Target
	add := func(t *login.Target) {
		if t != nil && t.Service != nil {
			all = append(all, t)
		}
	}
	for _, party := range c.Parties {
		endpoints := party.Endpoints()
		for _, name := range sorted(endpoints) {
			add(c.ResolveURL(endpoints[name].Text, party.Pod.Namespace))
		}
	}
	for _, r := range c.Rules {
		add(c.ResolveURL(r.Issuer.Value(), c.Mesh.RootNamespace))
		add(c.ResolveURL(r.JWKSURI.Value(), c.Mesh.RootNamespace))
	}
	for _, vs := range c.VirtualServices {
		for i := range vs.List("spec", "http") {
			for j := range vs.List("spec", "http", i, "route") {
				port := ""
				if n, ok := vs.Get("spec", "http", i, "route", j, "destination", "port", "number").(int64); ok {
					port = numberOf(int32(n))
				}
				add(c.Resolve(vs.String("spec", "http", i, "route", j, "destination", "host"), port, vs.Key.Namespace))
			}
		}
	}
	for _, p := range c.Mesh.Providers {
		add(c.Resolve(p.Service.Value(), p.Port.Value(), c.Mesh.RootNamespace))
	}
	for _, f := range c.Filters {
		add(c.Resolve(f.Host, f.Port, f.Object.Key.Namespace))
	}
	return all
}
