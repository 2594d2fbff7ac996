package kustomize

import (
	"encoding/base64"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A locator knows where one object came from: the file that holds it and the
// kustomizations that it went through, innermost first. Where a field was set
// is found by asking them from the last to the first for one that sets this
// field to the value that was rendered: the last writer wins, and the value
// proves it.
type locator struct {
	tree      *tree
	base      string // absolute; the file with the object, or the kustomization that generates it
	remote    string // where the file is not in the user's tree
	generator bool
	lost      bool // the origin is not known; the base must be looked for
	chain     []step
}

// A step is one transformer that the object went through.
type step struct {
	configuredIn string // absolute
	kind         string // as kustomize calls it: "PatchTransformer"
}

func (t *tree) locator(res *resource.Resource) (*locator, error) {
	l := &locator{tree: t}
	origin, err := res.GetOrigin()
	if err != nil {
		return nil, err
	}
	if origin == nil || (origin.ConfiguredBy.APIVersion == "builtin" && strings.Contains(origin.ConfiguredBy.Kind, "Transformer")) {
		// A patch that replaces all annotations takes ours away too; kustomize
		// then takes the next transformer for the maker of the object.
		l.lost = true
		l.base = kustomizationIn(t.root)
		for _, name := range slices.Backward(t.fs.kustomizations()) {
			for _, kind := range []string{"PatchTransformer", "NamespaceTransformer", "LabelTransformer", "ReplicaCountTransformer", "ImageTagTransformer", "ReplacementTransformer"} {
				l.chain = append(l.chain, step{name, kind})
			}
		}
		return l, nil
	}
	path := origin.Path
	if origin.ConfiguredIn != "" {
		path, l.generator = origin.ConfiguredIn, true
	}
	l.base = filepath.Join(t.root, path)
	if origin.Repo != "" {
		l.remote = origin.Repo + "//" + path
		if origin.Ref != "" {
			l.remote += "?ref=" + origin.Ref
		}
	}
	transformations, err := res.GetTransformations()
	if err != nil {
		return nil, err
	}
	for _, origin := range transformations {
		s := step{filepath.Join(t.root, origin.ConfiguredIn), origin.ConfiguredBy.Kind}
		if origin.Repo == "" && (len(l.chain) == 0 || l.chain[len(l.chain)-1] != s) {
			l.chain = append(l.chain, s)
		}
	}
	return l, nil
}

// A wish is one question to a locator.
type wish struct {
	obj   *inventory.Object
	path  inventory.Path // exists in the object
	value any
	line  int
}

// Locate implements [inventory.Locator].
func (l *locator) Locate(obj *inventory.Object, path inventory.Path, line int) inventory.Origin {
	content := any(obj.Content())
	whole := len(path)
	value, found := inventory.Lookup(content, path)
	for !found {
		path = path[:len(path)-1]
		value, found = inventory.Lookup(content, path)
	}
	if len(path) < whole {
		line = 0
	}
	w := &wish{obj, path, value, line}
	if l.remote != "" {
		if origin, ok := l.transformed(w); ok {
			return origin
		}
		return inventory.Origin{File: l.remote}
	}
	if origin, ok := l.transformed(w); ok {
		return origin
	}
	if l.generator {
		return l.generated(w)
	}
	return l.tree.outOfChart(l.inBase(w, len(path) < whole))
}

// transformed asks the kustomizations, last first, whether they set the value.
func (l *locator) transformed(w *wish) (inventory.Origin, bool) {
	for _, s := range slices.Backward(l.chain) {
		k := l.tree.kustomization(s.configuredIn)
		if k == nil {
			continue
		}
		var origin inventory.Origin
		var ok bool
		switch s.kind {
		case "PatchTransformer", "PatchStrategicMergeTransformer", "PatchJson6902Transformer":
			origin, ok = l.patched(k, w)
		case "ImageTagTransformer":
			origin, ok = l.imageSet(k, w)
		case "ReplicaCountTransformer":
			origin, ok = l.replicasSet(k, w)
		case "NamespaceTransformer":
			if w.value == k.value.Namespace && lastKey(w.path) == "namespace" {
				origin, ok = l.at(k, "namespace")
			}
		case "LabelTransformer", "AnnotationsTransformer":
			origin, ok = l.labelSet(k, w)
		case "ReplacementTransformer":
			origin, ok = l.replaced(k, w)
		}
		if ok {
			return origin, true
		}
	}
	return inventory.Origin{}, false
}

// at is the place of a field of a kustomization.
func (l *locator) at(k *kustomization, path ...any) (inventory.Origin, bool) {
	node, _ := inventory.NodeAt(k.node, path)
	if node == nil {
		return inventory.Origin{}, false
	}
	return inventory.Origin{File: l.tree.shown(k.path), Line: node.Line, Exact: true}, true
}

func lastKey(path inventory.Path) string {
	if len(path) == 0 {
		return ""
	}
	s, _ := path[len(path)-1].(string)
	return s
}

// A patchEntry is one patch of a kustomization and where it stands there.
type patchEntry struct {
	patch types.Patch
	path  inventory.Path
}

func patchesOf(k *kustomization) []patchEntry {
	var entries []patchEntry
	for i, p := range k.value.Patches {
		entries = append(entries, patchEntry{p, inventory.Path{"patches", i}})
	}
	for i, p := range k.value.PatchesJson6902 {
		entries = append(entries, patchEntry{p, inventory.Path{"patchesJson6902", i}})
	}
	for i, p := range k.value.PatchesStrategicMerge {
		e := patchEntry{types.Patch{Path: string(p)}, inventory.Path{"patchesStrategicMerge", i}}
		if strings.Contains(string(p), "\n") {
			e.patch = types.Patch{Patch: string(p)}
		}
		entries = append(entries, e)
	}
	return entries
}

// patchDocuments parses a patch: the file it stands in, the lines to add to
// those of its nodes, and whether they are then certain.
func (t *tree) patchDocuments(k *kustomization, e patchEntry) (docs []*yaml.Node, file string, shift int, sure bool) {
	if e.patch.Path != "" {
		file = k.join(e.patch.Path)
		if f := t.file(file); f != nil {
			docs = f.documents
		}
		return docs, file, 0, true
	}
	inline := e.path.Join("patch")
	if e.path[0] == "patchesStrategicMerge" {
		inline = e.path
	}
	node, reached := inventory.NodeAt(k.node, inline)
	if node == nil || reached < len(inline) {
		return nil, k.path, 0, false
	}
	docs = documents([]byte(e.patch.Patch))
	if node.Style&yaml.LiteralStyle == 0 {
		return docs, k.path, node.Line - 1, false
	}
	return docs, k.path, node.Line, true
}

// patched looks for a patch of the kustomization that sets the value.
func (l *locator) patched(k *kustomization, w *wish) (inventory.Origin, bool) {
	for _, e := range slices.Backward(patchesOf(k)) {
		if e.patch.Target != nil && !targets(e.patch.Target, w.obj) {
			continue
		}
		docs, file, shift, sure := l.tree.patchDocuments(k, e)
		for _, doc := range slices.Backward(docs) {
			node := inPatch(doc, e.patch.Target != nil, w)
			if node == nil {
				continue
			}
			at, certain := inventory.TextLine(node, w.line)
			return inventory.Origin{File: l.tree.shown(file), Line: at + shift, Exact: sure && certain}, true
		}
	}
	return inventory.Origin{}, false
}

// targets reports whether a patch target may mean the object. Names may have
// been changed by prefixes since, so a part is enough: the value decides.
func targets(target *types.Selector, obj *inventory.Object) bool {
	if target.Kind != "" && !matches(target.Kind, obj.Key.Kind) {
		return false
	}
	if target.Group != "" && !matches(target.Group, obj.Key.Group) {
		return false
	}
	if target.Name == "" || matches(target.Name, obj.Key.Name) {
		return true
	}
	return strings.Contains(obj.Key.Name, strings.Trim(target.Name, "^$.*"))
}

func matches(pattern, s string) bool {
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && re.MatchString(s)
}

// inPatch finds the node of a patch document that sets the value.
func inPatch(doc *yaml.Node, targeted bool, w *wish) *yaml.Node {
	if doc.Kind == yaml.MappingNode {
		if op, _ := inventory.NodeAt(doc, inventory.Path{"op"}); !targeted || !isOperation(doc, op) {
			if !targeted && !meant(doc, w.obj) {
				return nil
			}
			return inMerge(doc, w)
		}
		return inOperations([]*yaml.Node{doc}, w)
	}
	if doc.Kind == yaml.SequenceNode {
		return inOperations(doc.Content, w)
	}
	return nil
}

func isOperation(doc, op *yaml.Node) bool {
	return op != doc && op.Kind == yaml.ScalarNode
}

// meant reports whether a strategic merge patch is for the object.
func meant(doc *yaml.Node, obj *inventory.Object) bool {
	kind, name := scalarAt(doc, "kind"), scalarAt(doc, "metadata", "name")
	return kind == obj.Key.Kind && name != "" && strings.Contains(obj.Key.Name, name)
}

func scalarAt(node *yaml.Node, path ...any) string {
	at, reached := inventory.NodeAt(node, path)
	if at == nil || reached < len(path) || at.Kind != yaml.ScalarNode {
		return ""
	}
	return at.Value
}

// inMerge finds the value in a strategic merge patch.
func inMerge(doc *yaml.Node, w *wish) *yaml.Node {
	if len(w.path) == 0 {
		return nil // the patch does not make the object
	}
	path, ok := translate(doc, w.obj.Content(), w.path, false)
	if !ok {
		return nil
	}
	node, reached := inventory.NodeAt(doc, path)
	if reached < len(path) || !sameValue(node, w.value) {
		return nil
	}
	// The fields that say which object is meant do not set anything.
	switch w.path.String() {
	case "metadata.name", "kind", "apiVersion", "metadata":
		return nil
	}
	return node
}

// inOperations finds the value in the operations of a JSON patch.
func inOperations(operations []*yaml.Node, w *wish) *yaml.Node {
	for _, operation := range slices.Backward(operations) {
		op := scalarAt(operation, "op")
		if op != "add" && op != "replace" && op != "copy" && op != "move" {
			continue
		}
		pointer := pointerPath(scalarAt(operation, "path"))
		if len(pointer) > len(w.path) {
			continue
		}
		agree := true
		for i, step := range pointer {
			switch want := w.path[i].(type) {
			case string:
				agree = agree && step == want
			case int:
				// Other patches may have moved the item; its value decides.
				_, err := strconv.Atoi(step)
				agree = agree && (err == nil || step == "-")
			}
		}
		if !agree {
			continue
		}
		rendered, _ := inventory.Lookup(w.obj.Content(), w.path[:len(pointer)])
		value, reached := inventory.NodeAt(operation, inventory.Path{"value"})
		if reached == 0 {
			continue
		}
		rest, ok := translate(value, rendered, w.path[len(pointer):], false)
		if !ok {
			continue
		}
		node, reached := inventory.NodeAt(value, rest)
		if len(rest) == 0 {
			node, reached = inventory.NodeAt(operation, inventory.Path{"value"})
			reached--
		}
		if reached == len(rest) && sameValue(node, w.value) {
			return node
		}
	}
	return nil
}

func pointerPath(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, part := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts
}

// translate turns a path of the rendered object into the path of the same
// fields in a source document, where lists may have other positions. In the
// object's own document (loose) an item whose name was changed since is found
// by its position; a patch must name it.
func translate(doc *yaml.Node, rendered any, path inventory.Path, loose bool) (inventory.Path, bool) {
	var out inventory.Path
	node := doc
	for _, step := range path {
		next, _ := inventory.Lookup(rendered, inventory.Path{step})
		if at, ok := step.(int); ok {
			list, reached := inventory.NodeAt(doc, out)
			if reached < len(out) || list.Kind != yaml.SequenceNode {
				return nil, false
			}
			i := sameItem(list, next, at)
			if rendered, ok := rendered.([]any); ok && loose && i < 0 && len(rendered) == len(list.Content) {
				i = at
			}
			if i < 0 {
				return nil, false
			}
			step = i
		}
		out = append(out, step)
		var reached int
		if node, reached = inventory.NodeAt(doc, out); reached < len(out) || node == nil {
			return nil, false
		}
		rendered = next
	}
	return out, true
}

// mergeKeys are the fields that identify an item of a list in Kubernetes' own
// types, in the order in which they are tried.
var mergeKeys = []string{"name", "key", "mountPath", "devicePath", "containerPort", "port", "ip", "uid", "topologyKey", "secretRef", "configMapRef", "type", "kind"}

// sameItem finds the position in a source list of an item of a rendered one.
func sameItem(list *yaml.Node, item any, at int) int {
	m, isMap := item.(map[string]any)
	if !isMap {
		for i, node := range list.Content {
			if sameValue(node, item) {
				return i
			}
		}
		return -1
	}
	for i, node := range list.Content {
		if sameValue(node, item) {
			return i
		}
	}
	for _, key := range mergeKeys {
		want, ok := m[key]
		if !ok {
			continue
		}
		found, named := -1, false
		for i, node := range list.Content {
			value, reached := inventory.NodeAt(node, inventory.Path{key})
			named = named || reached == 1
			if reached == 1 && sameValue(value, want) {
				if found >= 0 {
					found = -2
					break
				}
				found = i
			}
		}
		if found >= 0 {
			return found
		}
		// A patch may name a port by its number and leave the name out.
		if found == -1 && named && key == "name" {
			return -1
		}
	}
	if at < len(list.Content) {
		return at
	}
	return -1
}

// sameValue compares a source node with a rendered value.
func sameValue(node *yaml.Node, value any) bool {
	if node == nil {
		return false
	}
	decoded, err := inventory.DecodeNode(node)
	return err == nil && reflect.DeepEqual(decoded, value)
}

// imageSet looks for an images entry that made the rendered image.
func (l *locator) imageSet(k *kustomization, w *wish) (inventory.Origin, bool) {
	rendered, ok := w.value.(string)
	if !ok || lastKey(w.path) != "image" {
		return inventory.Origin{}, false
	}
	name, tag, digest := splitImage(rendered)
	for i, entry := range slices.Backward(k.value.Images) {
		newName := entry.NewName
		if newName == "" {
			newName = entry.Name
		}
		if newName != name || (entry.NewTag != "" && entry.NewTag != tag) || (entry.Digest != "" && entry.Digest != digest) {
			continue
		}
		for _, field := range []string{"newTag", "digest", "newName", "name"} {
			path := inventory.Path{"images", i, field}
			if node, reached := inventory.NodeAt(k.node, path); reached == len(path) {
				return inventory.Origin{File: l.tree.shown(k.path), Line: node.Line, Exact: true}, true
			}
		}
	}
	return inventory.Origin{}, false
}

// splitImage takes an image reference apart as kustomize does.
func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	slash := strings.LastIndex(name, "/")
	if colon := strings.LastIndex(name, ":"); colon > slash {
		name, tag = name[:colon], name[colon+1:]
	}
	return name, tag, digest
}

