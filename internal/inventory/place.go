package inventory

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v3"
)

// An Origin is a position in the user's tree.
type Origin struct {
	File string `json:"file"` // slash-separated, as the user would write it
	Line int    `json:"line"` // from 1; 0 where only the file is known
	// Exact says that this line holds the value. Otherwise the file is the one
	// that the object came from, and the line the nearest known one.
	Exact bool `json:"exact"`
}

// A Locator finds where the user's tree sets a field of one object.
// Renderers implement it; it must be safe for concurrent use.
type Locator interface {
	// Locate names the place of the value at path in obj. For a value that is
	// a text of several lines, line counts from 1 within the text; 0 asks for
	// the value as a whole. A path that does not exist in the object asks for
	// its nearest existing ancestor: a missing field is reported where it
	// should be.
	Locate(obj *Object, path Path, line int) Origin
}

// A Place is what a finding points at: an object, a field of it, and, where
// the field holds a document of its own (a Dex configuration, say), a line and
// field inside.
type Place struct {
	Object *Object
	Path   Path
	Inner  Path // field inside the document that the text at Path holds
	Line   int  // line inside that text, from 1; 0 for the whole
}

// IsZero reports whether the place names no object.
func (p Place) IsZero() bool { return p.Object == nil }

// At goes on to a field below this place.
func (p Place) At(steps ...any) Place {
	p.Path = p.Path.Join(steps...)
	return p
}

// AtLine names one line, from 1, of the text that this place holds.
func (p Place) AtLine(line int) Place {
	p.Line = line
	return p
}

// Field is the path as text, inner document included.
func (p Place) Field() string {
	field := p.Path.String()
	if len(p.Inner) > 0 {
		inner := p.Inner.String()
		if !strings.HasPrefix(inner, "[") {
			field += "."
		}
		field += inner
	}
	return field
}

// Value returns the value at the place, in the outer object.
func (p Place) Value() (any, bool) {
	if p.Object == nil {
		return nil, false
	}
	return Lookup(p.Object.Content(), p.Path)
}

// Text returns the string at the place; it is empty for anything else.
func (p Place) Text() string {
	v, _ := p.Value()
	s, _ := v.(string)
	return s
}

// Origin finds the place in the user's tree.
func (p Place) Origin() Origin {
	if p.Object == nil || p.Object.locator == nil {
		return Origin{}
	}
	return p.Object.locator.Locate(p.Object, p.Path, p.Line)
}

// A Document is YAML or JSON inside a string of an object.
type Document struct {
	Place Place
	root  *yaml.Node
}

// Document parses the text at the place as YAML (of which JSON is a part).
// The error names the line within the text.
func (p Place) Document() (*Document, error) {
	text := p.Text()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, err
	}
	node := &root
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		node = root.Content[0]
	}
	return &Document{Place: p, root: node}, nil
}

// At names a field inside the document; a field that does not exist stands for
// its nearest existing ancestor.
func (d *Document) At(steps ...any) Place {
	place := d.Place
	place.Inner = MakePath(steps...)
	node, _ := NodeAt(d.root, place.Inner)
	if node != nil && node.Line > 0 {
		place.Line = node.Line
	}
	return place
}

// Decode decodes the document into v, as yaml.Unmarshal does.
func (d *Document) Decode(v any) error {
	return d.root.Decode(v)
}

// Content returns the document as maps, lists and scalars.
func (d *Document) Content() (any, error) {
	return DecodeNode(d.root)
}

// NodeAt follows a path through YAML nodes. It returns the node of the value,
// with the line of the key where the value is a mapping or list, and how many
// steps of the path it could go.
func NodeAt(node *yaml.Node, path Path) (*yaml.Node, int) {
	if node != nil && node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	position := node
	for i, step := range path {
		for node != nil && node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		if node == nil {
			return position, i
		}
		switch step := step.(type) {
		case string:
			key, value := mappingEntry(node, step)
			if value == nil {
				return position, i
			}
			node = value
			position = value
			if value.Kind != yaml.ScalarNode || value.Line == 0 {
				position = &yaml.Node{Kind: value.Kind, Tag: value.Tag, Value: value.Value, Style: value.Style, Content: value.Content, Line: key.Line, Column: key.Column}
			}
		case int:
			if node.Kind != yaml.SequenceNode || step < 0 || step >= len(node.Content) {
				return position, i
			}
			node = node.Content[step]
			position = node
		}
	}
	return position, len(path)
}

