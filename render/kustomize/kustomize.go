// Package kustomize renders kustomizations with kustomize's own library and
// finds the way back from a rendered field to the file that set it.
package kustomize

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Version is the release of kustomize whose library renders: what it does to a
// kustomization is what that release's command does.
const Version = "v5.8.2"

// Options of a render.
type Options struct {
	// Warnings receives what kustomize says beside its result, each line once;
	// nil drops it.
	Warnings io.Writer
	// Offline refuses remote bases and files, which kustomize would fetch.
	Offline bool
}

// YAML renders a kustomization, byte for byte as kustomize build prints it.
func YAML(ctx context.Context, dir string, opts Options) ([]byte, error) {
	_, m, err := build(ctx, dir, false, opts)
	if err != nil {
		return nil, err
	}
	return m.AsYaml()
}

// Objects renders a kustomization into located objects, in the order of the
// render.
func Objects(ctx context.Context, dir string, opts Options) ([]*inventory.Object, error) {
	t, m, err := build(ctx, dir, true, opts)
	if err != nil {
		return nil, err
	}
	objects := make([]*inventory.Object, 0, m.Size())
	for _, res := range m.Resources() {
		l, err := t.locator(res)
		if err != nil {
			return nil, err
		}
		content, err := decode(res)
		if err != nil {
			var bad *inventory.DecodeError
			if errors.As(err, &bad) {
				return nil, input.Errorf(t.shown(l.base), bad.Line, "%s", bad.Problem)
			}
			return nil, input.Errorf(t.shown(l.base), 0, "%w", err)
		}
		objects = append(objects, inventory.NewObject(content, l))
	}
	return objects, nil
}

// decode reads a rendered resource, without the annotations that we asked for.
func decode(res *resource.Resource) (map[string]any, error) {
	value, err := inventory.DecodeNode((*yaml.Node)(res.YNode()))
	if err != nil {
		return nil, err
	}
	content, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not a mapping", res.CurId())
	}
	metadata, _ := content["metadata"].(map[string]any)
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		for _, name := range []string{originAnnotation, transformationsAnnotation} {
			delete(annotations, name)
		}
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	return content, nil
}

const (
	originAnnotation          = "config.kubernetes.io/origin"
	transformationsAnnotation = "alpha.config.kubernetes.io/transformations"
)

// build runs kustomize as its command does.
func build(ctx context.Context, dir string, annotated bool, opts Options) (*tree, resmap.ResMap, error) {
	fs := newFileSystem(ctx)
	fs.offline = opts.Offline
	fs.charts.warnings = opts.Warnings
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, nil, err
	}
	t := &tree{root: root, display: filepath.ToSlash(filepath.Clean(dir)), fs: fs, parsed: map[string]*file{}, built: map[string]*kustomization{}}
	if annotated {
		fs.annotate = kustomizationIn(root)
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.PluginConfig.BpLoadingOptions = types.BploUseStaticallyLinked
	var m resmap.ResMap
	said := capture(func() {
		m, err = run(krusty.MakeKustomizer(options), fs, root)
	})
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil, t.diagnose(err)
	}
	if opts.Warnings != nil {
		for _, line := range said {
			// kustomize lists these in the order of a map.
			if before, names, ok := strings.Cut(line, "never replaced: "); ok {
				list := strings.Split(names, ",")
				slices.Sort(list)
				line = before + "never replaced: " + strings.Join(list, ", ")
			}
			fmt.Fprintf(opts.Warnings, "kustomize: %s\n", line)
		}
	}
	return t, m, nil
}

// run turns a panic of the library into an error: hostile input must not end
// the process.
func run(k *krusty.Kustomizer, fs *fileSystem, root string) (m resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	return k.Run(fs, root)
}

var captureLock sync.Mutex

// capture collects what f's libraries print to the process's standard error,
// line by line, each once. kustomize writes its warnings there directly.
func capture(f func()) (lines []string) {
	captureLock.Lock()
	defer captureLock.Unlock()
	r, w, err := os.Pipe()
	if err != nil {
		f()
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			line := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "# "))
			if line != "" && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	stderr, flags, out := os.Stderr, log.Flags(), log.Writer()
	os.Stderr = w
	log.SetOutput(w)
	log.SetFlags(0)
	defer func() {
		os.Stderr = stderr
		log.SetOutput(out)
		log.SetFlags(flags)
		w.Close()
		<-done
		r.Close()
	}()
	f()
	return // after the lines are all there: see the deferred wait
}
