package oidc

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var quotedValue = &checks.Check{
	ID:       "oidc/quoted-value",
	Severity: checks.Error,
	Doc: `value with quotes that an env file kept

A relying party says "unknown port", Dex does not know the client, or a switch
is no boolean: the variable's value begins and ends with a quote. A file in
envs of kustomize's generators, unlike a shell, keeps the quotes in
PORT="8080", and so does a literal that was quoted twice.

Looked at are the variables of Dex and of the relying parties, and those by
which Kubeflow's web applications learn headers, prefixes and cookies. Values
that are JSON, with quotes inside, and values that are quoted in YAML only are
fine. Values of Secrets are not shown.`,
	Fix: "Remove the quotes from the env file.",
	Refs: []string{
		"https://github.com/kubeflow/manifests/commit/b2e0c218f",
		"https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_configmapgenerator_",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		check := func(who string, env login.Env, only []string) {
			var names []string
			for name := range env {
				if only == nil || slices.Contains(only, name) {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			for _, name := range names {
				if s := env[name]; s.Known() && quoted(s.Text) && seen.first(s.Place, "") {
					pass.Reportf(s.Place, "the value of %s for %s has quotes of its own at both ends", name, who).
						See(s.Via, "where it is used")
				}
			}
		}
		for _, dex := range c.Dexes {
			check(dex.Name(), dex.Env, nil)
		}
		for _, party := range c.Parties {
			check(party.Name(), party.Env, nil)
		}
		only := []string{kubeflow.SecureCookiesVariable, kubeflow.LogoutVariable}
		for _, names := range kubeflow.UserIDVariables() {
			only = append(only, names[0], names[1])
		}
		for _, pod := range c.Pods {
			for i := range pod.Spec.Containers {
				check(pod.Owner.Key.String(), c.Env(pod, pod.ContainerAt("containers", i), i), only)
			}
		}
	},
}

// quoted reports whether a text has quotes at both ends and none within.
func quoted(s string) bool {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		if s[i] == s[0] {
			return false
		}
	}
	return true
}