func (l *locator) replicasSet(k *kustomization, w *wish) (inventory.Origin, bool) {
	if lastKey(w.path) != "replicas" {
		return inventory.Origin{}, false
	}
	for i, entry := range k.value.Replicas {
		if w.value == entry.Count && strings.Contains(w.obj.Key.Name, entry.Name) {
			return l.at(k, "replicas", i, "count")
		}
	}
	return inventory.Origin{}, false
}

func (l *locator) labelSet(k *kustomization, w *wish) (inventory.Origin, bool) {
	key := lastKey(w.path)
	for i, entry := range k.value.Labels {
		if value, ok := entry.Pairs[key]; ok && w.value == value {
			return l.at(k, "labels", i, "pairs", key)
		}
	}
	if value, ok := k.value.CommonLabels[key]; ok && w.value == value && !slices.Contains(w.path, any("annotations")) {
		return l.at(k, "commonLabels", key)
	}
	if value, ok := k.value.CommonAnnotations[key]; ok && w.value == value {
		return l.at(k, "commonAnnotations", key)
	}
	return inventory.Origin{}, false
}

// replaced looks for a replacement whose target is the field. The place is the
// target's field path; the value itself stands in another object.
func (l *locator) replaced(k *kustomization, w *wish) (inventory.Origin, bool) {
	for i, entry := range slices.Backward(k.value.Replacements) {
		replacements := []types.Replacement{entry.Replacement}
		name, node, prefix := k.path, k.node, inventory.Path{"replacements", i}
		if entry.Path != "" {
			name = k.join(entry.Path)
			f := l.tree.file(name)
			if f == nil || len(f.documents) == 0 {
				continue
			}
			node, prefix = f.documents[0], nil
			replacements = nil
			if node.Kind == yaml.SequenceNode {
				_ = node.Decode(&replacements)
			} else {
				replacements = make([]types.Replacement, 1)
				_ = node.Decode(&replacements[0])
			}
		}
		for j, replacement := range slices.Backward(replacements) {
			at := prefix
			if entry.Path != "" && node.Kind == yaml.SequenceNode {
				at = inventory.Path{j}
			}
			for n, target := range slices.Backward(replacement.Targets) {
				if target.Select == nil || !targets(target.Select, w.obj) {
					continue
				}
				if !matches(target.Select.Name, w.obj.Key.Name) && target.Select.Name != "" && l.inBase(w, false).Exact {
					continue // selected by another name, if at all, and the base has the value
				}
				for p, field := range target.FieldPaths {
					if fieldMatches(field, w) {
						at := at.Join("targets", n, "fieldPaths", p)
						if found, reached := inventory.NodeAt(node, at); reached == len(at) {
							return inventory.Origin{File: l.tree.shown(name), Line: found.Line, Exact: true}, true
						}
					}
				}
			}
		}
	}
	return inventory.Origin{}, false
}

