package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/render"
)

type renderCommand struct {
	*program
	look   appearance
	limits limits
	config configFlags
	charts charts
	file   string
}

func newRender(s *program) *cobra.Command {
	o := &renderCommand{program: s}
	cmd := &cobra.Command{
		Use:        "render [PATH]",
		SuggestFor: []string{"build", "template"},
		Short:      "Print what render-check looks at",
		Long: `Renders one source and prints the manifests. Of a kustomization they are, byte
for byte, what kustomize build prints; of a chart, what helm template prints for the
Kubernetes version of --kubernetes-version or the configuration.

The default is the working folder; - reads standard input.`,
		Example: `  kfpreflight render overlays/production | less

  kfpreflight render charts/kubeflow -f values.yaml -o rendered.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return o.run(cmd, args[0])
		},
	}
	cmd.Flags().StringVarP(&o.file, "output", "o", "", "write to this `FILE` instead of standard output")
	o.config.register(cmd)
	o.charts.register(cmd)
	o.limits.registerTime(cmd)
	o.look.registerQuiet(cmd)
	return cmd
}

func (o *renderCommand) run(cmd *cobra.Command, path string) error {
	if err := o.limits.validate(); err != nil {
		return err
	}
	cfg, err := o.config.load()
	if err != nil {
		return err
	}
	version, err := o.config.version(cfg)
	if err != nil {
		return err
	}
	var warnings io.Writer
	ctx, cancel := o.limits.deadline(cmd.Context())
	defer cancel()
	progress := newProgress(o.program, &o.look)
	defer progress.done()
	progress.step("rendering %s", path)
	if !o.look.quiet {
		warnings = lateWriter{o.err, progress}
	}
	data, err := await(ctx, func() ([]byte, error) {
		return render.YAML(ctx, path, render.Options{Stdin: o.in, Warnings: warnings, Offline: o.limits.offline, Helm: o.charts.options(version)})
	})
	if err != nil {
		return err
	}
	progress.done()
	if o.file != "" {
		return writeAll(o.program, []written{{o.file, data}}, nil)
	}
	return writeOut(o.program, data)
}
