package oidc

import (
	"net/url"
	"regexp"

	"github.com/kfpreflight/kfpreflight/checks"
)

// placeholder is what the overlays of upstream leave to be filled in, and what
// people write in such places.
var placeholder = regexp.MustCompile(`PATCH_ME|CHANGE_?ME|REPLACE_?ME|AWS_REGION|CLUSTER_ID|YOUR[_-]|<[A-Za-z][^>]*>|\$\(|\$\{|example\.invalid`)

var placeholderIssuer = &checks.Check{
	ID:       "oidc/placeholder-issuer",
	Severity: checks.Error,
	Doc: `issuer that was never filled in

Requests with a service account's token are answered with "Jwt issuer is not
configured": the RequestAuthentication still has the placeholder that the
overlay m2m-dex-and-eks (https://oidc.eks.AWS_REGION...) or the component
istio-m2m (PATCH_ME) leaves for the user to replace, or something that is no URL
at all. Logins by browser go on working, and that is why it is found late.`,
	Fix: "Put in the issuer of the cluster's service account tokens.",
	Refs: []string{
		"kubeflow/manifests#2840",
		"kubeflow/manifests#2850",
		"kubeflow/manifests#3079",
		"kubeflow/pipelines#11025",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, r := range c.Rules {
			switch issuer := r.Issuer.Value(); {
			case issuer == "":
			case placeholder.MatchString(issuer):
				pass.Reportf(r.Issuer.Place, "%s accepts tokens of the issuer %q, which is a placeholder", r.Object.Key, issuer)
			case !isURL(issuer) && r.JWKSURI == nil && !r.JWKS:
				pass.Reportf(r.Issuer.Place, "%s accepts tokens of the issuer %q, which is no URL to find its keys at", r.Object.Key, issuer)
			}
			if uri := r.JWKSURI.Value(); uri != "" && placeholder.MatchString(uri) {
				pass.Reportf(r.JWKSURI.Place, "%s takes keys from %q, which is a placeholder", r.Object.Key, uri)
			}
		}
	},
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}
