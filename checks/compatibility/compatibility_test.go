package compatibility

import (
	"testing"

	"github.com/kfpreflight/kfpreflight/checks/checktest"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks) }