var fieldStep = regexp.MustCompile(`\[[^\]]*\]|(?:\\.|[^.\[])+`)

// fieldMatches compares a replacement's field path (spec.containers.[name=x].image)
// with the path of the wish.
func fieldMatches(field string, w *wish) bool {
	steps := fieldStep.FindAllString(field, -1)
	if len(steps) != len(w.path) {
		return false
	}
	var value any = w.obj.Content()
	for i, step := range steps {
		next, _ := inventory.Lookup(value, w.path[i:i+1])
		switch want := w.path[i].(type) {
		case string:
			step = strings.ReplaceAll(strings.Trim(step, "[]"), `\.`, ".")
			if step != want && step != "*" {
				return false
			}
		case int:
			step = strings.Trim(step, "[]")
			if key, name, ok := strings.Cut(step, "="); ok {
				item, _ := next.(map[string]any)
				if item[key] != name {
					return false
				}
			} else if step != "*" && step != strconv.Itoa(want) {
				return false
			}
		}
		value = next
	}
	return true
}

// generated finds the value of a generated ConfigMap or Secret in the
// generators that made it, those that merge into it first.
func (l *locator) generated(w *wish) inventory.Origin {
	var fallback inventory.Origin
	for _, name := range append(l.tree.fs.kustomizations(), l.base) {
		k := l.tree.kustomization(name)
		if k == nil {
			continue
		}
		type generator struct {
			field string
			args  []types.GeneratorArgs
		}
		var configMaps, secrets []types.GeneratorArgs
		for _, args := range k.value.ConfigMapGenerator {
			configMaps = append(configMaps, args.GeneratorArgs)
		}
		for _, args := range k.value.SecretGenerator {
			secrets = append(secrets, args.GeneratorArgs)
		}
		for _, g := range []generator{{"configMapGenerator", configMaps}, {"secretGenerator", secrets}} {
			if (g.field == "secretGenerator") != (w.obj.Key.Kind == "Secret") {
				continue
			}
			for i, args := range g.args {
				if !generates(args.Name, w.obj.Key.Name) || (name != l.base && args.Behavior != "merge" && args.Behavior != "replace") {
					continue
				}
				if origin, ok := l.inGenerator(k, g.field, i, args, w); ok {
					return origin
				}
				if name == l.base || fallback.File == "" {
					fallback, _ = l.at(k, g.field, i, "name")
					fallback.Exact = len(w.path) == 0 || w.path.String() == "metadata.name"
				}
			}
		}
	}
	if fallback.File == "" {
		fallback = inventory.Origin{File: l.tree.shown(l.base)}
	}
	return fallback
}

