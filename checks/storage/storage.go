// Package storage checks where data lives: storage classes, claims and the pods that mount them.
package storage

import "github.com/kfpreflight/kfpreflight/checks"

// Checks of the family.
var Checks = []*checks.Check{}
