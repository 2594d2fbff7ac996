//go:build ignore

// Generate writes bootstrap.jsonl: the roles and bindings that kube-apiserver
// creates by itself, by minor version of Kubernetes.
//
// The arguments are unpacked modules k8s.io/kubernetes, one for each minor,
// oldest first (go mod download -json prints where one is).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"

	"sigs.k8s.io/yaml"
)

var minor = regexp.MustCompile(`@v(\d+\.\d+)\.`)

func main() {
	type line struct {
		From   string          `json:"from"`
		To     string          `json:"to"`
		Object json.RawMessage `json:"object"`
	}
	var lines []*line
	previous := ""
	for _, dir := range os.Args[1:] {
		m := minor.FindStringSubmatch(dir)
		if m == nil {
			log.Fatalf("no version in %s", dir)
		}
		version := m[1]
		seen := map[string]bool{}
		for _, file := range []string{"cluster-roles", "controller-roles", "namespace-roles", "cluster-role-bindings", "controller-role-bindings", "namespace-role-bindings"} {
			data, err := os.ReadFile(filepath.Join(dir, "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata", file+".yaml"))
			if err != nil {
				log.Fatal(err)
			}
			var list struct {
				Items []map[string]any `json:"items"`
			}
			if err := yaml.Unmarshal(data, &list); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
			for _, item := range list.Items {
				metadata := item["metadata"].(map[string]any)
				delete(metadata, "creationTimestamp")
				delete(metadata, "annotations") // the same on all: autoupdate
				object, err := json.Marshal(item)
				if err != nil {
					log.Fatal(err)
				}
				if seen[string(object)] { // upstream's files repeat namespaced ones
					continue
				}
				seen[string(object)] = true
				known := false
				for _, l := range lines {
					if l.To == previous && string(l.Object) == string(object) {
						l.To, known = version, true
						break
					}
				}
				if !known {
					lines = append(lines, &line{version, version, object})
				}
			}
		}
		previous = version
	}
	out, err := os.Create("bootstrap.jsonl")
	if err != nil {
		log.Fatal(err)
	}
	w := bufio.NewWriter(out)
	for _, l := range lines {
		text, err := json.Marshal(l)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(w, "%s\n", text)
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
}
