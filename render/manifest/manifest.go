// Package manifest reads plain Kubernetes YAML and JSON: files, folders and
// streams.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Parse reads the objects of one file. Lists are unrolled. Empty documents are
// passed over; an object without kind, apiVersion or name is an error, as is
// anything that is not an object. Errors are of type [*input.Error].
//
// An object with generateName instead of a name gets that and a star as the
// name of its key; its content stays as it is.
func Parse(name string, data []byte) ([]*inventory.Object, error) {
	documents, err := Documents(name, data)
	if err != nil {
		return nil, err
	}
	var objects []*inventory.Object
	for _, doc := range documents {
		found, err := Objects(name, doc)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// Objects reads the objects of one document: one, or the items of a list.
func Objects(name string, doc *yaml.Node) ([]*inventory.Object, error) {
	if err := duplicateKeys(name, doc); err != nil {
		return nil, err
	}
	return Unroll(name, doc, func(prefix inventory.Path) inventory.Locator {
		return &Locator{File: name, Node: doc, Prefix: prefix}
	})
}

// Unroll is Objects for renderers: it does not look for duplicate keys, and
// locator makes the locator of the object at a path of the document.
func Unroll(name string, doc *yaml.Node, locator func(prefix inventory.Path) inventory.Locator) ([]*inventory.Object, error) {
	return unroll(name, doc, nil, locator)
}

// Documents parses a file into its YAML documents, empty ones left out. It
// takes what kubectl takes: YAML, JSON, and several JSON values in a row.
func Documents(name string, data []byte) ([]*yaml.Node, error) {
	if err := input.CheckText(name, data); err != nil {
		return nil, err
	}
	values := jsonValues(data)
	if values == nil {
		if err := checkSeparators(name, data); err != nil {
			return nil, err
		}
		return parse(name, data, 0)
	}
	var documents []*yaml.Node
	for _, value := range values {
		found, err := parse(name, plainEscapes(value.text), value.linesBefore)
		if err != nil {
			return nil, err
		}
		documents = append(documents, found...)
	}
	return documents, nil
}

// parse reads a YAML stream that stands some lines below the file's top.
func parse(name string, data []byte, linesBefore int) (documents []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = input.Errorf(name, 0, "malformed YAML: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			err = input.YAMLError(name, data, err)
			var at *input.Error
			if errors.As(err, &at) && at.Line > 0 {
				at.Line += linesBefore
			}
			return nil, err
		}
		if err := input.CheckDocument(name, &doc); err != nil {
			return nil, err
		}
		if linesBefore > 0 {
			shift(&doc, linesBefore)
		}
		if node := doc.Content[0]; node.ShortTag() != "!!null" {
			documents = append(documents, node)
		}
	}
}

func shift(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		shift(child, lines)
	}
}

// checkSeparators refuses what kubectl refuses, a line that begins with three
// dashes and goes on with content, and what it passes over, content between the
// end of a document and the beginning of the next. Other readers would take
// both for documents.
func checkSeparators(name string, data []byte) error {
	ended := false
	for line := 1; len(data) > 0; line++ {
		text, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		trimmed := bytes.TrimSpace(text)
		if after, ok := bytes.CutPrefix(text, []byte("---")); ok {
			if after = bytes.TrimSpace(after); len(after) > 0 && after[0] != '#' {
				return input.Errorf(name, line, "a document separator must stand alone on its line; kubectl refuses %q", shorten(string(trimmed)))
			}
			ended = false
			continue
		}
		if ended && len(trimmed) > 0 && trimmed[0] != '#' && trimmed[0] != '%' && string(trimmed) != "..." {
			return input.Errorf(name, line, "content after the end of a document, without ---: kubectl passes over it")
		}
		ended = ended || string(bytes.TrimRight(text, " \t\r")) == "..."
	}
	return nil
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

type jsonValue struct {
	text        []byte
	linesBefore int
}

// jsonValues splits a stream of JSON values; nil if it is anything else. Only
// YAML libraries know the lines of fields, and they read one value at a time.
func jsonValues(data []byte) []jsonValue {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	var values []jsonValue
	for start := int64(0); ; start = decoder.InputOffset() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return values
		} else if err != nil {
			return nil
		}
		values = append(values, jsonValue{data[start:decoder.InputOffset()], bytes.Count(data[:start], []byte("\n"))})
	}
}

