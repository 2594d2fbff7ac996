package kustomize

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kfpreflight/kfpreflight/render/input"
)

// TestBadInput renders archives whose comment gives the error: a pattern, with
// the file and line that the user must be led to.
func TestBadInput(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir, archive := unpack(t, file)
			t.Chdir(dir)
			pattern := strings.TrimSpace(string(archive.Comment))
			_, err := Objects(context.Background(), "top", Options{})
			wantError(t, err, pattern)
		})
	}
}

func wantError(t *testing.T, err error, pattern string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	var in *input.Error
	if !errors.As(err, &in) {
		t.Errorf("the error has no place: %T", err)
	}
	if matched, _ := regexp.MatchString("^"+pattern+"$", err.Error()); !matched {
		t.Errorf("got  %s\nwant %s", err, pattern)
	}
}

func TestHugeFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "top/kustomization.yaml", "resources: [big.yaml]\n")
	write(t, "top/big.yaml", "")
	if err := os.Truncate("top/big.yaml", 1<<30); err != nil {
		t.Fatal(err)
	}
	_, err := Objects(context.Background(), "top", Options{})
	wantError(t, err, `top/big.yaml: the file has 1024 MiB; at most 64 MiB are read`)
}

func TestSymlinkLoop(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "top/kustomization.yaml", "resources:\n- loop.yaml\n")
	if err := os.Symlink("loop.yaml", "top/loop.yaml"); err != nil {
		t.Fatal(err)
	}
	_, err := Objects(context.Background(), "top", Options{})
	wantError(t, err, `top/kustomization.yaml:2: .*loop.yaml.*`)
}

func TestNotAFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "top/other.yaml", "a: b\n")
	_, err := Objects(context.Background(), "top", Options{})
	wantError(t, err, `top: no kustomization.yaml, kustomization.yml or Kustomization in the folder`)
}

func TestOffline(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "top/kustomization.yaml", "resources:\n- ../base\n")
	write(t, "base/kustomization.yaml", "resources:\n- github.com/example/repository//dir?ref=v1\n")
	_, err := Objects(context.Background(), "top", Options{Offline: true})
	wantError(t, err, `base/kustomization.yaml:2: github.com/example/repository//dir\?ref=v1 is not on this machine, and --offline refuses to fetch it`)
}

func TestCancelled(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "top/kustomization.yaml", "resources: []\n")
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	if _, err := Objects(ctx, "top", Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