var hashSuffix = regexp.MustCompile(`-[0-9a-z]{10}$`)

// generates reports whether a generator's name is the object's, apart from
// hash, prefix and suffix.
func generates(name, rendered string) bool {
	plain := hashSuffix.ReplaceAllString(rendered, "")
	return name == rendered || name == plain || (name != "" && strings.Contains(plain, name))
}

func (l *locator) inGenerator(k *kustomization, field string, i int, args types.GeneratorArgs, w *wish) (inventory.Origin, bool) {
	if len(w.path) < 2 || (w.path[0] != "data" && w.path[0] != "stringData" && w.path[0] != "binaryData") {
		return inventory.Origin{}, false
	}
	key, _ := w.path[1].(string)
	text, _ := w.value.(string)
	if w.obj.Key.Kind == "Secret" {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			text = string(decoded)
		}
	}
	for n, literal := range args.LiteralSources {
		name, value, _ := strings.Cut(literal, "=")
		if name == key && (strings.Trim(value, `"'`) == text || value == text || strings.Contains(text, "\n")) {
			node, _ := inventory.NodeAt(k.node, inventory.Path{field, i, "literals", n})
			if node == nil {
				continue
			}
			at, sure := inventory.TextLine(node, w.line)
			if w.line > 0 && node.Style&yaml.LiteralStyle != 0 && strings.Contains(value, "\n") {
				sure = true
			}
			return inventory.Origin{File: l.tree.shown(k.path), Line: at, Exact: sure}, true
		}
	}
	for _, source := range args.FileSources {
		name, path, ok := strings.Cut(source, "=")
		if !ok {
			name, path = filepath.Base(source), source
		}
		if name != key {
			continue
		}
		abs := k.join(path)
		content, _ := l.tree.read(abs)
		return lineOfText(l.tree.shown(abs), string(content), text, max(w.line, 1)), true
	}
	envs := args.EnvSources
	if args.EnvSource != "" {
		envs = append(slices.Clone(envs), args.EnvSource)
	}
	for _, source := range envs {
		abs := k.join(source)
		content, _ := l.tree.read(abs)
		for n, line := range strings.Split(string(content), "\n") {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if name == key {
				return inventory.Origin{File: l.tree.shown(abs), Line: n + 1, Exact: value == text}, true
			}
		}
	}
	return inventory.Origin{}, false
}

