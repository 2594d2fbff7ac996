package oidc

import (
	"net/url"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var browserSentToClusterAddress = &checks.Check{
	ID:       "oidc/browser-sent-to-cluster-address",
	Severity: checks.Error,
	Doc: `browser sent to a name that only the cluster knows

Instead of a login page the browser shows that it cannot find
dex.auth.svc.cluster.local: login_url, redirect_url or a connector's redirectURI
names a Service, or the relying party discovers its endpoints from an issuer
that does. Browsers are not in the cluster.

An issuer within the cluster is upstream's own and right as long as it is only a
name: with skip_oidc_discovery and a relative login_url.`,
	Fix: "Send browsers to the platform's own host: a relative login_url with skip_oidc_discovery, or an issuer that browsers can reach.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/",
		"kubeflow/manifests#2877",
		"canonical/bundle-kubeflow#833",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			if s := party.LoginURL(); s.Known() {
				if inCluster(c, s.Text) {
					pass.Reportf(s.Place, "%s of %s sends browsers to %s, a name of the cluster", party.Kind(), party.Name(), s.Show())
				}
			} else if s == nil && party.Issuer().Known() && inCluster(c, party.Issuer().Text) && discovers(party) &&
				// Another provider may tell a public address where it does not
				// have to be what it was asked by.
				(c.DexOf(party) != nil || verifiesIssuer(party)) {
				pass.Reportf(discoveryPlace(party), "%s of %s sends browsers where discovery at %s leads, a name of the cluster", party.Kind(), party.Name(), party.Issuer().Show()).
					See(party.Issuer().Place, "the issuer")
			}
			if r := party.Redirect(); r != nil && r.Host != "" && r.Setting != nil && inCluster(c, r.URI) {
				pass.Reportf(r.Setting.Place, "%s of %s has browsers come back to %s, a name of the cluster", party.Kind(), party.Name(), r.Setting.Show())
			}
		}
		for _, dex := range c.Dexes {
			for _, connector := range dex.Connectors {
				s := connector.RedirectURI
				kind, _ := kubeflow.DexConnectorTypeOf(connector.Type.Value())
				if !s.Known() || !inCluster(c, s.Text) || kind.ComparesCallback && s.Text != dex.URL("callback") {
					continue // what differs from the issuer is oidc/connector-redirect-mismatch
				}
				pass.Reportf(s.Place, "connector %s of %s has browsers come back to %s, a name of the cluster", connector.ID.Show(), dex.Name(), s.Show()).
					See(place(dex.Issuer, &dex.Workload), "the issuer, which the redirect URI follows")
			}
		}
	},
}

func inCluster(c *login.Chain, text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && c.InCluster(u.Host)
}

func discovers(party *login.Party) bool {
	if party.Auth != nil {
		return party.Whole()
	}
	discovery, known := party.Proxy.Discovery()
	return discovery && known && party.Proxy.OIDC()
}

func discoveryPlace(party *login.Party) inventory.Place {
	if party.Proxy != nil {
		if s := party.Proxy.Setting("skip_oidc_discovery"); s != nil {
			return s.Place
		}
	}
	return party.Issuer().Place
}
