package inventory

import (
	"strconv"
	"strings"
)

// Path is a field path: strings for keys of mappings, ints for positions in
// lists.
type Path []any

// MakePath checks that the steps are strings and ints, and copies them. A Path
// among the steps is spliced in. It panics on any other type: that is a mistake
// in a check, and its test meets it.
func MakePath(steps ...any) Path {
	path := make(Path, 0, len(steps))
	for _, step := range steps {
		switch step := step.(type) {
		case string, int:
			path = append(path, step)
		case Path:
			path = append(path, step...)
		default:
			panic("inventory: a field path holds strings and ints only")
		}
	}
	return path
}

// Join returns a new path with further steps; the receiver stays as it is.
func (p Path) Join(steps ...any) Path {
	return append(p[:len(p):len(p)], MakePath(steps...)...)
}

// String writes the path as kubectl explain would, with brackets round keys
// that are not plain words: spec.containers[0].image, data[config.yaml].
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			b.WriteString("[" + strconv.Itoa(step) + "]")
		case string:
			if strings.ContainsAny(step, "./[] ") || step == "" {
				b.WriteString("[" + step + "]")
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	return b.String()
}

// Lookup follows a path through decoded YAML or JSON.
func Lookup(value any, path Path) (any, bool) {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := value.(map[string]any)
			if !ok {
				return nil, false
			}
			if value, ok = m[step]; !ok {
				return nil, false
			}
		case int:
			l, ok := value.([]any)
			if !ok || step < 0 || step >= len(l) {
				return nil, false
			}
			value = l[step]
		}
	}
	return value, true
}
