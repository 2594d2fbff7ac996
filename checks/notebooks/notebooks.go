// Package notebooks checks notebooks and the profiles that they run in: the form
// that makes them, what is added to their pods, and who owns the namespace.
package notebooks

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	namespaceNotOwned,
	refusedOwner,
	conflictingPodDefaults,
	unreadableCulling,
}

var (
	profileKind    = inventory.GroupKind{Group: "kubeflow.org", Kind: "Profile"}
	podDefaultKind = inventory.GroupKind{Group: "kubeflow.org", Kind: "PodDefault"}
	namespaceKind  = inventory.GroupKind{Kind: "Namespace"}
)
