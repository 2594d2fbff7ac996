// Package kubeapi knows which kinds and fields each minor of Kubernetes has,
// from the OpenAPI documents that Kubernetes publishes with its source.
package kubeapi

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run ./gen

//go:embed served.json.gz
var served []byte

// A Table is the data as it is stored. Minors are sets of bits, the lowest for
// the first release.
type Table struct {
	Releases []string                         `json:"releases"` // "v1.29.6", oldest first
	Kinds    map[string]*KindData             `json:"kinds"`    // by Kind.version.group
	Types    map[string]map[string]*FieldData `json:"types"`    // fields by type
}

// KindData is one version of a kind.
type KindData struct {
	Type   string `json:"t"`
	Minors int    `json:"m"`
}

// FieldData is one field of a type, and the type of what it holds.
type FieldData struct {
	Type   string `json:"t,omitempty"`
	Minors int    `json:"m"`
}

var table = sync.OnceValue(func() *Table {
	r, err := gzip.NewReader(bytes.NewReader(served))
	if err != nil {
		panic("kubeapi: the embedded data is broken: " + err.Error())
	}
	t := &Table{}
	if err := json.NewDecoder(r).Decode(t); err != nil {
		panic("kubeapi: the embedded data is broken: " + err.Error())
	}
	return t
})

// Minors are the minor versions of Kubernetes that are known, oldest first.
func Minors() []string {
	var minors []string
	for _, release := range table().Releases {
		minors = append(minors, minorOf(release))
	}
	return minors
}

// Releases are the releases whose documents were read, oldest first.
func Releases() []string { return slices.Clone(table().Releases) }

func minorOf(release string) string {
	parts := strings.Split(strings.TrimPrefix(release, "v"), ".")
	return parts[0] + "." + parts[1]
}

// Served are the minors that serve a version of a kind, oldest first: none for
// kinds that are not built in.
func Served(group, version, kind string) []string {
	data := table().Kinds[kind+"."+version+"."+group]
	if data == nil {
		return nil
	}
	return minorsIn(data.Minors)
}

// BuiltIn reports whether any known minor has the kind in any version.
func BuiltIn(group, kind string) bool {
	for key := range table().Kinds {
		if k, rest, _ := strings.Cut(key, "."); k == kind {
			if _, g, _ := strings.Cut(rest, "."); g == group {
				return true
			}
		}
	}
	return false
}

// Versions are the versions of a kind that a minor serves, by name.
func Versions(group, kind, minor string) []string {
	var versions []string
	for key, data := range table().Kinds {
		k, rest, _ := strings.Cut(key, ".")
		version, g, _ := strings.Cut(rest, ".")
		if k == kind && g == group && slices.Contains(minorsIn(data.Minors), minor) {
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	return versions
}

func minorsIn(bits int) []string {
	var minors []string
	for i, release := range table().Releases {
		if bits&(1<<i) != 0 {
			minors = append(minors, minorOf(release))
		}
	}
	return minors
}

// OffByDefault reports whether a cluster serves a version only if it is told
// to: alpha versions, and beta versions of APIs, which are off since
// Kubernetes 1.24 but for those that were on before (KEP-3136).
func OffByDefault(group, version string) bool {
	if strings.Contains(version, "alpha") {
		return true
	}
	return strings.Contains(version, "beta") && group != "flowcontrol.apiserver.k8s.io"
}

// A MissingField is a field that a minor does not have and others do.
type MissingField struct {
	Path   []any
	Minors []string // that have it
}

// MissingFields walks an object of a built-in kind and finds the fields that a
// minor does not have, though another known minor does. Fields that none has
// are not among them.
func MissingFields(group, version, kind, minor string, content map[string]any) []MissingField {
	t := table()
	data := t.Kinds[kind+"."+version+"."+group]
	bit := bitOf(minor)
	if data == nil || bit == 0 {
		return nil
	}
	var missing []MissingField
	var walk func(typ string, value any, path []any)
	walk = func(typ string, value any, path []any) {
		switch value := value.(type) {
		case []any:
			for i, item := range value {
				walk(typ, item, append(path[:len(path):len(path)], i))
			}
		case map[string]any:
			fields := t.Types[typ]
			names := make([]string, 0, len(value))
			for name := range value {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				at := append(path[:len(path):len(path)], name)
				field := fields[name]
				switch {
				case field == nil && len(fields) == 0:
				case field == nil:
					// A key of a map, whose values have the type.
					walk(typ, value[name], at)
				case field.Minors&bit == 0:
					missing = append(missing, MissingField{at, minorsIn(field.Minors)})
				case field.Type != "":
					walk(field.Type, value[name], at)
				}
			}
		}
	}
	walk(data.Type, content, nil)
	return missing
}

func bitOf(minor string) int {
	for i, release := range table().Releases {
		if minorOf(release) == minor {
			return 1 << i
		}
	}
	return 0
}

// Less orders minors: 1.9 before 1.10.
func Less(a, b string) bool { return number(a) < number(b) }

func number(minor string) int {
	_, text, _ := strings.Cut(minor, ".")
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("kubeapi: %q is no minor version", minor))
	}
	return n
}
