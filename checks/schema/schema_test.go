package schema

import (
	"testing"

	"github.com/kfpreflight/kfpreflight/checks/checktest"
	"github.com/kfpreflight/kfpreflight/internal/apiserver"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

func TestChecks(t *testing.T) {
	checktest.RunWith(t, Checks, runner.Options{Server: apiserver.New})
}
