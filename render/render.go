// Package render turns sources into an inventory: kustomizations, Helm charts
// and plain manifests, several at once as one platform.
package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/helm"
	"github.com/kfpreflight/kfpreflight/render/input"
	"github.com/kfpreflight/kfpreflight/render/kustomize"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// A SourceKind is an input language.
type SourceKind string

const (
	Kustomize SourceKind = "kustomize"
	Helm      SourceKind = "helm"
	Manifests SourceKind = "manifests"
	Stdin     SourceKind = "stdin"
)

// A Source is one input as it was found.
type Source struct {
	Path    string // as the user gave it; "-" is standard input
	Kind    SourceKind
	Objects int // how many it gave
}

// Options of a render.
type Options struct {
	Stdin    io.Reader
	Warnings io.Writer // what the renderers say beside their result; nil drops it

	// Offline refuses what would have to be fetched: remote bases and files.
	Offline bool

	// Helm holds for the charts among the sources. Values and a release name
	// are meant for one chart: with several, they are an error.
	Helm helm.Options
}

// Inventory renders the sources at the paths as one platform. A source that
// gives no object is an error, so that an empty render is never a clean one. So
// is an object that is given twice. Errors about the input are of type
// [*input.Error].
//
// A source is a kustomization, a Helm chart (folder or archive), a folder of
// manifests, one file of manifests, or - for manifests on standard input.
func Inventory(ctx context.Context, paths []string, opts Options) (*inventory.Inventory, []Source, error) {
	targets, err := detectAll(paths, opts)
	if err != nil {
		return nil, nil, err
	}
	var all []*inventory.Object
	var sources []Source
	for i, t := range targets {
		objects, err := t.objects(ctx, opts)
		if err != nil {
			return nil, nil, fmt.Errorf("rendering %s: %w", t.given, err)
		}
		if len(objects) == 0 {
			return nil, nil, fmt.Errorf("rendering %s: %w", t.given, input.Errorf(filepath.ToSlash(t.given), 0, "no objects: nothing would be applied"))
		}
		for _, o := range objects {
			o.Source = i
		}
		sources = append(sources, Source{Path: t.given, Kind: t.kind, Objects: len(objects)})
		all = append(all, objects...)
	}
	manifest.Distinguish(all)
	inv, err := inventory.New(all)
	if err != nil {
		return nil, nil, duplicate(err)
	}
	return inv, sources, nil
}

// YAML renders one source and returns its manifests: of a kustomization what
// kustomize build prints, of a chart what helm template prints, of plain
// manifests their files one after the other.
func YAML(ctx context.Context, path string, opts Options) ([]byte, error) {
	t, err := detect(path, opts)
	if err != nil {
		return nil, err
	}
	data, err := t.yaml(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", path, err)
	}
	return data, nil
}

// A target is a source that was recognised.
type target struct {
	given string
	path  string
	kind  SourceKind
}

func detectAll(paths []string, opts Options) ([]target, error) {
	var targets []target
	var stdin, charts int
	for _, path := range paths {
		t, err := detect(path, opts)
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case Stdin:
			stdin++
		case Helm:
			charts++
		}
		targets = append(targets, t)
	}
	if stdin > 1 {
		return nil, input.Errorf("-", 0, "standard input can be read once only")
	}
	if charts > 1 && opts.Helm.HasValues() {
		return nil, errors.New("values and a release name are for one chart, and several are given")
	}
	return targets, nil
}

