//go:build ignore

// Served_generate writes served.tsv: the resources that kube-apiserver serves,
// with the minor versions of Kubernetes that do.
//
// The arguments are unpacked modules k8s.io/kubernetes, one for each minor,
// oldest first (go mod download -json prints where one is).
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

var minor = regexp.MustCompile(`@v(\d+\.\d+)\.`)

type resource struct {
	group, name, kind, singular, short string
	namespaced                         bool
	verbs                              []string
	minors                             []string
}

func main() {
	all := map[string]*resource{}
	for _, dir := range os.Args[1:] {
		version := minor.FindStringSubmatch(dir)[1]
		files, err := filepath.Glob(filepath.Join(dir, "api/discovery/api*__v*.json"))
		if err != nil {
			log.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				log.Fatal(err)
			}
			var list struct {
				GroupVersion string
				Resources    []struct {
					Name, SingularName, Kind string
					Namespaced               bool
					ShortNames, Verbs        []string
				}
			}
			if err := json.Unmarshal(data, &list); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
			group, _, ok := strings.Cut(list.GroupVersion, "/")
			if !ok {
				group = ""
			}
			for _, r := range list.Resources {
				known := all[group+" "+r.Name]
				if known == nil {
					known = &resource{group: group, name: r.Name, namespaced: r.Namespaced}
					all[group+" "+r.Name] = known
				}
				known.kind, known.singular, known.short = r.Kind, r.SingularName, strings.Join(r.ShortNames, ",")
				for _, verb := range r.Verbs {
					if !slices.Contains(known.verbs, verb) {
						known.verbs = append(known.verbs, verb)
					}
				}
				if !slices.Contains(known.minors, version) {
					known.minors = append(known.minors, version)
				}
			}
		}
	}
	var lines []string
	for _, r := range all {
		scope := "cluster"
		if r.namespaced {
			scope = "namespaced"
		}
		group := r.group
		if group == "" {
			group = "core"
		}
		slices.Sort(r.verbs)
		lines = append(lines, strings.Join([]string{group, r.name, scope, r.kind, r.singular, r.short, strings.Join(r.verbs, ","), r.minors[0], r.minors[len(r.minors)-1]}, "\t"))
	}
	sort.Strings(lines)
	text := "# group, resource, scope, kind, singular, short names, verbs, first and last minor\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile("served.tsv", []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(lines), "resources")
}
