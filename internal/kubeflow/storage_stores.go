package kubeflow

import (
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
)

// A Store is a container that keeps data which nobody else has: the databases
// and object stores behind Kubeflow Pipelines, Katib and the model registry.
type Store struct {
	Title string
	Dir   string // where it writes
	// OneWriter stores lock their files: a second instance on the same
	// directory does not start while the first one runs.
	OneWriter bool
	// EmptyDir stores set themselves up only in an empty directory, so that
	// the root of a formatted volume, which holds lost+found, will not do.
	EmptyDir bool
}

// StoreOf recognises a store by the last part of its image's name: people
// mirror images. A container that runs a command of its own is none unless the
// command says where the data are: the same images hold clients.
func StoreOf(c *corev1.Container) (Store, bool) {
	named, err := reference.ParseNormalizedNamed(c.Image)
	if err != nil {
		return Store{}, false
	}
	repository := reference.Path(named)
	if strings.HasPrefix(repository, "bitnami") {
		return Store{}, false // its images keep their data elsewhere
	}
	words := slices.Concat(c.Command, c.Args)
	own := len(c.Command) == 0
	var store Store
	switch path.Base(repository) {
	case "mysql", "mariadb", "mysql-server", "percona", "percona-server":
		store = Store{Title: "MySQL", OneWriter: true}
		if own {
			store.Dir = "/var/lib/mysql"
		}
		if dir := option(words, "--datadir"); dir != "" {
			store.Dir = dir
		}
	case "postgres", "postgresql":
		store = Store{Title: "PostgreSQL", OneWriter: true, EmptyDir: true}
		if own {
			store.Dir = "/var/lib/postgresql/data"
			for _, env := range c.Env {
				if env.Name == "PGDATA" {
					store.Dir = env.Value
				}
			}
		}
	case "minio":
		store = Store{Title: "MinIO"}
		if i := slices.Index(words, "server"); i >= 0 {
			for _, word := range words[i+1:] {
				if strings.HasPrefix(word, "/") && !strings.Contains(word, "{") {
					store.Dir = word
					break
				}
			}
		}
	case "seaweedfs":
		store = Store{Title: "SeaweedFS"}
		if slices.Contains(words, "server") || slices.Contains(words, "volume") {
			store.Dir = option(words, "-dir")
		}
	default:
		return Store{}, false
	}
	if !strings.HasPrefix(store.Dir, "/") || strings.Contains(store.Dir, "$(") {
		return Store{}, false
	}
	store.Dir = path.Clean(store.Dir)
	return store, true
}

// option reads a flag given as --name=value or --name value.
func option(words []string, name string) string {
	for i, word := range words {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
		if word == name && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}
