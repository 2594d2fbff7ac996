package kustomize

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

var (
	unknownField  = regexp.MustCompile(`unknown field "([^"]+)"`)
	couldntMake   = regexp.MustCompile(`couldn't make target for path '([^']+)'`)
	yamlAtLine    = regexp.MustCompile(`(?:yaml|MalformedYAMLError): (?:yaml: )?line (\d+): ([^'\n]*?)(?: in File: (\S+))?(?:'|$|\n| in File)`)
	cycle         = regexp.MustCompile(`cycle detected: candidate root '([^']+)'`)
	inFile        = regexp.MustCompile(`in File: ([^\s'"]+)`)
	idConflict    = regexp.MustCompile(`may not add resource with an already registered id: ([^'\s]+)`)
	outsideRoot   = regexp.MustCompile(`file '([^']+)' is not in or below '([^']+)'`)
	missingFile   = regexp.MustCompile(`(?:open|lstat|stat) (\S+): no such file or directory`)
	fromFile      = regexp.MustCompile(`accumulating resources from '([^']+)'`)
	tooManyLinks  = regexp.MustCompile(`evalsymlink failure on '([^']+)' : EvalSymlinks: too many links`)
	noMatch       = regexp.MustCompile(`no matches for Id (\S+?)[;\s]`)
	notKustomized = regexp.MustCompile(`unable to find one of [^']*'kustomization.yaml'.* in directory '([^']+)'`)
)

// diagnose turns kustomize's error into one that names the user's file and,
// where it can be found, the line: kustomize nests what it tried in prose.
func (t *tree) diagnose(err error) error {
	if t.fs.refused != nil {
		var in *input.Error
		if errors.As(t.fs.refused, &in) {
			return &input.Error{File: t.shown(in.File), Line: in.Line, Err: in.Err}
		}
		return t.fs.refused
	}
	text := err.Error()
	top := kustomizationIn(t.root)
	if top == "" {
		return input.Errorf(t.display, 0, "no kustomization.yaml, kustomization.yml or Kustomization in the folder")
	}
	at := top
	if m := couldntMake.FindAllStringSubmatch(text, -1); m != nil {
		if file := kustomizationIn(m[len(m)-1][1]); file != "" {
			at = file
		}
	}
	short := strings.Join(strings.Fields(text), " ")
	if m := unknownField.FindStringSubmatch(text); m != nil {
		return t.at(at, t.lineOfKey(at, m[1]), "unknown field %q in a kustomization", m[1])
	}
	if m := cycle.FindStringSubmatch(text); m != nil {
		file, line := t.mention(m[1])
		return t.at(file, line, "the kustomization includes itself: %s", t.shown(m[1]))
	}
	if m := fromFile.FindAllStringSubmatch(text, -1); m != nil {
		// Our own reading of the file knows the line.
		for _, f := range slices.Backward(m) {
			file := t.resolve(f[1])
			data, ok := t.fs.content[file]
			if !ok {
				continue
			}
			if _, err := manifest.Parse(t.shown(file), data); err != nil {
				return err
			}
		}
	}
	if m := tooManyLinks.FindStringSubmatch(text); m != nil {
		file, line := t.mention(m[1])
		return t.at(file, line, "%s is a symbolic link that leads to itself", t.shown(m[1]))
	}
	if m := yamlAtLine.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		file := at
		if f := inFile.FindStringSubmatch(text); f != nil {
			file = t.resolve(f[1])
		} else if bad := t.unparsable(); bad != "" {
			file = bad
		}
		return t.at(file, line, "malformed YAML: %s", strings.TrimSpace(m[2]))
	}
	if m := idConflict.FindStringSubmatch(text); m != nil {
		if err := t.duplicate(m[1]); err != nil {
			return err
		}
		return t.at(at, 0, "the same object is given twice: %s", m[1])
	}
	if m := noMatch.FindStringSubmatch(text); m != nil {
		if err := t.strayPatch(m[1]); err != nil {
			return err
		}
	}
	if m := outsideRoot.FindStringSubmatch(text); m != nil {
		file, line := t.mention(m[1])
		return t.at(file, line, "%s is outside of the kustomization's folder %s, and kustomize reads no files outside (its load restrictor)", t.shown(m[1]), t.shown(m[2]))
	}
	if m := notKustomized.FindAllStringSubmatch(text, -1); m != nil && !t.fs.IsDir(m[0][1]) {
		file, line := t.mention(m[0][1])
		return t.at(file, line, "%s does not exist", t.shown(m[0][1]))
	} else if m != nil {
		file, line := t.mention(m[0][1])
		return t.at(file, line, "no kustomization.yaml in %s", t.shown(m[0][1]))
	}
	if m := missingFile.FindAllStringSubmatch(text, -1); m != nil {
		missing := m[len(m)-1][1]
		file, line := t.mention(missing)
		return t.at(file, line, "%s does not exist", t.shown(missing))
	}
	return t.at(at, 0, "%s", t.relative(short))
}

