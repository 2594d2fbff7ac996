package kustomize

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// fileSystem stands between kustomize and the disk. It keeps what is read
// within the limits of package input, records it for the way back from rendered
// fields, and asks kustomize for origin annotations by adding a line to the top
// kustomization, which the user's file does not have.
type fileSystem struct {
	filesys.FileSystem
	ctx      context.Context
	offline  bool   // refuse what lies on the network
	annotate string // file of the top kustomization that gets the line; empty: none

	mu      sync.Mutex
	reads   []string // in the order of first reading
	content map[string][]byte
	virtual map[string][]byte // files that exist only here, see helmcharts.go
	charts  *charts
	refused error // the first file that could not be taken
}

func newFileSystem(ctx context.Context) *fileSystem {
	return &fileSystem{
		FileSystem: filesys.MakeFsOnDisk(),
		ctx:        ctx,
		content:    map[string][]byte{},
		virtual:    map[string][]byte{},
		charts:     newCharts(),
	}
}

// ReadFile reads a file, as it is on disk, once.
func (fs *fileSystem) ReadFile(name string) ([]byte, error) {
	if fs.ctx.Err() != nil {
		return nil, context.Cause(fs.ctx)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	data, known := fs.content[name]
	if !known {
		var err error
		data, err = fs.read(name)
		if err != nil {
			return nil, err
		}
		fs.content[name] = data
		fs.reads = append(fs.reads, name)
	}
	if name == fs.annotate {
		return withBuildMetadata(data), nil
	}
	return data, nil
}

func (fs *fileSystem) read(name string) ([]byte, error) {
	if data, ok := fs.virtual[name]; ok {
		return data, nil
	}
	if !fs.Exists(name) || fs.IsDir(name) {
		return fs.FileSystem.ReadFile(name) // kustomize probes for names
	}
	data, err := input.ReadFile(name)
	if err == nil && isKustomization(name) {
		err = input.CheckText(name, data)
	}
	if err == nil {
		err = input.CheckAliases(name, data)
	}
	if err != nil {
		if fs.refused == nil {
			fs.refused = err
		}
		return nil, err
	}
	if isKustomization(name) && fs.offline {
		if err := refuseRemote(name, data); err != nil {
			if fs.refused == nil {
				fs.refused = err
			}
			return nil, err
		}
	}
	if isKustomization(name) {
		rewritten, files, err := fs.charts.inflate(fs.ctx, name, data)
		if err != nil {
			if fs.refused == nil {
				fs.refused = err
			}
			return nil, err
		}
		for file, content := range files {
			fs.virtual[file] = content
		}
		data = rewritten
	}
	return data, nil
}

// refuseRemote is an error for the first entry of a kustomization that kustomize
// would fetch.
func refuseRemote(name string, data []byte) error {
	for _, doc := range documents(data) {
		for _, field := range []string{"resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators"} {
			list, reached := inventory.NodeAt(doc, inventory.Path{field})
			if reached < 1 || list.Kind != yaml.SequenceNode {
				continue
			}
			for _, entry := range list.Content {
				if isRemote(entry.Value) {
					return input.Errorf(name, entry.Line, "%s is not on this machine, and --offline refuses to fetch it", entry.Value)
				}
			}
		}
	}
	return nil
}

// isRemote reports whether an entry of a kustomization is a URL or a git
// repository (https://github.com/kubernetes-sigs/kustomize/blob/master/examples/remoteBuild.md).
func isRemote(entry string) bool {
	return !strings.Contains(entry, "\n") && (strings.Contains(entry, "://") || strings.HasPrefix(entry, "git::") ||
		strings.HasPrefix(entry, "git@") || strings.HasPrefix(entry, "github.com/") || strings.HasPrefix(entry, "gh:"))
}

// Exists also knows the virtual files.
func (fs *fileSystem) Exists(name string) bool {
	if _, ok := fs.virtual[name]; ok {
		return true
	}
	return fs.FileSystem.Exists(name)
}

// CleanedAbs also knows the virtual files.
func (fs *fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	if abs, err := filepath.Abs(name); err == nil {
		if _, ok := fs.virtual[abs]; ok {
			dir, _, err := fs.FileSystem.CleanedAbs(filepath.Dir(abs))
			return dir, filepath.Base(abs), err
		}
	}
	return fs.FileSystem.CleanedAbs(name)
}

// kustomizations are the kustomization files that were read, the top one first.
func (fs *fileSystem) kustomizations() []string {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var names []string
	for _, name := range fs.reads {
		if isKustomization(name) {
			names = append(names, name)
		}
	}
	return names
}

func isKustomization(name string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(name))
}

// kustomizationIn finds the kustomization file of a folder; empty where there
// is none.
func kustomizationIn(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := filepath.Join(dir, name)
		if (filesys.MakeFsOnDisk()).Exists(file) {
			return file
		}
	}
	return ""
}

const buildMetadata = "buildMetadata: [originAnnotations, transformerAnnotations]\n"

// withBuildMetadata adds the request for annotations to a kustomization. One
// that asks for some itself gets them all; ours are taken out of the result.
func withBuildMetadata(data []byte) []byte {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return data // kustomize says what is wrong
	}
	top := doc.Content[0]
	if top.Style&yaml.FlowStyle == 0 && !bytes.Contains(data, []byte("buildMetadata")) && !bytes.Contains(data, []byte("\n...")) {
		if !bytes.HasSuffix(data, []byte("\n")) {
			data = append(slices.Clip(data), 0x0a)
		}
		return slices.Concat(data, []byte(buildMetadata))
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value == "buildMetadata" {
			top.Content = slices.Delete(top.Content, i, i+2)
			break
		}
	}
	var ours yaml.Node
	if err := yaml.Unmarshal([]byte(buildMetadata), &ours); err != nil {
		return data
	}
	top.Content = append(top.Content, ours.Content[0].Content...)
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return data
	}
	return out
}