var (
	escape     = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.`)
	badEscapes = [][]byte{[]byte(`\ud`), []byte(`\uD`), []byte(`\/`)}
)

// plainEscapes writes out the escapes of JSON that YAML does not know: a slash,
// and characters in two halves.
func plainEscapes(data []byte) []byte {
	if !slices.ContainsFunc(badEscapes, func(e []byte) bool { return bytes.Contains(data, e) }) {
		return data
	}
	return escape.ReplaceAllFunc(data, func(found []byte) []byte {
		switch {
		case len(found) == 12:
			high, _ := strconv.ParseUint(string(found[2:6]), 16, 16)
			low, _ := strconv.ParseUint(string(found[8:12]), 16, 16)
			return []byte(string(utf16.DecodeRune(rune(high), rune(low))))
		case len(found) == 6:
			return []byte("\ufffd") // one half alone
		case string(found) == `\/`:
			return []byte("/")
		}
		return found
	})
}

func unroll(name string, node *yaml.Node, prefix inventory.Path, locator func(inventory.Path) inventory.Locator) ([]*inventory.Object, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil, input.Errorf(name, node.Line, "not a Kubernetes object: %s", describe(node))
	}
	decoded, err := inventory.DecodeManifest(node)
	if err != nil {
		return nil, decodeError(name, node, err)
	}
	content := decoded.(map[string]any)
	text := func(path ...any) (string, error) {
		v, _ := inventory.Lookup(content, inventory.MakePath(path...))
		s, ok := v.(string)
		if v != nil && !ok {
			at, _ := inventory.NodeAt(node, inventory.MakePath(path...))
			return "", input.Errorf(name, at.Line, "%s must be a string", inventory.MakePath(path...))
		}
		return s, nil
	}
	kind, err := text("kind")
	if err != nil {
		return nil, err
	}
	apiVersion, err := text("apiVersion")
	if err != nil {
		return nil, err
	}
	switch {
	case kind == "" && apiVersion == "":
		return nil, input.Errorf(name, node.Line, "not a Kubernetes object: it has neither kind nor apiVersion")
	case kind == "":
		return nil, input.Errorf(name, node.Line, "an object without kind")
	case apiVersion == "":
		return nil, input.Errorf(name, node.Line, "%s without apiVersion", kind)
	}
	items, isList := content["items"].([]any)
	if kind == "List" || isList && strings.HasSuffix(kind, "List") {
		if content["items"] != nil && !isList {
			at, _ := inventory.NodeAt(node, inventory.Path{"items"})
			return nil, input.Errorf(name, at.Line, "the items of a List must be a list")
		}
		var objects []*inventory.Object
		list, _ := inventory.NodeAt(node, inventory.Path{"items"})
		if list.Kind == yaml.AliasNode {
			list = list.Alias
		}
		for i := range items {
			found, err := unroll(name, list.Content[i], prefix.Join("items", i), locator)
			if err != nil {
				return nil, err
			}
			objects = append(objects, found...)
		}
		return objects, nil
	}
	if metadata, ok := content["metadata"]; ok && metadata != nil {
		if _, ok := metadata.(map[string]any); !ok {
			at, _ := inventory.NodeAt(node, inventory.Path{"metadata"})
			return nil, input.Errorf(name, at.Line, "the metadata of %s must be a mapping", kind)
		}
	}
	objectName, err := text("metadata", "name")
	if err != nil {
		return nil, err
	}
	if _, err := text("metadata", "namespace"); err != nil {
		return nil, err
	}
	generateName, err := text("metadata", "generateName")
	if err != nil {
		return nil, err
	}
	if objectName == "" && generateName == "" {
		return nil, input.Errorf(name, node.Line, "%s without metadata.name", kind)
	}
	object := inventory.NewObject(content, locator(prefix))
	if objectName == "" {
		object.Key.Name = generateName + "*"
	}
	return []*inventory.Object{object}, nil
}

func decodeError(name string, node *yaml.Node, err error) error {
	var bad *inventory.DecodeError
	if errors.As(err, &bad) {
		return input.Errorf(name, bad.Line, "%s", bad.Problem)
	}
	return input.Errorf(name, node.Line, "%w", err)
}

func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "a single value"
	}
	return "no mapping"
}

// duplicateKeys refuses a field that is given twice: YAML forbids it, and
// kustomize with it; kubectl would take the last one without a word. It refuses
// a key that is null, as kubectl does.
func duplicateKeys(name string, node *yaml.Node) error {
	if node.Kind == yaml.MappingNode {
		seen := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.ShortTag() == "!!null" {
				return input.Errorf(name, key.Line, "a key without a name")
			}
			if first, dup := seen[key.Value]; dup && key.Tag != "!!merge" {
				return input.Errorf(name, key.Line, "the key %q is given twice; first at line %d", key.Value, first)
			}
			seen[key.Value] = key.Line
		}
	}
	for _, child := range node.Content {
		if err := duplicateKeys(name, child); err != nil {
			return err
		}
	}
	return nil
}

// DropDuplicateKeys removes all but the last of a field that is given more than
// once, which is the one that Helm and kubectl take, and calls dropped for each
// that it removes.
func DropDuplicateKeys(node *yaml.Node, dropped func(key *yaml.Node)) {
	if node.Kind == yaml.MappingNode {
		last := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			last[node.Content[i].Value] = i
		}
		kept := node.Content[:0:0]
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if last[key.Value] != i && key.Tag != "!!merge" {
				dropped(key)
				continue
			}
			kept = append(kept, key, node.Content[i+1])
		}
		if len(kept) < len(node.Content) {
			node.Content = kept
		}
	}
	for _, child := range node.Content {
		DropDuplicateKeys(child, dropped)
	}
}

// A Locator finds fields of an object in the file that holds it as it is.
type Locator struct {
	File   string
	Node   *yaml.Node     // the document
	Prefix inventory.Path // where the object stands in the document
}

// Locate implements [inventory.Locator].
func (l *Locator) Locate(_ *inventory.Object, path inventory.Path, line int) inventory.Origin {
	full := l.Prefix.Join(path)
	node, reached := inventory.NodeAt(l.Node, full)
	if node == nil {
		return inventory.Origin{File: l.File}
	}
	at, sure := node.Line, true
	if reached == len(full) {
		at, sure = inventory.TextLine(node, line)
	}
	return inventory.Origin{File: l.File, Line: at, Exact: sure}
}

// Distinguish gives objects whose names the API server will generate keys of
// their own: any number of them may stand side by side.
func Distinguish(objects []*inventory.Object) {
	seen := map[inventory.Key]int{}
	for _, o := range objects {
		if o.String("metadata", "name") != "" || !strings.HasSuffix(o.Key.Name, "*") {
			continue
		}
		key := o.Key
		seen[key]++
		if n := seen[key]; n > 1 {
			o.Key.Name = fmt.Sprintf("%s%d", key.Name, n)
		}
	}
}
