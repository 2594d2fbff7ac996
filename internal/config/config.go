// Package config reads .kfpreflight.yaml: cluster facts, the target, which
// checks run, and what is accepted.
//
// The file's format is the JSON Schema in schema.json, which editors use too;
// reading walks the YAML along it, so that every problem has its line.
package config

import (
	"bytes"
	_ "embed" // the schema
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Name is the file's name.
const Name = ".kfpreflight.yaml"

// SchemaURL is where editors find the JSON Schema.
const SchemaURL = "https://raw.githubusercontent.com/kfpreflight/kfpreflight/main/internal/config/schema.json"

// Schema is the JSON Schema of the file.
//
//go:embed schema.json
var Schema []byte

// Config is the content of the file.
type Config struct {
	Version         int           `json:"version"`
	KubeflowVersion string        `json:"kubeflowVersion,omitempty"`
	Cluster         facts.Cluster `json:"cluster,omitempty"`
	Checks          Selection     `json:"checks,omitempty"`
	FailOn          string        `json:"failOn,omitempty"` // error, warning, info or never
	FailOnUndecided bool          `json:"failOnUndecided,omitempty"`
	Ignore          []Ignore      `json:"ignore,omitempty"`
	// Images says where images may come from; Parse copies it to the cluster's
	// facts, where checks find it.
	Images facts.ImagePolicy `json:"images,omitempty"`

	// File is the name by which the file was read; empty where there is none.
	File string `json:"-"`

	object *inventory.Object
}

// Selection says which checks run, by id, family or glob.
type Selection struct {
	Enable  []string `json:"enable,omitempty"`
	Disable []string `json:"disable,omitempty"`
	Only    []string `json:"only,omitempty"`
}

// An Ignore accepts findings, with a reason.
type Ignore struct {
	Check   string `json:"check"`            // id, family or glob
	Object  string `json:"object,omitempty"` // kind/namespace/name, globs
	Path    string `json:"path,omitempty"`   // file, folder or glob
	Reason  string `json:"reason"`
	Expires string `json:"expires,omitempty"` // the last day: 2026-12-31
	Owner   string `json:"owner,omitempty"`
}

// Expired reports whether the last day is over.
func (i *Ignore) Expired(now time.Time) bool {
	return i.Expires != "" && now.Format(time.DateOnly) > i.Expires
}

// Parse reads a configuration. All its problems are reported, each of type
// [*input.Error] with its line.
func Parse(name string, data []byte) (*Config, error) {
	root, err := parseYAML(name, data)
	if err != nil {
		return nil, err
	}
	if err := validate(name, root); err != nil {
		return nil, err
	}
	content, err := inventory.DecodeManifest(root)
	if err != nil {
		return nil, &input.Error{File: name, Err: err}
	}
	encoded, err := json.Marshal(content)
	if err != nil {
		return nil, &input.Error{File: name, Err: err}
	}
	cfg := &Config{File: name}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(cfg); err != nil {
		return nil, &input.Error{File: name, Err: err}
	}
	cfg.Cluster.Images = cfg.Images
	fields, _ := content.(map[string]any)
	cfg.object = inventory.NewObject(fields, locator{name, root})
	cfg.object.Key = inventory.Key{Name: Name}
	return cfg, nil
}

// Load reads the configuration from a file.
func Load(name string) (*Config, error) {
	data, err := input.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.ToSlash(name), data)
}

// Find looks for the file in a folder and those above, up to the root of the
// folder's repository; outside of one, in the folder alone. It returns an empty
// name where there is none.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	root, inRepository := Root(dir)
	if !inRepository {
		root = dir
	}
	for {
		name := filepath.Join(dir, Name)
		_, err := os.Lstat(name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if dir == root || dir == filepath.Dir(dir) {
			return "", nil
		}
		dir = filepath.Dir(dir)
	}
}

// Root is the top of the git work tree that holds a folder, and whether it is
// in one.
func Root(dir string) (string, bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return dir, false
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at, true
		}
		if at == filepath.Dir(at) {
			return dir, false
		}
	}
}

// At names a field of the file: findings about the configuration point there.
func (c *Config) At(steps ...any) inventory.Place {
	if c.object == nil {
		return inventory.Place{}
	}
	return c.object.At(steps...)
}

// Errorf makes an error about a field of the file, with its line.
func (c *Config) Errorf(path inventory.Path, format string, args ...any) error {
	return &input.Error{File: c.File, Line: c.At(path).Origin().Line, Err: fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))}
}

// locator finds fields in the file.
type locator struct {
	file string
	root *yaml.Node
}

func (l locator) Locate(_ *inventory.Object, path inventory.Path, _ int) inventory.Origin {
	node, _ := inventory.NodeAt(l.root, path)
	if node == nil {
		return inventory.Origin{File: l.file}
	}
	return inventory.Origin{File: l.file, Line: node.Line, Exact: true}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s*)?line (\d+): `)

// parseYAML reads the one document of the file.
func parseYAML(name string, data []byte) (*yaml.Node, error) {
	if err := input.CheckText(name, data); err != nil {
		return nil, err
	}
	if err := input.CheckAliases(name, data); err != nil {
		return nil, err
	}
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1}, nil
	}
	if err == nil {
		if err = decoder.Decode(&more); errors.Is(err, io.EOF) {
			return doc.Content[0], nil
		}
		if err == nil {
			return nil, input.Errorf(name, more.Line, "a second document; the configuration is one")
		}
	}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		text := err.Error()[len(m[0]):]
		if strings.HasPrefix(text, "did not find expected") {
			line++ // of its parser's errors the library counts lines from 0
		}
		return nil, input.Errorf(name, line, "malformed YAML: %s", text)
	}
	return nil, input.Errorf(name, 0, "malformed YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}
