package kustomize

import (
	"bytes"
	"path/filepath"
	"sync"

	yaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/kfpreflight/kfpreflight/render/input"
)

// A tree is the files behind one render. It parses them when a finding asks
// for a line, never before.
type tree struct {
	root    string // absolute folder of the top kustomization
	display string // the same as the user wrote it
	fs      *fileSystem

	mu     sync.Mutex
	parsed map[string]*file
	built  map[string]*kustomization
}

// A file is the documents of a YAML file.
type file struct {
	text      []byte
	documents []*yaml.Node
}

// A kustomization is one kustomization file: decoded, and as nodes for lines.
type kustomization struct {
	path  string // absolute
	node  *yaml.Node
	value types.Kustomization
}

// shown is a file's name as the user would write it.
func (t *tree) shown(abs string) string {
	rel, err := filepath.Rel(t.root, abs)
	if err != nil {
		return filepath.ToSlash(abs)
	}
	return filepath.ToSlash(filepath.Join(t.display, rel))
}

// read returns a file's text as the render read it.
func (t *tree) read(abs string) ([]byte, bool) {
	t.fs.mu.Lock()
	data, ok := t.fs.content[abs]
	t.fs.mu.Unlock()
	if ok {
		return data, true
	}
	data, err := input.ReadFile(abs)
	return data, err == nil
}

// file parses a YAML file; nil where it does not parse.
func (t *tree) file(abs string) *file {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, known := t.parsed[abs]; known {
		return f
	}
	var f *file
	if text, ok := t.read(abs); ok {
		f = &file{text: text, documents: documents(text)}
	}
	t.parsed[abs] = f
	return f
}

func documents(text []byte) []*yaml.Node {
	var docs []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); err != nil {
			return docs
		}
		docs = append(docs, doc.Content[0])
	}
}

// kustomization reads a kustomization file; nil where it cannot.
func (t *tree) kustomization(abs string) *kustomization {
	f := t.file(abs)
	if f == nil || len(f.documents) == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if k, known := t.built[abs]; known {
		return k
	}
	k := &kustomization{path: abs, node: f.documents[0]}
	if err := k.value.Unmarshal(f.text); err != nil {
		k = nil
	}
	t.built[abs] = k
	return k
}

// dir is the folder that the kustomization's paths start from.
func (k *kustomization) dir() string { return filepath.Dir(k.path) }

// join resolves a path of the kustomization.
func (k *kustomization) join(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(k.dir(), path)
}
