package oidc

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var invalidCookieSecret = &checks.Check{
	ID:       "oidc/invalid-cookie-secret",
	Severity: checks.Error,
	Doc: `cookie secret of a length that oauth2-proxy refuses

The proxy crash-loops with "cookie_secret must be 16, 24, or 32 bytes to create
an AES cipher": the value, decoded as URL-safe base64 if that gives such a
length and taken as it stands otherwise, has another one. The usual causes are
openssl rand -base64 32 without translating + and / to - and _, and a line end
that went into the Secret.

The value is measured, never shown. A Secret that the render does not hold
leaves the check undecided.`,
	Fix: "Make a cookie secret of 32 random bytes in URL-safe base64, without a line end.",
	Refs: []string{
		"https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview/#generating-a-cookie-secret",
		"oauth2-proxy/oauth2-proxy#748",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, party := range c.Parties {
			if party.Proxy == nil {
				continue
			}
			s := party.Proxy.Setting("cookie_secret")
			switch {
			case s == nil && party.Proxy.Get("cookie_secret_file") != nil:
			case s == nil && party.Proxy.Whole():
				pass.Reportf(party.Place, "%s of %s is given no cookie secret", party.Kind(), party.Name())
			case s == nil || s.Missing:
			case !s.Known():
				pass.Undecidedf(s.Place, "the cookie secret of %s is not known: %s", party.Name(), s.Unknown)
			default:
				if n := secretLength(s.Text); !slices.Contains(aesLengths, n) {
					pass.Reportf(s.Place, "the cookie secret of %s has %d bytes%s; oauth2-proxy starts with 16, 24 or 32 only", party.Name(), n, secretHint(s)).
						See(s.Via, "where the proxy takes it from")
				}
			}
		}
	},
}

var aesLengths = []int{16, 24, 32}

// secretLength measures a secret as oauth2-proxy does (pkg/encryption,
// SecretBytes).
func secretLength(secret string) int {
	if b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(secret, "=")); err == nil && slices.Contains(aesLengths, len(b)) {
		return len(b)
	}
	return len(secret)
}

func secretHint(s *login.Setting) string {
	trimmed := strings.TrimSpace(s.Text)
	switch {
	case trimmed != s.Text && slices.Contains(aesLengths, secretLength(trimmed)):
		return ", white space or a line end at its end among them"
	case slices.Contains(aesLengths, secretLength(strings.NewReplacer("+", "-", "/", "_").Replace(s.Text))):
		return " as it stands: its base64 is not the URL-safe one, and so it is not decoded"
	}
	return ""
}
