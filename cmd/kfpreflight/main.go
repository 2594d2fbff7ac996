// Command kfpreflight says what would break before Kubeflow is applied.
package main

import (
	"os"

	"github.com/kfpreflight/kfpreflight/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
