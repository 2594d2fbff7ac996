package oidc

import (
	"net/url"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var unreachableProviderURL = &checks.Check{
	ID:       "oidc/unreachable-provider-url",
	Severity: checks.Error,
	Doc: `provider URL that leads to no Service or port

The relying party cannot redeem codes or start at all, or Istio cannot fetch the
keys and refuses every token: redeem_url, oidc_jwks_url, an issuer that is to be
discovered, or a RequestAuthentication's jwksUri names a Service or port that
does not exist, or speaks https to a Dex that listens by http.

The issuer of Dex's own connector for OpenID Connect is asked when Dex starts.

Only hosts with the names of Services are looked at; whether the outside world
answers is not in the manifests. The API server's own Service always exists. A
Service in a namespace that the render does not have leaves the check undecided.
An http:// URL within the cluster is upstream's own and right.`,
	Fix: "Name the Service, its namespace and one of its ports, with the scheme that is spoken there.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"https://istio.io/latest/docs/reference/config/security/jwt/",
		"kubeflow/manifests#2877",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, party := range c.Parties {
			endpoints := party.Endpoints()
			discovers := party.Auth != nil
			if party.Proxy != nil {
				discovers, _ = party.Proxy.Discovery()
				discovers = discovers && party.Proxy.OIDC()
			}
			for _, name := range sorted(endpoints) {
				switch name {
				case "login_url", "OIDC_AUTH_URL":
					continue // the browser's
				case "oidc_issuer_url", "OIDC_PROVIDER":
					if !discovers {
						continue // only a name
					}
				}
				checkReachable(pass, c, endpoints[name], party.Pod.Namespace, name+" of "+party.Name(), seen)
			}
			if party.Proxy == nil {
				continue
			}
			if bearer, _ := party.Proxy.Bool("skip_jwt_bearer_tokens", false); !bearer {
				continue
			}
			if extra := party.Proxy.Get("extra_jwt_issuers"); extra != nil {
				for i := range extra.Items {
					s := extra.Items[i]
					s.Text, _, _ = strings.Cut(s.Text, "=")
					checkReachable(pass, c, &s, party.Pod.Namespace, "an extra JWT issuer of "+party.Name(), seen)
				}
			}
		}
		for _, dex := range c.Dexes {
			for _, connector := range dex.Connectors {
				if connector.Type.Value() == "oidc" && connector.Issuer.Known() {
					checkReachable(pass, c, connector.Issuer, dex.Pod.Namespace, "the issuer of connector "+connector.ID.Show()+" of "+dex.Name(), seen)
				}
			}
		}
		for _, r := range c.Rules {
			switch {
			case r.JWKSURI.Value() != "":
				checkReachable(pass, c, r.JWKSURI, c.Mesh.RootNamespace, "the jwksUri of "+r.Object.Key.String(), seen)
			case !r.JWKS && r.Issuer.Value() != "":
				checkReachable(pass, c, r.Issuer, c.Mesh.RootNamespace, "the issuer of "+r.Object.Key.String()+", at which Istio looks for keys,", seen)
			}
		}
	},
}

func checkReachable(pass *checks.Pass, c *login.Chain, s *login.Setting, namespace, what string, seen reported) {
	if !s.Known() || placeholder.MatchString(s.Text) {
		return
	}
	t := c.ResolveURL(s.Text, namespace)
	if t == nil || t.Outside {
		if u, err := url.Parse(s.Text); err == nil && u.Host == "" && u.Scheme == "" && strings.HasPrefix(s.Text, "/") {
			return // oidc/wrong-provider-endpoint
		}
		return
	}
	if domain, given := pass.Cluster.Domain(); !inDomain(t.Host, domain) {
		if given && seen.first(s.Place, "") {
			pass.Reportf(s.Place, "%s leads to %s, but the cluster's domain is %s", what, t.Host, domain)
		}
		return
	}
	if s.Secret && (t.Missing() || t.Service != nil && !t.External && t.ServicePort == nil) {
		if seen.first(s.Place, "") {
			pass.Reportf(s.Place, "%s leads to no Service of the cluster, or to no port of it", what)
		}
		return
	}
	switch {
	case t.Unknown != "" && t.External:
	case t.Unknown != "":
		if seen.first(s.Place, "") {
			pass.Undecidedf(s.Place, "whether %s leads to a Service is not known: %s", what, t.Unknown)
		}
	case t.Missing():
		if seen.first(s.Place, "") {
			pass.Reportf(s.Place, "%s leads to %s, but there is no Service %s/%s", what, t.Host, t.Namespace, t.Name)
		}
	case t.External:
	case t.ServicePort == nil:
		if seen.first(s.Place, "") {
			pass.Reportf(s.Place, "%s leads to port %s of %s, which has %s only", what, t.Port, t.Service.Key, list(portsOf(t))).
				See(t.Service.At("spec", "ports"), "the ports of the Service")
		}
	default:
		for _, dex := range c.Dexes {
			if !t.Backs(&dex.Workload) {
				continue
			}
			port := t.ContainerPort(dex.Pod)
			for _, l := range dex.Listeners() {
				if l.Port == port && l.Scheme != t.Scheme && seen.first(s.Place, "") {
					pass.Reportf(s.Place, "%s speaks %s to %s, which listens there by %s", what, t.Scheme, dex.Name(), l.Scheme).
						See(l.Setting.Place, "where Dex listens")
				}
			}
		}
	}
}

// inDomain reports whether a name of a Service is short or ends in the domain.
func inDomain(host, domain string) bool {
	_, after, found := strings.Cut(host, ".svc")
	return !found || after == "" || strings.EqualFold(strings.Trim(after, "."), domain)
}

func portsOf(t *login.Target) []string {
	var ports []string
	for _, p := range t.Service.Value.Spec.Ports {
		ports = append(ports, numberOf(p.Port))
	}
	return ports
}
