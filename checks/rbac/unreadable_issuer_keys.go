package rbac

import (
	"net/url"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var unreadableIssuerKeys = &checks.Check{
	ID:       "rbac/unreadable-issuer-keys",
	Severity: checks.Error,
	Doc: `mesh may not read the keys of service account tokens

A RequestAuthentication takes the keys for tokens of Kubernetes' own service
accounts from the API server. Istio's control plane fetches them without login,
and the API server shows them to service accounts only, unless a ClusterRoleBinding
gives system:service-account-issuer-discovery to system:unauthenticated: Istio
logs "403 Forbidden" for the keys, and every request with such a token is refused
with "Jwks doesn't have key to match kid or alg from Jwt".

Keys that stand in the manifest (jwks) are not fetched, and upstream's overlay for
kind puts a proxy between that logs in, cluster-jwks-proxy: both are right. An
issuer outside the cluster, such as a cloud's, shows its keys to everybody.`,
	Fix:   "Bind system:service-account-issuer-discovery to the group system:unauthenticated, or read the keys through cluster-jwks-proxy.",
	Refs:  []string{"kubeflow/manifests#2840", "kubeflow/manifests#2850", "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		nobody := access.Subject{Name: "system:anonymous", Groups: []string{"system:unauthenticated"}}
		found := false
		for o := range pass.Render.Of(inventory.GroupKind{Group: "security.istio.io", Kind: "RequestAuthentication"}) {
			for i := range o.List("spec", "jwtRules") {
				if o.String("spec", "jwtRules", i, "jwks") != "" {
					continue
				}
				field, suffix := "jwksUri", ""
				if o.String("spec", "jwtRules", i, field) == "" {
					field, suffix = "issuer", "/.well-known/openid-configuration"
				}
				address, err := url.Parse(o.String("spec", "jwtRules", i, field))
				if err != nil || !ofAPIServer(address.Hostname()) {
					continue
				}
				found = true
				path := strings.TrimSuffix(address.Path, "/") + suffix
				if _, ok := policy.Allowed(nobody, access.Attributes{Verb: "get", Path: path}); !ok {
					pass.Reportf(o.At("spec", "jwtRules", i, field), "%s reads %s of the API server, and nothing lets Istio do that without login", o.Key, path)
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

// ofAPIServer reports whether a name is that of the API server's Service.
func ofAPIServer(host string) bool {
	return host == "kubernetes" || host == "kubernetes.default" || strings.HasPrefix(host, "kubernetes.default.svc")
}
