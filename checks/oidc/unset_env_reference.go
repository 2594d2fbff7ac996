package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var unsetEnvReference = &checks.Check{
	ID:       "oidc/unset-env-reference",
	Severity: checks.Error,
	Doc: `variable of the login that nothing sets

Dex answers every login with "Invalid client_id", or does not start because a
password has no hash: idEnv, secretEnv or hashFromEnv names a variable that no
env or envFrom of its container sets, and a variable that is not set is empty.
Or a container of the login chain does not start at all, with
CreateContainerConfigError: its env names a key that the ConfigMap or Secret in
the render does not have.

A container that takes variables from an object that the render does not hold
is left out, and so are optional references.`,
	Fix: "Set the variable, or name the one that is set.",
	Refs: []string{
		"https://dexidp.io/docs/configuration/",
		"https://github.com/dexidp/dex/pull/1664",
		"https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		var workloads []*login.Workload
		for _, dex := range c.Dexes {
			workloads = append(workloads, &dex.Workload)
			unset := func(field string, name, value *login.Setting) {
				if name.Or("") != "" && value.Known() && value.Text == "" {
					pass.Reportf(name.Place, "%s names the variable %s, which is empty or not set in the container of %s", field, name.Show(), dex.Name()).
						See(dex.Place.At("envFrom"), "the container's variables")
				}
			}
			for _, client := range dex.Clients {
				unset("idEnv", client.IDEnv, client.ID)
				unset("secretEnv", client.Env, client.Secret)
			}
			for _, p := range dex.Passwords {
				if p.HashText.Or("") == "" {
					unset("hashFromEnv", p.HashFromEnv, p.Hash)
				}
			}
		}
		for _, party := range c.Parties {
			workloads = append(workloads, party.Workload)
		}
		for _, w := range workloads {
			var names []string
			for name, s := range w.Env {
				if s.Missing {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			for _, name := range names {
				pass.Reportf(w.Env[name].Place, "%s takes %s from a key that is not there: %s", w.Name(), name, w.Env[name].Unknown)
			}
		}
	},
}
