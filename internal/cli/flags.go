package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/report"
)

// outputs is -o: at most one to stdout, any number to files.
type outputs struct {
	list []output
}

type output struct {
	format report.Format
	file   string // empty: stdout
}

const reportType = "format[=file]"

func (o *outputs) Type() string { return reportType }

func (o *outputs) String() string {
	var texts []string
	for _, out := range o.list {
		text := out.format.Name
		if out.file != "" {
			text += "=" + out.file
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ",")
}

// Set reads FORMAT or FORMAT=FILE.
func (o *outputs) Set(value string) error {
	name, file, hasFile := strings.Cut(value, "=")
	i := slices.IndexFunc(report.Formats, func(f report.Format) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("unknown format %q: known are %s%s", name, strings.Join(formatNames(), ", "), near.Hint(name, formatNames()))
	}
	if hasFile && file == "" {
		return fmt.Errorf("%s= names no file", name)
	}
	for _, other := range o.list {
		switch {
		case file == "" && other.file == "":
			return fmt.Errorf("both %s and %s would go to standard output; give one of them a file: %s=FILE", other.format.Name, name, other.format.Name)
		case file != "" && filepath.Clean(file) == filepath.Clean(other.file):
			return fmt.Errorf("both %s and %s would go to %s", other.format.Name, name, file)
		}
	}
	o.list = append(o.list, output{report.Formats[i], file})
	return nil
}

func formatNames() []string {
	var names []string
	for _, f := range report.Formats {
		names = append(names, f.Name)
	}
	return names
}

func (o *outputs) register(cmd *cobra.Command) {
	cmd.Flags().VarP(o, "output", "o", "write the report as `FORMAT[=FILE]`; may be repeated, at most one to standard output: "+strings.Join(formatNames(), ", ")+" (default text)")
	cmd.Flags().Var(o, "format", "the same as --output")
	_ = cmd.Flags().MarkHidden("format")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp))
}

// choice is a flag with a few values.
type choice struct {
	value string
	of    []string
}

func (c *choice) Type() string   { return "string" }
func (c *choice) String() string { return c.value }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.of, value) {
		return fmt.Errorf("must be one of %s%s", strings.Join(c.of, ", "), near.Hint(value, c.of))
	}
	c.value = value
	return nil
}

func (c *choice) complete(cmd *cobra.Command, flag string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(c.of, cobra.ShellCompDirectiveNoFileComp))
}

// appearance is how much is said, and how.
type appearance struct {
	color   choice
	quiet   bool
	verbose bool
}

func (a *appearance) register(cmd *cobra.Command) {
	a.registerColor(cmd)
	a.registerQuiet(cmd)
	cmd.Flags().BoolVarP(&a.verbose, "verbose", "v", false, "say everything: each undecided and accepted finding, coverage, times")
}

func (a *appearance) registerQuiet(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "say nothing but results and errors")
}

func (a *appearance) registerColor(cmd *cobra.Command) {
	a.color = choice{"auto", []string{"auto", "always", "never"}}
	cmd.Flags().Var(&a.color, "color", "`WHEN` to use colours: auto, always or never; auto heeds NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE")
	a.color.complete(cmd, "color")
}

func (a *appearance) validate() error {
	if a.quiet && a.verbose {
		return usagef("--quiet and --verbose contradict each other")
	}
	return nil
}

// colored decides by the flag, then the environment, then the terminal.
func (a *appearance) colored(s *program, w io.Writer) bool {
	switch a.color.value {
	case "always":
		return true
	case "never":
		return false
	}
	forced := func(name string) bool {
		v := s.env(name)
		return v != "" && v != "0" && v != "false"
	}
	switch {
	case s.env("NO_COLOR") != "":
		return false
	case forced("FORCE_COLOR"), forced("CLICOLOR_FORCE"):
		return true
	case s.env("FORCE_COLOR") != "", s.env("CLICOLOR") == "0", s.env("TERM") == "dumb":
		return false
	}
	_, tty := terminal(w)
	return tty
}

// terminal reports whether a stream is one, and how wide.
func terminal(w any) (width int, tty bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return width, true
}

// limits are about time and processors.
type limits struct {
	timeout time.Duration
	jobs    int
	offline bool
}

func (l *limits) register(cmd *cobra.Command) {
	l.registerTime(cmd)
	cmd.Flags().IntVar(&l.jobs, "jobs", 0, "run `N` checks at once; 0 means one for each processor")
}

func (l *limits) registerTime(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&l.timeout, "timeout", 0, "give up after this `DURATION`, as 90s or 5m (exit code 4); 0 means never")
	cmd.Flags().BoolVar(&l.offline, "offline", false, "refuse whatever would need the network")
}

func (l *limits) validate() error {
	if l.timeout < 0 {
		return usagef("--timeout must not be negative")
	}
	if l.jobs < 0 {
		return usagef("--jobs must not be negative")
	}
	return nil
}

// progress says on a terminal what is being done, in one line that goes away.
type progress struct {
	w     io.Writer
	mu    sync.Mutex // work that was given up on still reports
	shown bool
}

func newProgress(s *program, a *appearance) *progress {
	if _, tty := terminal(s.err); !tty || a.quiet || s.env("CI") != "" || s.env("TERM") == "dumb" {
		return &progress{}
	}
	return &progress{w: s.err}
}

func (p *progress) step(format string, args ...any) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "\r\x1b[K"+format+"…", args...)
	p.shown = true
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// lateWriter clears the progress line before it writes.
type lateWriter struct {
	w io.Writer
	p *progress
}

func (l lateWriter) Write(b []byte) (int, error) {
	l.p.done()
	return l.w.Write(b)
}

// writeAll writes files first and standard output last, so that a file that
// cannot be written leaves no half of a result behind.
func writeAll(s *program, files []written, stdout []byte) error {
	for _, f := range files {
		if err := writeFile(f.file, f.data); err != nil {
			return fmt.Errorf("writing %s: %w", f.file, withoutPath(err))
		}
	}
	return writeOut(s, stdout)
}

type written struct {
	file string
	data []byte
}

// writeOut writes a result. A reader that went away has had enough of it.
func writeOut(s *program, data []byte) error {
	if _, err := io.Copy(s.out, bytes.NewReader(data)); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("writing to standard output: %w", withoutPath(err))
	}
	return nil
}

func withoutPath(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// writeFile replaces a file as a whole or not at all. What is no regular file,
// as /dev/stdout or a pipe, is written to as it is.
func writeFile(name string, data []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		if info.IsDir() {
			return errors.New("is a directory")
		}
		if !info.Mode().IsRegular() {
			f, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.Write(data)
			return errors.Join(err, f.Close())
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
