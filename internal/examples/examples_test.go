package examples

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/checks/all"
	"github.com/kfpreflight/kfpreflight/checks/checktest"
	"github.com/kfpreflight/kfpreflight/internal/apiserver"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render"
)

// TestPlatform holds that nothing is wrong with the platform that a reader is
// told to start from, and that nothing about it is left undecided.
func TestPlatform(t *testing.T) { examine(t, "platform") }

// TestBroken holds that each mistake is found where it was made.
func TestBroken(t *testing.T) { examine(t, "broken") }

// examine renders an example and holds the findings of all checks against the
// comments in its files. What is for information only needs no comment.
func examine(t *testing.T, name string) {
	t.Helper()
	t.Chdir(filepath.Join("..", "..", "examples"))
	cfg, err := config.Load(filepath.Join(name, config.Name))
	if err != nil {
		t.Fatal(err)
	}
	inv, _, err := render.Inventory(context.Background(), []string{name}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := runner.Run(context.Background(), inv, all.Checks, runner.Options{
		Server:  apiserver.New,
		Cluster: &cfg.Cluster,
		Target:  checks.Target{Kubernetes: cfg.Cluster.KubernetesVersion, Kubeflow: cfg.KubeflowVersion},
	})
	if err != nil {
		t.Fatal(err)
	}
	var findings []*checks.Finding
	for _, f := range result.Findings {
		if f.Severity > checks.Info || f.Undecided {
			findings = append(findings, f)
		}
	}
	wants, err := checktest.Wants(files(t, name))
	if err != nil {
		t.Fatal(err)
	}
	checktest.Match(t, wants, findings, func(f *checks.Finding) string { return f.Check.ID + ": " + f.Message })
}

func files(t *testing.T, dir string) []txtar.File {
	t.Helper()
	var found []txtar.File
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found = append(found, txtar.File{Name: filepath.ToSlash(path), Data: data})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