// lineOfText finds a line of the rendered text in its source, which replaced
// variables may have changed elsewhere.
func lineOfText(name, source, rendered string, line int) inventory.Origin {
	if source == rendered {
		return inventory.Origin{File: name, Line: line, Exact: true}
	}
	want := nth(rendered, line)
	if nth(source, line) == want {
		return inventory.Origin{File: name, Line: line, Exact: true}
	}
	if at, n := findLine(source, want); n == 1 {
		return inventory.Origin{File: name, Line: at, Exact: true}
	}
	return inventory.Origin{File: name, Line: line}
}

func nth(text string, line int) string {
	for i, s := range strings.Split(text, "\n") {
		if i == line-1 {
			return s
		}
	}
	return ""
}

func findLine(text, want string) (at, count int) {
	for i, s := range strings.Split(text, "\n") {
		if s == want {
			at, count = i+1, count+1
		}
	}
	return at, count
}

// inBase finds the value in the file that holds the object.
func (l *locator) inBase(w *wish, missing bool) inventory.Origin {
	base := l.base
	if l.lost {
		base = l.tree.searchBase(w.obj)
	}
	name := l.tree.shown(base)
	f := l.tree.file(base)
	if f == nil {
		return inventory.Origin{File: name}
	}
	doc, _ := findDocument(f, w.obj)
	if doc == nil {
		return inventory.Origin{File: name}
	}
	path, ok := translate(doc, w.obj.Content(), w.path, true)
	depth := len(w.path)
	for !ok {
		depth--
		path, ok = translate(doc, w.obj.Content(), w.path[:depth], true)
	}
	node, _ := inventory.NodeAt(doc, path)
	origin := inventory.Origin{File: name, Line: node.Line}
	if depth < len(w.path) {
		return origin
	}
	text, isText := w.value.(string)
	switch {
	case w.line > 0 && isText && node.Kind == yaml.ScalarNode:
		inText := lineOfText(name, node.Value, text, w.line)
		at, sure := inventory.TextLine(node, inText.Line)
		return inventory.Origin{File: name, Line: at, Exact: sure && inText.Exact}
	case node.Kind == yaml.ScalarNode || !isComposite(w.value):
		// A name that got a prefix, suffix or hash since is still this one.
		origin.Exact = sameValue(node, w.value) || (missing && len(path) == 0) ||
			(len(node.Value) > 2 && strings.Contains(text, node.Value))
	default:
		// A mapping or list: its place is where it begins, whatever patches
		// added inside.
		origin.Exact = true
	}
	return origin
}