var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// detect tells what a source is, by what the file system shows.
func detect(path string, opts Options) (target, error) {
	t := target{given: path, path: path}
	if path == "-" {
		t.kind = Stdin
		return t, nil
	}
	if strings.Contains(path, "://") {
		return t, input.Errorf(path, 0, "sources are not fetched; give a local path")
	}
	info, err := os.Stat(path)
	if err != nil {
		return t, input.PathError(path, err)
	}
	if info.IsDir() {
		var found []string
		for _, name := range append(slices.Clone(kustomizationNames), "Chart.yaml") {
			if info, err := os.Stat(filepath.Join(path, name)); err == nil && !info.IsDir() {
				found = append(found, name)
			}
		}
		switch {
		case len(found) == 0:
			t.kind = Manifests
		case found[0] == "Chart.yaml":
			t.kind = Helm
		default:
			t.kind = Kustomize
			if slices.Contains(found, "Chart.yaml") && opts.Warnings != nil {
				fmt.Fprintf(opts.Warnings, "warning: %s has a %s and a Chart.yaml; it is rendered by kustomize\n", filepath.ToSlash(path), found[0])
			}
		}
		return t, nil
	}
	if !info.Mode().IsRegular() {
		return t, input.Errorf(filepath.ToSlash(path), 0, "neither a file nor a folder")
	}
	base := filepath.Base(path)
	switch {
	case slices.Contains(kustomizationNames, base):
		t.kind, t.path = Kustomize, filepath.Dir(path)
	case base == "Chart.yaml":
		t.kind, t.path = Helm, filepath.Dir(path)
	case strings.HasSuffix(base, ".tgz"), strings.HasSuffix(base, ".tar.gz"):
		t.kind = Helm
	default:
		t.kind = Manifests
	}
	return t, nil
}

func (t target) objects(ctx context.Context, opts Options) ([]*inventory.Object, error) {
	switch t.kind {
	case Stdin:
		data, err := t.stdin(ctx, opts)
		if err != nil {
			return nil, err
		}
		return manifest.Parse("-", data)
	case Kustomize:
		return kustomize.Objects(ctx, t.path, kustomize.Options{Warnings: opts.Warnings, Offline: opts.Offline})
	case Helm:
		return helm.Objects(ctx, t.path, t.helm(opts))
	}
	if info, err := os.Stat(t.path); err == nil && info.IsDir() {
		return manifest.Folder(ctx, t.path)
	}
	data, err := input.ReadFile(t.path)
	if err != nil {
		return nil, err
	}
	return manifest.Parse(filepath.ToSlash(filepath.Clean(t.path)), data)
}

func (t target) yaml(ctx context.Context, opts Options) ([]byte, error) {
	switch t.kind {
	case Kustomize:
		return kustomize.YAML(ctx, t.path, kustomize.Options{Warnings: opts.Warnings, Offline: opts.Offline})
	case Helm:
		result, err := helm.Render(ctx, helm.Disk{}, t.path, t.helm(opts))
		if err != nil {
			return nil, err
		}
		return result.Manifest, nil
	case Stdin:
		return t.stdin(ctx, opts)
	}
	info, err := os.Stat(t.path)
	if err != nil {
		return nil, input.PathError(t.path, err)
	}
	if !info.IsDir() {
		return input.ReadFile(t.path)
	}
	files, err := manifest.Files(ctx, t.path)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, file := range files {
		data, err := input.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "---\n# Source: %s\n%s", filepath.ToSlash(file), data)
		if !bytes.HasSuffix(data, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), nil
}

func (t target) stdin(ctx context.Context, opts Options) ([]byte, error) {
	if opts.Stdin == nil {
		return nil, input.Errorf("-", 0, "there is no standard input")
	}
	return input.ReadStream(ctx, "-", opts.Stdin)
}

func (t target) helm(opts Options) helm.Options {
	o := opts.Helm
	if o.Warnings == nil {
		o.Warnings = opts.Warnings
	}
	return o
}

// duplicate gives the error about an object that is given twice its place.
func duplicate(err error) error {
	var d *inventory.Duplicate
	if !errors.As(err, &d) {
		return err
	}
	first, second := d.First.At("metadata", "name").Origin(), d.Second.At("metadata", "name").Origin()
	other := first.File
	if first.Line > 0 {
		other = fmt.Sprintf("%s:%d", first.File, first.Line)
	}
	return input.Errorf(second.File, second.Line, "%s is given twice; the other one is at %s", d.Second.Key, other)
}
