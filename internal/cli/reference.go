package cli

import (
	_ "embed" // the text around the commands
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// referenceHead is what docs/cli.md says before the commands.
//
//go:embed reference.md
var referenceHead string

// Reference writes docs/cli.md: what holds for all commands, then each
// command as its --help has it.
func Reference() (string, error) {
	root := newRoot(&program{env: func(string) string { return "" }, checks: everyCheck()})
	var b strings.Builder
	b.WriteString(strings.TrimRight(referenceHead, "\n") + "\n")
	b.WriteString("\n## Environment\n\nA flag that is not given is read from the variable of its name. An empty variable\nis none; lists are separated by commas. A variable whose name is nearly one of\nthese is refused. Flags of charts are not read from the environment.\n\n")
	seen := map[string]bool{}
	for _, cmd := range allCommands(root) {
		if !cmd.IsAvailableCommand() || isCompletion(cmd) {
			continue
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := envName(f.Name)
			if f.Hidden || seen[name] || notForEnvironment(f) {
				return
			}
			seen[name] = true
			fmt.Fprintf(&b, "* `%s`: `--%s`\n", name, f.Name)
		})
	}
	b.WriteString("\n## Commands\n")
	for _, cmd := range allCommands(root) {
		if cmd == root || !cmd.IsAvailableCommand() || isCompletion(cmd) && cmd.Name() != "completion" {
			continue
		}
		describeCommand(&b, cmd)
	}
	return b.String(), nil
}

func isCompletion(cmd *cobra.Command) bool {
	return cmd.Name() == "completion" || cmd.HasParent() && cmd.Parent().Name() == "completion"
}

func describeCommand(b *strings.Builder, cmd *cobra.Command) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	if cmd.Name() == "completion" {
		text = "Prints the script that completes commands, flags, checks and versions in a shell:\nbash, zsh, fish or powershell."
	}
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n```text\n%s\n```\n", strings.TrimPrefix(cmd.CommandPath(), "kfpreflight "), strings.TrimSpace(text), cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", unindent(cmd.Example))
	}
	if flags := strings.TrimRight(cmd.LocalFlags().FlagUsages(), "\n"); flags != "" && !isCompletion(cmd) {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", flags)
	}
}

func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
