package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var lineEndInValue = &checks.Check{
	ID:       "oidc/line-end-in-value",
	Severity: checks.Error,
	Doc: `value with a line end that slipped in

Dex says "Invalid Email Address and password" to the right password, or a
relying party does not start: the variable's value ends in a line end, as
echo ... | base64 makes it, and nobody trims it. It becomes part of the password's
hash, of a URL or of a switch.

Looked at are the variables of Dex and of the relying parties. Client ids, client
secrets and the cookie secret are left to the checks of their own, which know
whether the other side has the same. Values of several lines, such as keys, are
fine, and so are files. Values of Secrets are not shown.`,
	Fix: "Make the value anew without a line end: printf, or echo -n.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/configmap-secret/managing-secret-using-kubectl/",
		"https://github.com/dexidp/dex/blob/v2.41.1/cmd/dex/config.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, w := range chainWorkloads(c) {
			skip := ownChecks(c, w)
			var names []string
			for name := range w.Env {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				s := w.Env[name]
				if !s.Known() || slices.Contains(skip, name) || !endsInLine(s.Text) || !seen.first(s.Place, "") {
					continue
				}
				pass.Reportf(s.Place, "the value of %s for %s ends in a line end", name, w.Name()).
					See(s.Via, "where it is used")
			}
		}
	},
}

// ownChecks are the variables that other checks compare or measure.
func ownChecks(c *login.Chain, w *login.Workload) []string {
	names := []string{"OAUTH2_PROXY_CLIENT_ID", "OAUTH2_PROXY_CLIENT_SECRET", "OAUTH2_PROXY_COOKIE_SECRET", "CLIENT_ID", "CLIENT_SECRET"}
	for _, dex := range c.Dexes {
		if &dex.Workload != w {
			continue
		}
		for _, client := range dex.Clients {
			names = append(names, client.IDEnv.Value(), client.Env.Value())
		}
	}
	return names
}

// endsInLine reports whether a value of one line has a line end after it.
func endsInLine(s string) bool {
	trimmed := strings.TrimRight(s, "\r\n")
	return trimmed != s && trimmed != "" && !strings.Contains(trimmed, "\n")
}