func isComposite(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// findDocument finds the object's document in its file, or its item in a List
// there. Prefixes, suffixes and namespaces may have changed since.
func findDocument(f *file, obj *inventory.Object) (best *yaml.Node, score int) {
	var consider func(node *yaml.Node)
	consider = func(node *yaml.Node) {
		if node.Kind != yaml.MappingNode {
			return
		}
		kind := scalarAt(node, "kind")
		if strings.HasSuffix(kind, "List") {
			if items, reached := inventory.NodeAt(node, inventory.Path{"items"}); reached == 1 {
				for _, item := range items.Content {
					consider(item)
				}
			}
		}
		group, _ := inventory.SplitAPIVersion(scalarAt(node, "apiVersion"))
		if kind != obj.Key.Kind || group != obj.Key.Group {
			return
		}
		name, s := scalarAt(node, "metadata", "name"), 1
		switch {
		case name == obj.Key.Name:
			s = 1000
		case name != "" && strings.Contains(obj.Key.Name, name):
			s = 10 + len(name)
		}
		if scalarAt(node, "metadata", "namespace") == obj.Key.Namespace {
			s += 500
		}
		if s > score {
			best, score = node, s
		}
	}
	for _, doc := range f.documents {
		consider(doc)
	}
	return best, score
}

// searchBase finds the file that holds the object among all that were read.
func (t *tree) searchBase(obj *inventory.Object) string {
	best, score := kustomizationIn(t.root), 0
	for _, name := range slices.Clone(t.fs.reads) {
		if isKustomization(name) {
			continue
		}
		if f := t.file(name); f != nil {
			if _, s := findDocument(f, obj); s > score {
				best, score = name, s
			}
		}
	}
	return best
}
