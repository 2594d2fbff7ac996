// Package networkpolicy checks whether NetworkPolicies let through what the platform needs.
package networkpolicy

import "github.com/kfpreflight/kfpreflight/checks"

// Checks of the family.
var Checks = []*checks.Check{}
