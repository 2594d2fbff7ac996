package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfpreflight/kfpreflight/internal/near"
)

// envPrefix begins the environment variable of a flag: --fail-on is
// KFPREFLIGHT_FAIL_ON.
const envPrefix = "KFPREFLIGHT_"

// notFromEnvironment are flags of one call: an environment that sets a chart's
// values would change what is looked at without a trace in the command.
var notFromEnvironment = []string{"help", "values", "set", "set-string", "set-file", "namespace", "release-name", "format"}

// otherVariables are read elsewhere.
var otherVariables = []string{"KFPREFLIGHT_CACHE", "KFPREFLIGHT_KUBEFLOW"}

// notForEnvironment reports whether a flag is given on the command line only.
// The --output of other commands than render-check is another flag of that name.
func notForEnvironment(f *pflag.Flag) bool {
	return slices.Contains(notFromEnvironment, f.Name) || f.Name == "output" && f.Value.Type() != reportType
}

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags of a command that were not given from the
// environment. An empty variable is none. Lists are separated by commas.
func fromEnvironment(cmd *cobra.Command, s *program) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value := s.env(envName(f.Name))
		if err != nil || f.Changed || value == "" || notForEnvironment(f) {
			return
		}
		values := []string{value}
		if f.Value.Type() == reportType {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if bad := cmd.Flags().Set(f.Name, strings.TrimSpace(v)); bad != nil && err == nil {
				err = usagef("%s=%s: %w", envName(f.Name), value, bad)
			}
		}
	})
	if err != nil {
		return err
	}
	return unknownVariables(cmd, s)
}

// unknownVariables refuses variables that would otherwise be passed over in
// silence, as one with a misspelt name.
func unknownVariables(cmd *cobra.Command, _ *program) error {
	known := slices.Clone(otherVariables)
	for _, sub := range allCommands(cmd.Root()) {
		sub.Flags().VisitAll(func(f *pflag.Flag) {
			if !notForEnvironment(f) {
				known = append(known, envName(f.Name))
			}
		})
	}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || slices.Contains(known, name) {
			continue
		}
		if words := near.Words(name, known); len(words) > 0 && near.Close(name, words[0]) {
			return usagef("unknown environment variable %s; did you mean %s?", name, words[0])
		}
	}
	return nil
}

func allCommands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		all = append(all, allCommands(sub)...)
	}
	return all
}
