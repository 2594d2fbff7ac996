// Package quota checks whether what runs fits into quotas and limit ranges.
package quota

import "github.com/kfpreflight/kfpreflight/checks"

// Checks of the family.
var Checks = []*checks.Check{
	invalidQuota,
	keyWithoutEffect,
	suspiciousQuantity,
	overruledQuota,
	invalidLimitRange,
	conflictingDefaults,
	limitRangeForcesDevices,
	limitRangeViolation,
	requestAboveLimit,
	missingResources,
	exceeded,
	trialsExceedQuota,
	noRoomForRollout,
	noRoomToScale,
	runtimePodsRefused,
	spawnedNotebooksRefused,
}
