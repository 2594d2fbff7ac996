// Package oidc checks the login chain from gateway to identity provider as one unit.
package oidc

import "github.com/kfpreflight/kfpreflight/checks"

// Checks of the family.
var Checks = []*checks.Check{}
