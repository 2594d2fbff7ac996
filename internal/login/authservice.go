package login

import (
	"net/url"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// An AuthService is an oidc-authservice of the render, the relying party of
// Kubeflow 1.8 and before. It takes all its settings from the environment.
type AuthService struct {
	Workload
}

func isAuthService(c *corev1.Container) bool {
	name, _ := ImageName(c.Image)
	return name == "oidc-authservice"
}

// Setting is a variable; of several names the first that is set.
func (a *AuthService) Setting(names ...string) *Setting {
	for _, name := range names {
		if s := a.Env[name]; s != nil && (s.Unknown != "" || s.Text != "") {
			return s
		}
	}
	return nil
}

// Whole reports whether the environment is known, so that what is not found is
// not set.
func (a *AuthService) Whole() bool { return a.Opaque == "" }

// Redirect is the redirect URI that the service sends: REDIRECT_URL, or the
// callback below AUTHSERVICE_URL_PREFIX. A relative one is sent as it stands.
func (a *AuthService) Redirect() *Redirect {
	s := a.Setting("REDIRECT_URL")
	if s == nil {
		if !a.Whole() {
			return nil
		}
		prefix := a.Setting("AUTHSERVICE_URL_PREFIX", "AUTHSERVICE_URL_PREFIXES")
		if !prefix.Known() {
			return nil
		}
		u, err := url.Parse(prefix.Text)
		if err != nil {
			return nil
		}
		u.Path = path.Join(u.Path, "oidc/callback")
		return &Redirect{URI: u.String(), Host: u.Host, HostKnown: true, SchemeKnown: true, Relative: u.Host == "", Path: u.Path, Setting: prefix}
	}
	if !s.Known() {
		return nil
	}
	u, err := url.Parse(s.Text)
	if err != nil {
		return nil
	}
	return &Redirect{URI: s.Text, Host: u.Host, HostKnown: true, SchemeKnown: true, Relative: u.Host == "", Path: u.Path, Setting: s}
}

// Skips reports whether a path needs no login (SKIP_AUTH_URLS, SKIP_AUTH_URI:
// prefixes).
func (a *AuthService) Skips(requestPath string) bool {
	for _, name := range []string{"SKIP_AUTH_URLS", "SKIP_AUTH_URI"} {
		if s := a.Env[name]; s.Known() {
			for prefix := range strings.FieldsFuncSeq(s.Text, func(r rune) bool { return r == ',' || r == ' ' }) {
				if strings.HasPrefix(requestPath, prefix) {
					return true
				}
			}
		}
	}
	return false
}
