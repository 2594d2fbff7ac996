package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	yaml "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// schema is as much of JSON Schema as schema.json uses. A test compares its
// verdicts with a full implementation's.
type schema struct {
	Type                 types              `json:"type"`
	Const                any                `json:"const"`
	Enum                 []string           `json:"enum"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *additional        `json:"additionalProperties"`
	Required             []string           `json:"required"`
	Items                *schema            `json:"items"`
	MinLength            int                `json:"minLength"`
	Minimum              *float64           `json:"minimum"`
	Pattern              string             `json:"pattern"`
	PatternErrorMessage  string             `json:"patternErrorMessage"`
	Format               string             `json:"format"`

	// Read by people and editors alone.
	Draft       string `json:"$schema"`
	ID          string `json:"$id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// additional says what fields of other names may hold: false for nothing.
type additional struct{ of *schema }

func (a *additional) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		return nil
	}
	a.of = &schema{}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(a.of)
}

// types is one type or a list of them.
type types []string

func (t *types) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

var parsedSchema = sync.OnceValues(func() (*schema, error) {
	root := &schema{}
	decoder := json.NewDecoder(strings.NewReader(string(Schema)))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(root)
	return root, err
})

// validate walks the YAML along the schema and reports everything that is
// wrong, in the order of the lines.
func validate(file string, root *yaml.Node) error {
	s, err := parsedSchema()
	if err != nil {
		return fmt.Errorf("reading the configuration's schema: %w", err)
	}
	v := &validator{file: file}
	v.check(s, root, nil)
	slices.SortStableFunc(v.problems, func(a, b *input.Error) int { return cmp.Compare(a.Line, b.Line) })
	var errs []error
	for _, p := range v.problems {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

type validator struct {
	file     string
	problems []*input.Error
}

func (v *validator) report(line int, path inventory.Path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(path) > 0 {
		text = path.String() + " " + text
	}
	v.problems = append(v.problems, &input.Error{File: v.file, Line: line, Err: errors.New(text)})
}

func (v *validator) check(s *schema, node *yaml.Node, path inventory.Path) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	value, err := scalar(node)
	if err != nil {
		v.report(node.Line, path, "cannot be read: %v", err)
		return
	}
	if s.Const != nil {
		if fmt.Sprint(value) != fmt.Sprint(s.Const) || node.ShortTag() == "!!str" {
			v.report(node.Line, path, "must be %v", s.Const)
		}
		return
	}
	if len(s.Enum) > 0 {
		if text, ok := value.(string); !ok || !slices.Contains(s.Enum, text) {
			v.report(node.Line, path, "must be one of %s%s", strings.Join(s.Enum, ", "), near.Hint(node.Value, s.Enum))
		}
		return
	}
	if !s.hasType(node, value) {
		v.report(node.Line, path, "%s", wrongType(s, node))
		return
	}
	switch node.Kind {
	case yaml.MappingNode:
		v.mapping(s, node, path)
	case yaml.SequenceNode:
		for i, item := range node.Content {
			v.check(s.Items, item, path.Join(i))
		}
	case yaml.ScalarNode:
		v.scalar(s, node, value, path)
	}
}

func (v *validator) mapping(s *schema, node *yaml.Node, path inventory.Path) {
	seen := map[string]int{}
	v.entries(s, node, path, seen)
	for _, name := range s.Required {
		if _, given := seen[name]; !given {
			hint := ""
			if c := s.Properties[name].Const; c != nil {
				hint = fmt.Sprintf(": write %s: %v", name, c)
			}
			v.report(node.Line, path, "%s%s is missing%s", needsOf(path), name, hint)
		}
	}
}

func needsOf(path inventory.Path) string {
	if len(path) == 0 {
		return ""
	}
	return "is not complete: "
}

func (v *validator) entries(s *schema, node *yaml.Node, path inventory.Path, seen map[string]int) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Tag == "!!merge" {
			v.report(key.Line, path, "has a merge key (<<): write the fields out")
			continue
		}
		if first, dup := seen[key.Value]; dup {
			v.report(key.Line, path.Join(key.Value), "is given twice; first at line %d", first)
			continue
		}
		seen[key.Value] = key.Line
		field, known := s.Properties[key.Value]
		if !known && s.AdditionalProperties != nil && s.AdditionalProperties.of != nil {
			v.check(s.AdditionalProperties.of, value, path.Join(key.Value))
			continue
		}
		if !known {
			names := make([]string, 0, len(s.Properties))
			for name := range s.Properties {
				names = append(names, name)
			}
			slices.Sort(names)
			hint := near.Hint(key.Value, names)
			if hint == "" {
				hint = ": known are " + strings.Join(names, ", ")
			}
			v.report(key.Line, nil, "unknown key %q%s%s", key.Value, inPath(path), hint)
			continue
		}
		v.check(field, value, path.Join(key.Value))
	}
}

