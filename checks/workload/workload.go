// Package workload checks what pods need to start and to be reached: the
// ConfigMaps and Secrets that they take, the Services that lead to them, the
// nodes and the rules of their namespace.
package workload

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	missingConfigMap,
	missingSecret,
	missingKey,
	serviceSelectsNothing,
	servicePortNotServed,
	serviceMixesPods,
	probePortNotServed,
	configOutOfPlace,
	undefinedVariable,
	missingMountedFile,
	danglingTarget,
	autoscalerWithoutRequests,
	drainBlocked,
	missingClass,
	fitsNoNode,
	podSecurityViolation,
}

var (
	namespaceKind  = inventory.GroupKind{Kind: "Namespace"}
	deploymentKind = inventory.GroupKind{Group: "apps", Kind: "Deployment"}
)
