package oidc

import (
	"net/url"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var logoutURLNotServed = &checks.Check{
	ID:       "oidc/logout-url-not-served",
	Severity: checks.Warning,
	Doc: `logout button that logs nobody out

The dashboard's logout button leads to an error page, and users stay logged in:
LOGOUT_URL of the central dashboard is no address of the relying party. For
oauth2-proxy that is proxy_prefix/sign_out, and for oidc-authservice its prefix
with logout; a LOGOUT_URL that was left at the other's address is the usual
cause after a change from one to the other.

Absolute addresses at other hosts are left out.`,
	Fix: "Set LOGOUT_URL to the relying party's sign-out address.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/features/endpoints/",
		"https://github.com/kubeflow/kubeflow/blob/master/components/centraldashboard/README.md",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		if len(c.Parties) != 1 {
			return
		}
		party := c.Parties[0]
		want := ""
		if party.Proxy != nil {
			want = party.Proxy.Prefix() + "/sign_out"
		} else if prefix := party.Auth.Setting("AUTHSERVICE_URL_PREFIX"); prefix.Known() {
			u, err := url.Parse(prefix.Text)
			if err != nil {
				return
			}
			want = strings.TrimSuffix(u.Path, "/") + "/logout"
		} else {
			return
		}
		for _, pod := range c.Pods {
			for i := range pod.Spec.Containers {
				if name, _ := login.ImageName(pod.Spec.Containers[i].Image); !strings.Contains(name, "centraldashboard") && !strings.Contains(name, "dashboard") {
					continue
				}
				s := c.Env(pod, pod.ContainerAt("containers", i), i)[kubeflow.LogoutVariable]
				if !s.Known() || s.Text == "" {
					continue
				}
				u, err := url.Parse(s.Text)
				if err != nil || u.Host != "" || u.Path == want {
					continue
				}
				pass.Reportf(s.Place, "the logout button of %s leads to %s, but %s of %s logs users out at %s", pod.Owner.Key, s.Show(), party.Kind(), party.Name(), want)
			}
		}
	},
}
