// Package docs carries the pages of the checks, so that the program can print
// them. make docs writes them.
package docs

import "embed"

// Pages holds checks/README.md and checks/<family>/<problem>.md.
//
//go:embed checks
var Pages embed.FS
