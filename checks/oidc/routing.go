package oidc

import (
	"net/url"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

// A routeProblem is why a path does not lead to a workload.
type routeProblem struct {
	place inventory.Place
	text  string
}

// notRouted finds out why a gateway does not lead a path to a workload; nil
// where it does, or where that cannot be told.
func notRouted(c *login.Chain, g *login.Gateway, requestPath, host string, w *login.Workload, fallback inventory.Place) *routeProblem {
	destinations := c.Routes(g, requestPath, host)
	for _, d := range destinations {
		if d.Sure == login.Maybe && d.Host == "" {
			return nil // a redirect or delegate decides
		}
		if !c.LeadsTo(d, w) {
			continue
		}
		t := c.Resolve(d.Host, d.Port, d.VirtualService.Key.Namespace)
		if d.Port != "" && t.ServicePort == nil && !t.External {
			return &routeProblem{place: d.PortPlace, text: d.VirtualService.Key.String() + " leads " + requestPath + " to port " + d.Port + " of " + t.Service.Key.String() + ", which has " + list(portsOf(t)) + " only"}
		}
		if d.Rewrite != nil {
			if became := rewritten(d, requestPath); became != requestPath {
				return &routeProblem{place: d.Rewrite.Place, text: d.VirtualService.Key.String() + " makes " + requestPath + " into " + became + ", which " + w.Name() + " does not serve"}
			}
		}
		return nil
	}
	for _, d := range destinations {
		if d.CatchAll || d.Sure != login.Yes {
			continue
		}
		text := d.VirtualService.Key.String() + " leads " + requestPath + " to " + d.Host
		t := c.Resolve(d.Host, d.Port, d.VirtualService.Key.Namespace)
		if t.Outside || t.External || t.Unknown != "" {
			return nil // it may lead back to the workload
		}
		if t.Missing() {
			text += ", a Service that does not exist, rather than to " + w.Name()
		} else {
			text += " rather than to " + w.Name()
		}
		return &routeProblem{place: d.Place, text: text}
	}
	// No route of its own: a VirtualService that was meant to be the one?
	for _, vs := range c.VirtualServices {
		if !meant(c, vs, w) {
			continue
		}
		for _, b := range vs.Gateways {
			if b.Gateway == nil {
				return &routeProblem{place: b.Place, text: vs.Key.String() + " is bound to Gateway " + b.Namespace + "/" + b.Name + ", which does not exist: " + requestPath + " does not lead to " + w.Name()}
			}
		}
		switch {
		case len(vs.Gateways) == 0:
			return &routeProblem{place: vs.At("spec", "gateways"), text: vs.Key.String() + " is bound to no Gateway: " + requestPath + " does not lead to " + w.Name()}
		case !vs.Bound(g):
			at := vs.At("spec", "hosts")
			if len(vs.Hosts) == 1 {
				at = vs.Hosts[0].Place
			}
			bound := false
			for _, b := range vs.Gateways {
				bound = bound || b.Gateway == g
			}
			if !bound {
				return &routeProblem{place: vs.At("spec", "gateways", 0), text: vs.Key.String() + " is not bound to " + g.Key.String() + ": " + requestPath + " does not lead to " + w.Name()}
			}
			return &routeProblem{place: at, text: vs.Key.String() + " has the hosts " + list(shown(vs.Hosts)) + ", of which " + g.Key.String() + " has none: " + requestPath + " does not lead to " + w.Name()}
		case host != "" && !vs.ServesHost(host):
			at := vs.At("spec", "hosts")
			if len(vs.Hosts) == 1 {
				at = vs.Hosts[0].Place
			}
			return &routeProblem{place: at, text: vs.Key.String() + " has the hosts " + list(shown(vs.Hosts)) + " only: " + requestPath + " of " + host + " does not lead to " + w.Name()}
		}
		at := vs.At("spec", "http", 0, "match")
		for _, kind := range []string{"prefix", "exact", "regex"} {
			if vs.Get("spec", "http", 0, "match", 0, "uri", kind) != nil {
				at = vs.At("spec", "http", 0, "match", 0, "uri", kind)
			}
		}
		return &routeProblem{place: at, text: vs.Key.String() + " leads to " + w.Name() + ", but not " + requestPath}
	}
	text := "no VirtualService of " + g.Key.String() + " leads " + requestPath + " to " + w.Name()
	for _, d := range destinations {
		text += "; it goes to " + d.Host
		break
	}
	return &routeProblem{place: fallback, text: text}
}

// meant reports whether any route of a VirtualService leads to a workload.
func meant(c *login.Chain, vs *login.VirtualService, w *login.Workload) bool {
	for i := range vs.List("spec", "http") {
		for j := range vs.List("spec", "http", i, "route") {
			host := vs.String("spec", "http", i, "route", j, "destination", "host")
			if c.Resolve(host, "", vs.Key.Namespace).Backs(w) {
				return true
			}
		}
	}
	return false
}

func rewritten(d login.Destination, requestPath string) string {
	prefix := d.Prefix()
	if prefix == "" || !strings.HasPrefix(requestPath, prefix) {
		return d.Rewrite.Text
	}
	return d.Rewrite.Text + strings.TrimPrefix(requestPath, prefix)
}

// atAnyFront finds out why no Gateway by which users come leads the paths to a
// workload; nil where one of them leads all. hosts are those to ask for, none
// for any.
func atAnyFront(c *login.Chain, paths []string, hosts []string, w *login.Workload, fallback inventory.Place, answered func(*login.Gateway, string) bool) *routeProblem {
	var first *routeProblem
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, g := range c.Front() {
		var problem *routeProblem
		for _, host := range hosts {
			if host != "" && !g.Serves(host) {
				continue // oidc/host-not-served
			}
			for _, requestPath := range paths {
				if problem == nil && !answered(g, requestPath) {
					problem = notRouted(c, g, requestPath, host, w, fallback)
				}
			}
		}
		if problem == nil {
			return nil
		}
		if first == nil {
			first = problem
		}
	}
	return first
}

func (p *routeProblem) report(pass *checks.Pass) *checks.Finding {
	return pass.Reportf(p.place, "%s", p.text)
}

// loginPaths are the pages of Dex that a browser needs in a login by password
// and by connector.
func loginPaths(dex *login.Dex) []string {
	return []string{dex.Path("auth"), dex.Path("auth/local/login"), dex.Path("approval"), dex.Path("static/main.css"), dex.Path("callback")}
}

// browserHost tells where a party sends browsers to log in: by path on the
// platform's host, where host is empty, or at another host. It is not ok where
// that is not known or leads into the cluster.
func browserHost(c *login.Chain, party *login.Party) (host string, ok bool) {
	s := party.LoginURL()
	if s == nil {
		if !discovers(party) {
			return "", false
		}
		s = party.Issuer()
	}
	if !s.Known() {
		return "", false
	}
	u, err := url.Parse(s.Text)
	if err != nil || u.Host != "" && c.InCluster(u.Host) {
		return "", false
	}
	return u.Host, true
}
