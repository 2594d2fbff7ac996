// Package image checks what nodes will pull: whether the names of images can
// be pulled, from registries that exist, with the passwords at hand, and from
// where the user's rules allow.
package image

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	invalidReference,
	placeholderTag,
	retiredRegistry,
	floatingTag,
	mixedVersions,
	neverPulled,
	missingPullSecret,
	unusablePullSecret,
	pullSecretOfOtherRegistry,
	notAllowed,
}

var (
	secretKind         = inventory.GroupKind{Kind: "Secret"}
	serviceAccountKind = inventory.GroupKind{Kind: "ServiceAccount"}
)

// readable are the images of the render whose names can be read.
func readable(pass *checks.Pass) []named {
	var list []named
	for _, use := range images.Find(pass.Render) {
		if r, err := images.Parse(use.Image); err == nil {
			list = append(list, named{use, r})
		}
	}
	if len(list) == 0 {
		pass.NotApplicable()
	}
	return list
}

// A named is a use of an image and its name, taken apart.
type named struct {
	images.Use
	images.Reference
}