// named reads the kind and name of kustomize's id: Kind.version.group/name.namespace.
func named(id string) (kind, name string) {
	left, right, _ := strings.Cut(id, "/")
	kind, _, _ = strings.Cut(left, ".")
	if i := strings.LastIndex(right, "."); i >= 0 {
		right = right[:i]
	}
	return kind, right
}

// duplicate finds the two places of an object that is given twice.
func (t *tree) duplicate(id string) error {
	kind, name := named(id)
	type place struct {
		file string
		line int
	}
	var found []place
	for _, file := range t.fs.reads {
		if f := t.file(file); f != nil && !isKustomization(file) {
			for _, doc := range f.documents {
				if scalarAt(doc, "kind") == kind && scalarAt(doc, "metadata", "name") == name {
					at, _ := inventory.NodeAt(doc, inventory.Path{"metadata", "name"})
					found = append(found, place{file, at.Line})
				}
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	last := found[len(found)-1]
	if len(found) == 1 {
		return t.at(last.file, last.line, "the same object is given twice: %s %s; two kustomizations bring this file", kind, name)
	}
	return t.at(last.file, last.line, "the same object is given twice: %s %s; the other one is at %s:%d", kind, name, t.shown(found[0].file), found[0].line)
}

// strayPatch finds the patch that has no object.
func (t *tree) strayPatch(id string) error {
	kind, name := named(id)
	for _, file := range t.fs.kustomizations() {
		k := t.kustomization(file)
		if k == nil {
			continue
		}
		for _, e := range patchesOf(k) {
			docs, in, shift, _ := t.patchDocuments(k, e)
			for _, doc := range docs {
				if scalarAt(doc, "kind") == kind && scalarAt(doc, "metadata", "name") == name {
					at, _ := inventory.NodeAt(doc, inventory.Path{"metadata", "name"})
					return t.at(in, at.Line+shift, "the patch is for %s %s (%s), which %s does not have", kind, name, id, t.shown(k.path))
				}
			}
		}
	}
	return nil
}

func (t *tree) at(abs string, line int, format string, args ...any) error {
	return &input.Error{File: t.shown(abs), Line: line, Err: fmt.Errorf(format, args...)}
}

// relative shortens absolute paths in a message: results must not depend on
// where the tree lies.
func (t *tree) relative(text string) string {
	parent := filepath.Dir(t.root)
	for i := 0; i < 4 && parent != "/"; i++ {
		text = strings.ReplaceAll(text, parent+"/", "")
		parent = filepath.Dir(parent)
	}
	return text
}

func (t *tree) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	for _, name := range t.fs.reads {
		if strings.HasSuffix(name, "/"+filepath.Clean(path)) {
			return name
		}
	}
	return filepath.Join(t.root, path)
}

// lineOfKey finds the first mapping key of that name in a file; 0 where none.
func (t *tree) lineOfKey(abs, key string) int {
	f := t.file(abs)
	if f == nil {
		return 0
	}
	for _, doc := range f.documents {
		if line := lineOf(doc, func(n *yaml.Node) bool { return n.Value == key }); line > 0 {
			return line
		}
	}
	return 0
}

// mention finds the kustomization and line that name a path, which may be
// absolute.
func (t *tree) mention(path string) (abs string, line int) {
	for _, name := range t.fs.kustomizations() {
		f := t.file(name)
		if f == nil {
			continue
		}
		for _, doc := range f.documents {
			line := lineOf(doc, func(n *yaml.Node) bool {
				value := n.Value
				if _, file, ok := strings.Cut(value, "="); ok {
					value = file
				}
				return value != "" && !strings.Contains(value, "\n") &&
					(value == path || filepath.Join(filepath.Dir(name), value) == filepath.Clean(path))
			})
			if line > 0 {
				return name, line
			}
		}
	}
	return kustomizationIn(t.root), 0
}

func lineOf(node *yaml.Node, match func(*yaml.Node) bool) int {
	if node.Kind == yaml.ScalarNode && match(node) {
		return node.Line
	}
	for _, child := range node.Content {
		if line := lineOf(child, match); line > 0 {
			return line
		}
	}
	return 0
}

// unparsable is the last file read that is not YAML.
func (t *tree) unparsable() string {
	for i := len(t.fs.reads) - 1; i >= 0; i-- {
		name := t.fs.reads[i]
		if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" && !isKustomization(name) {
			continue
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(t.fs.content[name])))
		for {
			var doc yaml.Node
			err := decoder.Decode(&doc)
			if err == nil {
				continue
			}
			if err.Error() != "EOF" {
				return name
			}
			break
		}
	}
	return ""
}