func inPath(path inventory.Path) string {
	if len(path) == 0 {
		return ""
	}
	return " in " + path.String()
}

func (v *validator) scalar(s *schema, node *yaml.Node, value any, path inventory.Path) {
	text, isText := value.(string)
	if isText && len(text) < s.MinLength {
		v.report(node.Line, path, "must not be empty")
		return
	}
	if s.Minimum != nil {
		if n, ok := number(value); ok && n < *s.Minimum {
			v.report(node.Line, path, "must be at least %v", *s.Minimum)
		}
	}
	if isText && s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(text) {
		v.report(node.Line, path, "%s", s.PatternErrorMessage)
	}
	if check := formats[s.Format]; check != nil {
		if !isText {
			text = node.Value
		}
		if err := check(text); err != nil {
			v.report(node.Line, path, "%v", err)
		}
	}
}

// formats are the formats of the schema; all but date are this program's own,
// which other readers of the schema pass over.
var formats = map[string]func(string) error{
	"date": func(s string) error {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return fmt.Errorf("must be a day as in 2026-12-31, not %q", s)
		}
		return nil
	},
	"quantity": func(s string) error {
		q, err := resource.ParseQuantity(s)
		if err != nil || q.Sign() < 0 {
			return fmt.Errorf("must be an amount as in 4, 500m or 16Gi, not %q", s)
		}
		return nil
	},
	"object-glob": func(s string) error {
		parts := strings.Split(s, "/")
		if len(parts) > 3 || parts[0] == "" || !doublestar.ValidatePattern(s) {
			return fmt.Errorf("must be kind/namespace/name with globs, as in ConfigMap/auth/dex or Deployment/kubeflow/*, not %q", s)
		}
		return nil
	},
	"image-glob": func(s string) error {
		if s == "" || strings.ContainsAny(s, " \t") || strings.Contains(s, "://") || !doublestar.ValidatePattern(s) {
			return fmt.Errorf("must be a registry, a repository or a glob as in ghcr.io/kubeflow/**, not %q", s)
		}
		return nil
	},
	"image-prefix": func(s string) error {
		if s == "" || strings.ContainsAny(s, " \t*?@") || strings.Contains(s, "://") {
			return fmt.Errorf("must be a registry or a part of one as in registry.example.com/mirror, not %q", s)
		}
		return nil
	},
	"path-glob": func(s string) error {
		if s == "" || !doublestar.ValidatePattern(s) {
			return fmt.Errorf("must be a file, a folder or a glob as in overlays/**, not %q", s)
		}
		return nil
	},
}

func (s *schema) hasType(node *yaml.Node, value any) bool {
	for _, t := range s.Type {
		switch t {
		case "object":
			if node.Kind == yaml.MappingNode {
				return true
			}
		case "array":
			if node.Kind == yaml.SequenceNode {
				return true
			}
		case "string":
			if _, ok := value.(string); ok {
				return true
			}
		case "boolean":
			if _, ok := value.(bool); ok {
				return true
			}
		case "integer":
			if n, ok := number(value); ok && n == float64(int64(n)) {
				return true
			}
		case "number":
			if _, ok := number(value); ok {
				return true
			}
		}
	}
	return false
}

func wrongType(s *schema, node *yaml.Node) string {
	isText := slices.Contains(s.Type, "string")
	wanted := map[string]string{"object": "a mapping", "array": "a list", "string": "a text", "boolean": "true or false", "integer": "a whole number", "number": "a number"}[s.Type[0]]
	switch {
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" && s.Type[0] == "array":
		return "is empty: write [] for a list that is known to be empty, or leave it out if it is not known"
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null":
		return "is empty: it must be " + wanted + ", or be left out"
	case isText && node.Kind == yaml.ScalarNode:
		return fmt.Sprintf("must be %s: write %q in quotes", wanted, node.Value)
	}
	return fmt.Sprintf("must be %s", wanted)
}

func scalar(node *yaml.Node) (any, error) {
	if node.Kind != yaml.ScalarNode {
		return nil, nil
	}
	return inventory.DecodeManifest(node)
}

func number(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
