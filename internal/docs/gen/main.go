// Command gen writes docs/checks and docs/cli.md from the program. It is run
// in the module's root.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks/all"
	"github.com/kfpreflight/kfpreflight/internal/cli"
	"github.com/kfpreflight/kfpreflight/internal/docs"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	pages, err := docs.Pages(os.DirFS("."), slices.Concat(all.Checks, runner.Checks))
	if err != nil {
		return err
	}
	dir := filepath.Join("docs", "checks")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for name, text := range pages {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	reference, err := cli.Reference()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("docs", "cli.md"), []byte(reference), 0o644)
}
