package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/internal/apiserver"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/report"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render"
	"github.com/kfpreflight/kfpreflight/render/input"
)

type renderCheck struct {
	*program
	settings settings
	outputs  outputs
	look     appearance
	limits   limits
	charts   charts
}

func newRenderCheck(s *program) *cobra.Command {
	o := &renderCheck{program: s}
	cmd := &cobra.Command{
		Use:        "render-check [PATH...]",
		SuggestFor: []string{"check", "lint", "validate", "scan", "test"},
		Short:      "Render manifests and say what would break",
		Long: `Renders kustomizations, Helm charts and folders or files of plain YAML, several
at once as one platform, runs the checks on the result, and reports what would
break after apply, with the file and line that caused it.

The default is the working folder; - reads YAML from standard input. Facts about
the cluster, which checks run and what is accepted are read from
` + config.Name + `, in the working folder or above it up to the repository's root.

Exit codes: 0 nothing at the threshold of --fail-on, 1 findings, 2 wrong usage or
configuration, 3 could not finish, 4 timeout or interrupt.`,
		Example: `  # An overlay, for a cluster of Kubernetes 1.34
  kfpreflight render-check overlays/production --kubernetes-version 1.34

  # For people on the terminal, and for code scanning
  kfpreflight render-check overlays/production -o text -o sarif=preflight.sarif

  # A chart with its values, together with a kustomization
  kfpreflight render-check charts/kubeflow overlays/production -f values.yaml

  # What another tool rendered
  kustomize build overlays/production | kfpreflight render-check -`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return o.run(cmd, args)
		},
	}
	o.outputs.register(cmd)
	o.settings.register(cmd, s)
	o.charts.register(cmd)
	o.limits.register(cmd)
	o.look.register(cmd)
	return cmd
}

// deadline is the context of a run with --timeout.
func (l *limits) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, l.timeout, &interruption{fmt.Sprintf("not finished after %s (--timeout)", l.timeout)})
}

