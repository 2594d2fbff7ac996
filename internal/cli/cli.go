// Package cli is the command line: flags, streams and exit codes. One file per
// command; what a command does stands in the packages that it calls.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/checks/all"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

// Exit codes. They never depend on the format of a report.
const (
	exitOK          = 0 // no finding at the threshold
	exitFindings    = 1
	exitUsage       = 2 // wrong flags, configuration, check or version
	exitFailed      = 3 // could not finish: nothing is said about the manifests
	exitInterrupted = 4 // by a signal or --timeout
)

// A program is what commands share.
type program struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	checks   []*checks.Check // all that can be selected, in the order of the documentation
}

// usageError is the user's to repair: exit code 2.
type usageError struct {
	err  error
	hint string // a command to run
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// errFindings ends a run that found something at the threshold; the report has
// said it.
var errFindings = errors.New("findings at the threshold")

// failure marks an error of a command that ran, which is not one of usage.
type failure struct{ err error }

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

// interruption is why a run ended early: exit code 4.
type interruption struct{ text string }

func (e *interruption) Error() string { return e.text }

// panicked is a mistake of ours.
type panicked struct {
	value any
	stack []byte
}

func (e *panicked) Error() string { return fmt.Sprintf("internal error: %v", e.value) }

// sayPanic asks to report a mistake of ours.
func sayPanic(w io.Writer, err error, stack []byte) int {
	printErrors(w, err)
	fmt.Fprintf(w, `This is a mistake in kfpreflight, not in your manifests. Please report it, with
what follows, at https://github.com/kfpreflight/kfpreflight/issues

kfpreflight %s
%s`, Version(), stack)
	return exitFailed
}

// Main runs the program and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if os.Getenv("GOGC") == "" {
		// A run allocates much and ends soon: with the default of 100 a third
		// of its time goes into collecting garbage.
		debug.SetGCPercent(400)
	}
	p := &program{in: stdin, out: stdout, err: stderr, env: os.Getenv, checks: everyCheck()}
	return p.run(args)
}

func everyCheck() []*checks.Check { return slices.Concat(all.Checks, runner.Checks) }

func (p *program) run(args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			code = say(p.err, &panicked{r, debug.Stack()})
		}
	}()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if s, ok := <-signals; ok {
			signal.Stop(signals) // a second one ends the process at once
			cancel(&interruption{"interrupted: " + s.String()})
		}
	}()
	defer func() { signal.Stop(signals); close(signals) }()
	// A reader that goes away ends the writing, not the process: the exit code
	// stays the verdict's.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)

	root := newRoot(p)
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	return say(p.err, root.ExecuteContext(ctx))
}

// say writes why a run ended, where it has to be said, and returns the code.
func say(w io.Writer, err error) int {
	var usage *usageError
	var interrupted *interruption
	var failed *failure
	var crash *panicked
	var broken *runner.Panic
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &interrupted):
		printErrors(w, err)
		return exitInterrupted
	case errors.As(err, &usage):
		printErrors(w, err)
		if usage.hint != "" {
			fmt.Fprintf(w, "Run '%s' for help.\n", usage.hint)
		}
		return exitUsage
	case errors.As(err, &crash):
		return sayPanic(w, err, crash.stack)
	case errors.As(err, &broken):
		return sayPanic(w, err, broken.Stack)
	case errors.As(err, &failed):
		printErrors(w, err)
		return exitFailed
	}
	// What remains is cobra's: arguments that it refused.
	printErrors(w, err)
	fmt.Fprintf(w, "Run 'kfpreflight --help' for help.\n")
	return exitUsage
}

// printErrors writes each of several joined errors on a line of its own.
func printErrors(w io.Writer, err error) {
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		fmt.Fprintf(w, "kfpreflight: %s\n", line)
	}
}

// await runs work that may not watch the context, and gives up on it when the
// context ends: the process is about to end then. A panic becomes an error.
func await[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = &panicked{p, debug.Stack()}
			}
			done <- r
		}()
		r.value, r.err = work()
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = context.Cause(ctx)
	}
	if r.err != nil && ctx.Err() != nil {
		r.err = context.Cause(ctx)
	}
	return r.value, r.err
}

// newRoot builds the command tree.
func newRoot(s *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "kfpreflight",
		Short: "Says what would break before Kubeflow is applied",
		Long: `kfpreflight renders Kubeflow's manifests (kustomizations, Helm charts and plain
YAML) without a cluster, says what would break after they are applied, and
where in your own files.`,
		Example: `  # Check what the folder holds
  kfpreflight render-check overlays/production

  # Say why a check reports something, with an example
  kfpreflight explain rbac/dangling-role-ref`,
		Version:       Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			cmd.SetOut(s.err)
			if err := cmd.Help(); err != nil {
				return err
			}
			return usagef("no command given")
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd, s) },
	}
	root.SetVersionTemplate("kfpreflight {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text := err.Error()
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) > 1 {
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				if !f.Hidden {
					names = append(names, f.Name)
				}
			})
			if words := near.Words(unknown.GetSpecifiedName(), names); len(words) > 0 {
				text += "; did you mean --" + strings.Join(words, " or --") + "?"
			}
		}
		return &usageError{err: errors.New(text), hint: cmd.CommandPath() + " --help"}
	})
	root.AddCommand(
		newRenderCheck(s),
		newRender(s),
		newImages(s),
		newExplain(s),
		newChecks(s),
		newConfig(s),
		newVersion(s),
	)
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Hidden = true
		case "completion": // cobra would print its help for any shell
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, group
		}
	}
	root.SuggestionsMinimumDistance = 2
	for _, cmd := range root.Commands() {
		wrap(cmd)
	}
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	hint := near.Hint(name, names)
	if meant := cmd.SuggestionsFor(name); hint == "" && len(meant) > 0 {
		hint = "; did you mean " + strings.Join(meant, " or ") + "?"
	}
	return &usageError{err: fmt.Errorf("unknown command %q%s", name, hint), hint: cmd.CommandPath() + " --help"}
}

// wrap tells errors of arguments, which are usage, from those of the command.
func wrap(cmd *cobra.Command) {
	hint := cmd.CommandPath() + " --help"
	if args := cmd.Args; args != nil {
		cmd.Args = func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return &usageError{err: err, hint: hint}
			}
			return nil
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, given []string) error {
			err := run(cmd, given)
			if err == nil || errors.Is(err, errFindings) {
				return err
			}
			var usage *usageError
			var interrupted *interruption
			if errors.As(err, &usage) || errors.As(err, &interrupted) {
				return err
			}
			return &failure{err}
		}
	}
	for _, sub := range cmd.Commands() {
		wrap(sub)
	}
}

// group is the RunE of a command that only holds others.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return &usageError{err: fmt.Errorf("%s needs a command", cmd.CommandPath()), hint: cmd.CommandPath() + " --help"}
}
