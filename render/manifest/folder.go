package manifest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Limits of a folder.
const (
	maxEntries = 100_000
	maxBytes   = 512 << 20
	maxDepth   = 64
)

// IsManifest reports whether a file of a folder is read: by its ending, as
// kubectl apply -R does.
func IsManifest(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// Folder reads the manifests in a folder and those below it, in the order of
// their paths. Names that begin with a dot are passed over: they are
// configuration of tools. Symbolic links are followed.
//
// A kustomization or a chart below the folder is an error: its files are not
// what is applied. So is a YAML file that holds something else than objects:
// kubectl would stop there.
func Folder(ctx context.Context, dir string) ([]*inventory.Object, error) {
	files, err := Files(ctx, dir)
	if err != nil {
		return nil, err
	}
	var objects []*inventory.Object
	size := 0
	for _, name := range files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		data, err := input.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if size += len(data); size > maxBytes {
			return nil, input.Errorf(filepath.ToSlash(dir), 0, "the files have more than %d MiB", maxBytes>>20)
		}
		found, err := Parse(filepath.ToSlash(name), data)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// Files lists the files that [Folder] reads.
func Files(ctx context.Context, dir string) ([]string, error) {
	w := &folderWalk{ctx: ctx}
	if err := w.walk(dir, 0); err != nil {
		return nil, err
	}
	if len(w.files) == 0 {
		return nil, input.Errorf(filepath.ToSlash(dir), 0,
			"nothing to render: the folder has no kustomization.yaml, kustomization.yml or Kustomization, no Chart.yaml, and no .yaml, .yml or .json file in it or below it")
	}
	return w.files, nil
}

type folderWalk struct {
	ctx     context.Context
	files   []string
	entries int
}

func (w *folderWalk) walk(dir string, depth int) error {
	if depth > maxDepth {
		return input.Errorf(filepath.ToSlash(dir), 0, "folders are nested deeper than %d", maxDepth)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return input.PathError(dir, err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		if w.ctx.Err() != nil {
			return context.Cause(w.ctx)
		}
		if w.entries++; w.entries > maxEntries {
			return input.Errorf(filepath.ToSlash(dir), 0, "more than %d files and folders", maxEntries)
		}
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if err := w.entry(dir, entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *folderWalk) entry(dir string, entry os.DirEntry, depth int) error {
	name := filepath.Join(dir, entry.Name())
	switch entry.Name() {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return input.Errorf(filepath.ToSlash(name), 0, "a kustomization within a folder of plain manifests; give its folder as a source of its own")
	case "Chart.yaml":
		return input.Errorf(filepath.ToSlash(name), 0, "a Helm chart within a folder of plain manifests; give its folder as a source of its own")
	}
	isDir := entry.IsDir()
	if entry.Type()&os.ModeSymlink != 0 {
		info, err := os.Stat(name)
		if err != nil {
			if !IsManifest(name) {
				return nil // a dangling link that nobody would read
			}
			return input.PathError(name, err)
		}
		if isDir = info.IsDir(); isDir {
			if err := input.LinkLoop(name); err != nil {
				return err
			}
		}
	}
	if isDir {
		return w.walk(name, depth+1)
	}
	if !IsManifest(name) {
		return nil
	}
	w.files = append(w.files, name)
	return nil
}
