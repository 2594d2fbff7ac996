package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var ignoredProxyVariable = &checks.Check{
	ID:       "oidc/ignored-proxy-variable",
	Severity: checks.Warning,
	Doc: `variable that oauth2-proxy does not read

A setting has no effect: oauth2-proxy takes OAUTH2_PROXY_ and the name that the
setting has in its file, which is the plural for lists (COOKIE_DOMAINS,
EMAIL_DOMAINS), and ignores every other variable without a word, unlike in its
file and on its command line.

A variable that a proxy newer than this program may know is left out.`,
	Fix: "Use the name that the setting has in the configuration file.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/#environment-variables",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			if party.Proxy == nil || !knownRelease(party.Container.Image) {
				continue
			}
			var names []string
			for name := range party.Env {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				option, ours := strings.CutPrefix(name, "OAUTH2_PROXY_")
				if !ours {
					continue
				}
				option = strings.ToLower(option)
				known, ok := kubeflow.OAuth2ProxyOptionOf(option)
				if ok && known.Name == option || serviceVariable(option) || usedByAlpha(party.Proxy.Alpha.Value(), name) {
					continue
				}
				hint := ""
				if meant, is := kubeflow.OAuth2ProxyOptionOf(strings.ReplaceAll(option, "_", "-")); is {
					hint = "; it reads OAUTH2_PROXY_" + strings.ToUpper(meant.Name)
				}
				at := party.Env[name].Place
				if via := party.Env[name].Via; !via.IsZero() {
					at = via
				}
				pass.Reportf(at, "oauth2-proxy of %s does not read %s%s", party.Name(), name, hint)
			}
		}
	},
}

// serviceVariable reports whether a variable is one of those by which
// Kubernetes tells pods of a Service named oauth2-proxy.
func serviceVariable(option string) bool {
	return strings.HasPrefix(option, "service_") || strings.HasPrefix(option, "port")
}

func usedByAlpha(alpha, name string) bool { return strings.Contains(alpha, name) }
