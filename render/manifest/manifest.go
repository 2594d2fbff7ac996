// Package manifest reads plain Kubernetes YAML and JSON: files, folders and
// streams.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Parse reads the objects of one file. Lists are unrolled. Empty documents are
// passed over; an object without kind or name is an error, as is anything that
// is not an object. Errors are of type [*input.Error].
func Parse(name string, data []byte) ([]*inventory.Object, error) {
	documents, err := Documents(name, data)
	if err != nil {
		return nil, err
	}
	var objects []*inventory.Object
	for _, doc := range documents {
		found, err := unroll(name, doc, doc, nil)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// Documents parses a file into its YAML documents, empty ones left out.
func Documents(name string, data []byte) ([]*yaml.Node, error) {
	if err := input.CheckText(name, data); err != nil {
		return nil, err
	}
	if err := input.CheckAliases(name, data); err != nil {
		return nil, err
	}
	var documents []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, yamlError(name, err)
		}
		if node := doc.Content[0]; node.ShortTag() != "!!null" {
			documents = append(documents, node)
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s*)?line (\d+): `)

// yamlError moves the line that the YAML library puts into its message to
// where it belongs.
func yamlError(name string, err error) error {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return input.Errorf(name, line, "malformed YAML: %s", err.Error()[len(m[0]):])
	}
	return input.Errorf(name, 0, "malformed YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

func unroll(name string, root, node *yaml.Node, prefix inventory.Path) ([]*inventory.Object, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil, input.Errorf(name, node.Line, "not a Kubernetes object: %s", describe(node))
	}
	if err := duplicateKeys(name, node); err != nil {
		return nil, err
	}
	decoded, err := inventory.DecodeNode(node)
	if err != nil {
		return nil, yamlError(name, fmt.Errorf("yaml: %w", err))
	}
	content := decoded.(map[string]any)
	kind, _ := content["kind"].(string)
	apiVersion, _ := content["apiVersion"].(string)
	switch {
	case kind == "":
		return nil, input.Errorf(name, node.Line, "an object without kind")
	case apiVersion == "":
		return nil, input.Errorf(name, node.Line, "%s without apiVersion", kind)
	}
	if items, ok := content["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		var objects []*inventory.Object
		list, _ := inventory.NodeAt(node, inventory.Path{"items"})
		for i := range items {
			found, err := unroll(name, root, list.Content[i], prefix.Join("items", i))
			if err != nil {
				return nil, err
			}
			objects = append(objects, found...)
		}
		return objects, nil
	}
	if n, _ := inventory.Lookup(content, inventory.Path{"metadata", "name"}); n == nil || n == "" {
		if generated, _ := inventory.Lookup(content, inventory.Path{"metadata", "generateName"}); generated == nil {
			return nil, input.Errorf(name, node.Line, "%s without metadata.name", kind)
		}
	}
	return []*inventory.Object{inventory.NewObject(content, &Locator{File: name, Node: root, Prefix: prefix})}, nil
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

// duplicateKeys refuses what the API server's decoder would: the same field
// twice, of which one would be lost.
func duplicateKeys(name string, node *yaml.Node) error {
	if node.Kind == yaml.MappingNode {
		seen := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
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
