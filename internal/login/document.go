package login

import (
	"fmt"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A document is a configuration file in YAML that a ConfigMap or Secret holds.
// Names of fields are found without regard to case, as encoding/json does for
// Dex.
type document struct {
	file    *Setting
	located *inventory.Document // nil where the text is encoded: its lines are not the user's
	content any
}

func parseDocument(file *Setting) (*document, error) {
	d := &document{file: file}
	if file.Place.Text() == file.Text {
		located, err := file.Place.Document()
		if err != nil {
			return nil, err
		}
		d.located = located
		d.content, err = located.Content()
		return d, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(file.Text), &root); err != nil {
		return nil, err
	}
	var err error
	d.content, err = inventory.DecodeNode(&root)
	return d, err
}

// settle replaces names by the keys that the document really has.
func (d *document) settle(steps []any) inventory.Path {
	path := inventory.MakePath(steps...)
	value := d.content
	for i, step := range path {
		if name, ok := step.(string); ok {
			m, _ := value.(map[string]any)
			if _, exact := m[name]; !exact {
				for key := range m {
					if strings.EqualFold(key, name) {
						path[i] = key
					}
				}
			}
		}
		value, _ = inventory.Lookup(value, path[i:i+1])
	}
	return path
}

// At is the place of a field.
func (d *document) At(steps ...any) inventory.Place {
	path := d.settle(steps)
	if d.located != nil {
		return d.located.At(path)
	}
	place := d.file.Place
	place.Inner = path
	return place
}

func (d *document) get(steps ...any) any {
	v, _ := inventory.Lookup(d.content, d.settle(steps))
	return v
}

func (d *document) list(steps ...any) []any {
	l, _ := d.get(steps...).([]any)
	return l
}

// setting is a field with a single value; nil where it is not set.
func (d *document) setting(steps ...any) *Setting {
	text, ok := scalar(d.get(steps...))
	if !ok {
		return nil
	}
	return &Setting{Text: text, Place: d.At(steps...), Secret: d.file.Secret}
}

// settings are the values of a list of single values.
func (d *document) settings(steps ...any) []Setting {
	var all []Setting
	for i := range d.list(steps...) {
		path := append(append([]any{}, steps...), i)
		if s := d.setting(path...); s != nil {
			all = append(all, *s)
		}
	}
	return all
}

func (d *document) bool(steps ...any) bool {
	b, _ := d.get(steps...).(bool)
	return b
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case nil:
		return "", false
	case []any, map[string]any:
		return "", false
	}
	return fmt.Sprint(v), true
}
