package oidc

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var missingConfigFile = &checks.Check{
	ID:       "oidc/missing-config-file",
	Severity: checks.Error,
	Doc: `configuration file that is not where the program looks

Dex or oauth2-proxy does not start: the file named on its command line is in no
volume of the container, or the ConfigMap or Secret that is mounted there has no
such key. A renamed key, a changed mountPath or another path in the arguments
are enough.

Files that the image brings along (below /etc/dex for Dex, without a volume over
them) are left out. A ConfigMap or Secret that the render does not hold leaves
the check undecided.`,
	Fix: "Mount the key at the path that the arguments name.",
	Refs: []string{
		"https://dexidp.io/docs/getting-started/",
		"https://kubernetes.io/docs/concepts/storage/volumes/#configmap",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, dex := range c.Dexes {
			if dex.ConfigPath.Text == "" || strings.HasPrefix(dex.ConfigPath.Text, "/etc/dex/config.docker.") {
				continue
			}
			missingFile(pass, &dex.Workload, &dex.ConfigPath, dex.Config)
		}
		for _, party := range c.Parties {
			if p := party.Proxy; p != nil {
				missingFile(pass, party.Workload, p.ConfigPath, p.Config)
				missingFile(pass, party.Workload, p.AlphaPath, p.Alpha)
			}
		}
	},
}

func missingFile(pass *checks.Pass, w *login.Workload, path, file *login.Setting) {
	switch {
	case path.Value() == "":
	case file == nil:
		pass.Reportf(path.Place, "%s reads %s, which no volume of its container holds", w.Name(), path.Show()).
			See(w.Place.At("volumeMounts"), "what is mounted")
	case file.Missing:
		pass.Reportf(file.Place, "%s reads %s, but %s", w.Name(), path.Show(), file.Unknown).
			See(path.Place, "where the file is named")
	case !file.Known():
		pass.Undecidedf(file.Place, "the configuration of %s, %s, is not known: %s", w.Name(), path.Show(), file.Unknown)
	}
}