func (o *renderCheck) run(cmd *cobra.Command, paths []string) error {
	if err := errors.Join(o.look.validate(), o.limits.validate()); err != nil {
		return err
	}
	settled, err := o.settings.resolve(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := o.limits.deadline(cmd.Context())
	defer cancel()
	progress := newProgress(o.program, &o.look)
	defer progress.done()
	made, err := await(ctx, func() (*report.Report, error) { return o.examine(ctx, settled, paths, progress) })
	if err != nil {
		return err
	}
	progress.done()
	if err := o.write(made); err != nil {
		return err
	}
	if made.Summary.Verdict == "fail" {
		return errFindings
	}
	return nil
}

// note says something beside the result.
func (o *renderCheck) note(progress *progress, format string, args ...any) {
	if !o.look.quiet {
		fmt.Fprintf(lateWriter{o.err, progress}, "kfpreflight: "+format+"\n", args...)
	}
}

// A deprecationCounter keeps kustomize's warnings about deprecated fields to
// one line: every run over a Kubeflow release has some, and they are about
// upstream's files.
type deprecationCounter struct {
	to    io.Writer
	count int
}

func (d *deprecationCounter) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if bytes.HasPrefix(line, []byte("kustomize: Warning: ")) && bytes.Contains(line, []byte("is deprecated")) {
			d.count++
			continue
		}
		if _, err := d.to.Write(line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (d *deprecationCounter) say() {
	if d.count > 0 {
		fmt.Fprintf(d.to, "kustomize: %d fields of kustomizations are deprecated (-v names them)\n", d.count)
	}
}

// examine renders, runs the checks and makes the report.
func (o *renderCheck) examine(ctx context.Context, settled *resolved, paths []string, progress *progress) (*report.Report, error) {
	start := time.Now()
	progress.step("rendering %s", strings.Join(paths, ", "))
	piped := &bytes.Buffer{}
	var warnings io.Writer
	if !o.look.quiet {
		warnings = lateWriter{o.err, progress}
		if !o.look.verbose {
			deprecations := &deprecationCounter{to: warnings}
			warnings = deprecations
			defer deprecations.say()
		}
	}
	inv, sources, err := render.Inventory(ctx, paths, render.Options{
		Stdin: io.TeeReader(o.in, piped), Warnings: warnings, Offline: o.limits.offline, Helm: o.charts.options(settled.target.Kubernetes),
	})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(sources, func(s render.Source) bool { return s.Kind == render.Helm }) {
		if err := o.charts.unused(); err != nil {
			return nil, err
		}
	}
	rendered := time.Now()
	if settled.target.Kubeflow == "" {
		if found := kubeflow.Detect(inv); found.Release != "" {
			settled.target.Kubeflow = found.Release
			o.note(progress, "taking it for Kubeflow %s, by %s; --kubeflow-version says otherwise", found.Release, found.Why)
		}
	}
	progress.step("running %d checks on %d objects", len(settled.selected), inv.Len())
	result, err := o.apply(ctx, inv, settled, piped)
	if err != nil {
		return nil, err
	}
	made := report.New(result, report.Options{
		Tool: tool(), Target: settled.target, Sources: sourcesOf(sources), Rules: settled.selected,
		FailOn: settled.failOn, FailOnUndecided: settled.failOnUndecided,
	})
	if o.look.verbose {
		o.note(progress, "rendered %d objects in %s, checked them in %s", inv.Len(), rendered.Sub(start).Round(time.Millisecond), time.Since(rendered).Round(time.Millisecond))
	}
	return made, nil
}

func sourcesOf(sources []render.Source) []report.Source {
	var list []report.Source
	for _, s := range sources {
		list = append(list, report.Source{Path: s.Path, Kind: string(s.Kind), Objects: s.Objects})
	}
	return list
}

func (o *renderCheck) apply(ctx context.Context, inv *inventory.Inventory, settled *resolved, piped *bytes.Buffer) (*runner.Result, error) {
	result, err := runner.Run(ctx, inv, settled.selected, runner.Options{Cluster: &settled.config.Cluster, Target: settled.target, Jobs: o.limits.jobs, Server: apiserver.New})
	if err != nil {
		return nil, err
	}
	result.Ignore(runner.Ignores{
		Config: settled.config, Now: time.Now(), Selected: settled.selected, All: o.checks,
		Rel: relativeToConfig(settled.config),
		Lines: func(file string) ([]string, error) {
			if piped.Len() > 0 && file == "-" {
				return strings.Split(piped.String(), "\n"), nil
			}
			data, err := input.ReadFile(filepath.FromSlash(file))
			return strings.Split(string(data), "\n"), err
		},
	})
	return result, nil
}

// relativeToConfig names files as the configuration does: from its folder, or,
// where there is none, from the repository's root.
func relativeToConfig(cfg *config.Config) func(string) string {
	base, _ := config.Root(".")
	if cfg.File != "" {
		if dir, err := filepath.Abs(filepath.Dir(filepath.FromSlash(cfg.File))); err == nil {
			base = dir
		}
	}
	rel := relativeTo(base)
	return func(file string) string {
		named, _ := rel(file)
		return named
	}
}

// write renders all outputs before the first is written.
func (o *renderCheck) write(made *report.Report) error {
	list := o.outputs.list
	if len(list) == 0 {
		list = []output{{report.Formats[0], ""}}
	}
	root, _ := config.Root(".")
	var files []written
	var stdout []byte
	toStdout := false
	for _, out := range list {
		style := report.Style{Verbose: o.look.verbose, Quiet: o.look.quiet, Rel: relativeTo(root)}
		if out.file == "" {
			style.Color = o.look.colored(o.program, o.out)
			style.Width, _ = terminal(o.out)
		}
		var b bytes.Buffer
		if err := out.format.Write(&b, made, style); err != nil {
			return fmt.Errorf("writing the report as %s: %w", out.format.Name, err)
		}
		if out.file == "" {
			stdout, toStdout = b.Bytes(), true
			continue
		}
		files = append(files, written{out.file, b.Bytes()})
	}
	if err := writeAll(o.program, files, stdout); err != nil {
		return err
	}
	if !toStdout && !o.look.quiet {
		var names []string
		for _, f := range files {
			names = append(names, f.file)
		}
		fmt.Fprintf(o.err, "kfpreflight: %s; written to %s\n", made.Headline(), strings.Join(names, ", "))
	}
	return nil
}
