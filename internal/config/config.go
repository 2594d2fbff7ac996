// Package config reads .kfpreflight.yaml: cluster facts, the target, which
// checks run, and what is accepted.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	yaml "go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Name is the file's name.
const Name = ".kfpreflight.yaml"

// Config is the content of the file.
type Config struct {
	Version         int           `json:"version"`
	KubeflowVersion string        `json:"kubeflowVersion,omitempty"`
	Cluster         facts.Cluster `json:"cluster,omitempty"`
}

// Parse reads a configuration. Unknown keys and other versions are errors with
// their line.
func Parse(name string, data []byte) (*Config, error) {
	cfg := &Config{}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, &input.Error{File: name, Err: err}
	}
	if err := sigsyaml.UnmarshalStrict(data, cfg); err != nil {
		return nil, &input.Error{File: name, Err: err}
	}
	if cfg.Version != 1 {
		return nil, &input.Error{File: name, Line: 1, Err: fmt.Errorf("version must be 1")}
	}
	return cfg, nil
}
