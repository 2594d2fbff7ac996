// Command gen writes served.json.gz: which kinds and fields each minor of
// Kubernetes has, from the OpenAPI documents in the k8s.io/kubernetes modules.
// Run it with go generate in internal/kubeapi when a minor is released; it
// downloads the modules that are not in the module cache.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/kubeapi"
)

// releases are the modules that are read, oldest first, one for each minor.
var releases = []string{
	"v1.29.6", "v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2",
}

type document struct {
	Paths       map[string]map[string]json.RawMessage `json:"paths"`
	Definitions map[string]struct {
		Properties map[string]schema `json:"properties"`
	} `json:"definitions"`
}

type schema struct {
	Ref                  string  `json:"$ref"`
	Type                 string  `json:"type"`
	Items                *schema `json:"items"`
	AdditionalProperties *schema `json:"additionalProperties"`
}

func main() {
	log.SetFlags(0)
	table := &kubeapi.Table{Kinds: map[string]*kubeapi.KindData{}, Types: map[string]map[string]*kubeapi.FieldData{}}
	for i, release := range releases {
		table.Releases = append(table.Releases, release)
		if err := add(table, release, 1<<i); err != nil {
			log.Fatal(err)
		}
	}
	data, err := json.Marshal(table)
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if _, err := w.Write(data); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("served.json.gz", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d kinds, %d types, %d bytes (%d compressed)\n", len(table.Kinds), len(table.Types), len(data), out.Len())
}

// add reads one release into the table.
func add(table *kubeapi.Table, release string, bit int) error {
	dir, err := moduleDir(release)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "api/openapi-spec/swagger.json"))
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("reading the OpenAPI document of %s: %w", release, err)
	}
	for path, operations := range doc.Paths {
		post := operations["post"]
		if post == nil || strings.HasSuffix(path, "}/") {
			continue
		}
		var op struct {
			Action string `json:"x-kubernetes-action"`
			Kind   struct {
				Group   string `json:"group"`
				Version string `json:"version"`
				Kind    string `json:"kind"`
			} `json:"x-kubernetes-group-version-kind"`
			Parameters []struct {
				In     string `json:"in"`
				Schema schema `json:"schema"`
			} `json:"parameters"`
		}
		if err := json.Unmarshal(post, &op); err != nil {
			return err
		}
		// A created kind stands under a plural; what is below a name is a
		// subresource.
		if op.Action != "post" || op.Kind.Kind == "" || strings.Contains(path, "{name}") {
			continue
		}
		for _, p := range op.Parameters {
			if p.In != "body" {
				continue
			}
			key := op.Kind.Kind + "." + op.Kind.Version + "." + op.Kind.Group
			kind := table.Kinds[key]
			if kind == nil {
				kind = &kubeapi.KindData{}
				table.Kinds[key] = kind
			}
			kind.Type = typeName(p.Schema.Ref)
			kind.Minors |= bit
		}
	}
	// CRDs have schemas of any depth; the server's own code judges those.
	for name, definition := range doc.Definitions {
		name = typeName("#/definitions/" + name)
		if strings.HasSuffix(name, ".JSONSchemaProps") {
			continue
		}
		fields := table.Types[name]
		if fields == nil {
			fields = map[string]*kubeapi.FieldData{}
			table.Types[name] = fields
		}
		for field, s := range definition.Properties {
			data := fields[field]
			if data == nil {
				data = &kubeapi.FieldData{}
				fields[field] = data
			}
			data.Minors |= bit
			data.Type = typeName(innermost(&s).Ref)
		}
	}
	return nil
}

// innermost goes through lists and maps to the type of what they hold.
func innermost(s *schema) *schema {
	for {
		switch {
		case s.Items != nil:
			s = s.Items
		case s.AdditionalProperties != nil:
			s = s.AdditionalProperties
		default:
			return s
		}
	}
}

func typeName(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "#/definitions/"), "io.k8s.")
}

func moduleDir(release string) (string, error) {
	temp, err := os.MkdirTemp("", "kubeapi")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	cmd := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+release)
	cmd.Dir = temp
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("downloading k8s.io/kubernetes %s: %w: %s", release, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	return module.Dir, nil
}
