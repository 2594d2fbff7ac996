// Package render turns sources into an inventory: kustomizations, Helm charts
// and plain manifests, several at once as one platform.
package render

import (
	"context"
	"fmt"
	"io"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
	"github.com/kfpreflight/kfpreflight/render/kustomize"
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
	Warnings io.Writer // what the renderers say beside their result
}

// Inventory renders the sources at the paths as one platform. A source that
// gives no object is an error, so that an empty render is never a clean one.
func Inventory(ctx context.Context, paths []string, opts Options) (*inventory.Inventory, []Source, error) {
	var all []*inventory.Object
	var sources []Source
	for i, path := range paths {
		objects, source, err := one(ctx, path, opts)
		if err != nil {
			return nil, nil, fmt.Errorf("rendering %s: %w", path, err)
		}
		if len(objects) == 0 {
			return nil, nil, fmt.Errorf("rendering %s: %w", path, input.Errorf(path, 0, "no objects"))
		}
		for _, o := range objects {
			o.Source = i
		}
		source.Objects = len(objects)
		sources = append(sources, source)
		all = append(all, objects...)
	}
	inv, err := inventory.New(all)
	return inv, sources, err
}

func one(ctx context.Context, path string, opts Options) ([]*inventory.Object, Source, error) {
	objects, err := kustomize.Objects(ctx, path, kustomize.Options{Warnings: opts.Warnings})
	return objects, Source{Path: path, Kind: Kustomize}, err
}