func mappingEntry(node *yaml.Node, name string) (key, value *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i], node.Content[i+1]
		}
	}
	// A merge key brings fields from an anchor.
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Tag != "!!merge" {
			continue
		}
		merged := node.Content[i+1]
		sources := []*yaml.Node{merged}
		if merged.Kind == yaml.SequenceNode {
			sources = merged.Content
		}
		for _, source := range sources {
			if source.Kind == yaml.AliasNode {
				source = source.Alias
			}
			if key, value := mappingEntry(source, name); value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

// DecodeNode turns YAML nodes into maps with string keys, lists, strings,
// bools, int64s, float64s and nil: what the API machinery works on.
// Dates become strings, as in JSON.
//
// Plain yes, no, on and off are texts, as in YAML 1.2 and for kustomize, which
// writes them with quotes.
func DecodeNode(node *yaml.Node) (any, error) { return decodeNode(node, false) }

// DecodeManifest is [DecodeNode] as kubectl and Helm read a manifest, by YAML
// 1.1: plain yes, no, on, off, y and n are booleans.
func DecodeManifest(node *yaml.Node) (any, error) { return decodeNode(node, true) }

func decodeNode(node *yaml.Node, old bool) (any, error) {
	switch node.Kind {
	case 0:
		return nil, nil
	case yaml.DocumentNode:
		if len(node.Content) == 0 {
			return nil, nil
		}
		return decodeNode(node.Content[0], old)
	case yaml.AliasNode:
		return decodeNode(node.Alias, old)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			v, err := decodeNode(item, old)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case yaml.MappingNode:
		m := make(map[string]any, len(node.Content)/2)
		var merged []*yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Tag == "!!merge" {
				merged = append(merged, node.Content[i+1])
				continue
			}
			if key.Kind != yaml.ScalarNode {
				return nil, &DecodeError{key.Line, "a mapping's key must be a scalar"}
			}
			if _, again := m[key.Value]; again {
				return nil, &DecodeError{key.Line, fmt.Sprintf("the key %q is given twice", key.Value)}
			}
			v, err := decodeNode(node.Content[i+1], old)
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		for _, source := range merged {
			v, err := decodeNode(source, old)
			if err != nil {
				return nil, err
			}
			sources, ok := v.([]any)
			if !ok {
				sources = []any{v}
			}
			for _, source := range sources {
				fields, _ := source.(map[string]any)
				for name, value := range fields {
					if _, set := m[name]; !set {
						m[name] = value
					}
				}
			}
		}
		return m, nil
	}
	return decodeScalar(node, old)
}

// A DecodeError is a YAML value that is no JSON value; Line is that of the
// node, in the file it was parsed from.
type DecodeError struct {
	Line    int
	Problem string
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

func decodeScalar(node *yaml.Node, old bool) (any, error) {
	switch node.ShortTag() {
	case "!!str":
		if old && node.Style == 0 {
			switch node.Value {
			case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
				return true, nil
			case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
				return false, nil
			}
		}
		return node.Value, nil
	case "!!timestamp":
		var t time.Time
		if !old && node.Decode(&t) == nil {
			return t.Format(time.RFC3339Nano), nil // as kustomize writes it
		}
		return node.Value, nil
	case "!!binary":
		return node.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		if err := node.Decode(&b); err != nil {
			return nil, &DecodeError{node.Line, err.Error()}
		}
		return b, nil
	case "!!int":
		var i int64
		if err := node.Decode(&i); err != nil {
			var f float64
			if err := node.Decode(&f); err != nil {
				return nil, &DecodeError{node.Line, err.Error()}
			}
			return f, nil
		}
		return i, nil
	case "!!float":
		var f float64
		if err := node.Decode(&f); err != nil {
			return nil, &DecodeError{node.Line, err.Error()}
		}
		return f, nil
	}
	return node.Value, nil
}

// TextLine gives the line in a file of one line of the text that a scalar
// holds, and whether that is certain. Folded and quoted texts do not keep
// their lines; for them it is the line where the text begins.
func TextLine(node *yaml.Node, line int) (int, bool) {
	if line <= 0 || node.Kind != yaml.ScalarNode {
		return node.Line, true
	}
	if node.Style&yaml.LiteralStyle != 0 {
		return node.Line + line, true
	}
	return node.Line, !bytes.ContainsRune([]byte(strings.TrimRight(node.Value, "\n")), '\n')
}
