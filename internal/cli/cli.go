// Package cli is the command line: flags, streams and exit codes.
package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/kfpreflight/kfpreflight/checks/all"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render"
)

// Main runs the program and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == "render-check" {
		inv, _, err := render.Inventory(context.Background(), args[1:], render.Options{Stdin: stdin, Warnings: stderr})
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 3
		}
		result, err := runner.Run(context.Background(), inv, all.Checks, runner.Options{})
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 3
		}
		for _, f := range result.Findings {
			origin := f.Place.Origin()
			fmt.Fprintf(stdout, "%s:%d: %s: %s [%s] (%s) undecided=%v\n", origin.File, origin.Line, f.Severity, f.Message, f.Check.ID, f.Place.Field(), f.Undecided)
		}
		return 0
	}
	return 2
}
