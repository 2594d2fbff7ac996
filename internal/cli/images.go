package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render"
)

type listImages struct {
	*program
	look   appearance
	limits limits
	config configFlags
	charts charts
	output choice
	mirror string
}

func newImages(s *program) *cobra.Command {
	o := &listImages{program: s, output: choice{"text", []string{"text", "json"}}}
	cmd := &cobra.Command{
		Use:        "images [PATH...]",
		SuggestFor: []string{"image", "pulls", "mirror"},
		Short:      "List every image that the platform pulls",
		Long: `Renders the sources and lists the images that will be pulled, by their full names,
sorted, each once: those of pods, and those that stand in environment variables,
arguments, ConfigMaps and custom resources, from which pipelines, trials, models,
notebooks and sidecars are started. It is what to copy into a registry of your
own.

With --mirror, each line is the image and, after a blank, its name in that
registry. The json output has that name too, or else the one that images.mirror
of the configuration gives. Images whose name cannot be read are said on standard
error; render-check reports them.

The default is the working folder; - reads YAML from standard input.`,
		Example: `  kfpreflight images overlays/production > images.txt

  # Copy them
  kfpreflight images overlays/production --mirror registry.example.com/kubeflow |
    while read -r from to; do skopeo copy --all "docker://$from" "docker://$to"; done

  # Where each one is used
  kfpreflight images overlays/production -o json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return o.run(cmd, args)
		},
	}
	cmd.Flags().VarP(&o.output, "output", "o", "write as `FORMAT`: text or json")
	o.output.complete(cmd, "output")
	cmd.Flags().StringVar(&o.mirror, "mirror", "", "print pairs: the image, and its name in this `REGISTRY`")
	o.config.register(cmd)
	o.charts.register(cmd)
	o.limits.registerTime(cmd)
	o.look.registerQuiet(cmd)
	return cmd
}

// listed is an image in the json output.
type listed struct {
	Image      string      `json:"image"`
	Registry   string      `json:"registry"`
	Repository string      `json:"repository"`
	Tag        string      `json:"tag,omitempty"`
	Digest     string      `json:"digest,omitempty"`
	Mirror     string      `json:"mirror,omitempty"`
	Uses       []listedUse `json:"uses"`
}

// listedUse is one place that names an image.
type listedUse struct {
	What     string `json:"what"`
	Object   string `json:"object"`
	Field    string `json:"field"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Written  string `json:"written"`
	OnDemand bool   `json:"onDemand,omitempty"`
}

func (o *listImages) run(cmd *cobra.Command, paths []string) error {
	if err := o.limits.validate(); err != nil {
		return err
	}
	if strings.ContainsAny(o.mirror, " \t@") || strings.Contains(o.mirror, "://") {
		return usagef("--mirror: %q is no registry: write it as registry.example.com/folder", o.mirror)
	}
	cfg, err := o.config.load()
	if err != nil {
		return err
	}
	version, err := o.config.version(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := o.limits.deadline(cmd.Context())
	defer cancel()
	progress := newProgress(o.program, &o.look)
	defer progress.done()
	progress.step("rendering %s", strings.Join(paths, ", "))
	var warnings io.Writer
	if !o.look.quiet {
		warnings = lateWriter{o.err, progress}
	}
	data, err := await(ctx, func() ([]byte, error) { return o.list(ctx, paths, version, cfg.Images, warnings) })
	if err != nil {
		return err
	}
	progress.done()
	return writeOut(o.program, data)
}

func (o *listImages) list(ctx context.Context, paths []string, version string, policy facts.ImagePolicy, warnings io.Writer) ([]byte, error) {
	inv, sources, err := render.Inventory(ctx, paths, render.Options{Stdin: o.in, Warnings: warnings, Helm: o.charts.options(version)})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(sources, func(s render.Source) bool { return s.Kind == render.Helm }) {
		if err := o.charts.unused(); err != nil {
			return nil, err
		}
	}
	found, unread := collect(inv)
	for _, use := range unread {
		if warnings != nil {
			fmt.Fprintf(warnings, "kfpreflight: left out %q of %s: it is no name of an image\n", use.Image, use.What)
		}
	}
	to := map[string]string{}
	for _, image := range found {
		image.Mirror = mirrorOf(o.mirror, policy, image)
		if other := to[image.Mirror]; image.Mirror != "" && other != "" {
			return nil, &failure{fmt.Errorf("both %s and %s would be %s", other, image.Image, image.Mirror)}
		}
		to[image.Mirror] = image.Image
	}
	var b bytes.Buffer
	if o.output.value == "json" {
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err := encoder.Encode(map[string]any{"version": 1, "images": found})
		return b.Bytes(), err
	}
	for _, image := range found {
		b.WriteString(image.Image)
		if o.mirror != "" {
			b.WriteString(" " + image.Mirror)
		}
		b.WriteString("\n")
	}
	return b.Bytes(), nil
}

// collect gathers the uses by image, sorted by name; unread are those that no
// runtime could pull.
func collect(inv *inventory.Inventory) (found []*listed, unread []images.Use) {
	byName := map[string]*listed{}
	for _, use := range images.Find(inv.View()) {
		r, err := images.Parse(use.Image)
		if err != nil {
			unread = append(unread, use)
			continue
		}
		name := r.String()
		image := byName[name]
		if image == nil {
			image = &listed{Image: name, Registry: r.Registry, Repository: r.Path, Tag: r.Tag, Digest: r.Digest}
			byName[name] = image
		}
		origin := use.Place.Origin()
		image.Uses = append(image.Uses, listedUse{
			What: use.What, Object: use.Place.Object.Key.String(), Field: use.Place.Field(),
			File: origin.File, Line: origin.Line, Written: use.Image, OnDemand: use.Sometimes,
		})
	}
	found = []*listed{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		found = append(found, byName[name])
	}
	return found, unread
}

// mirrorOf is the name of an image in the mirror: the flag's, which keeps the
// path, else the configuration's.
func mirrorOf(registry string, policy facts.ImagePolicy, image *listed) string {
	r := images.Reference{Registry: image.Registry, Path: image.Repository, Tag: image.Tag, Digest: image.Digest}
	if registry == "" {
		name, _ := images.Mirrored(policy, r)
		return name
	}
	return strings.TrimSuffix(registry, "/") + strings.TrimPrefix(r.String(), r.Registry)
}
