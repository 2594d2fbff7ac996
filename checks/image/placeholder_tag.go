package image

import (
	"regexp"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

var placeholderTag = &checks.Check{
	ID:       "image/placeholder-tag",
	Severity: checks.Error,
	Doc: `image has a tag that stands for one to be filled in

Bases name images with tags such as dummy, which nobody ever pushed, and leave
the real one to an overlay: kustomize's images entry, a replacement, a build. One
that is missing, or names another image, leaves the placeholder, and the pod ends
in ImagePullBackOff. Tags and names are compared with what people use for that:
dummy, tag, todo, changeme, replace_me, placeholder, your-registry, v0.0.0 and
the like.

Words that are tags in earnest are left out: dev, test, main, stable, edge.`,
	Fix:   "Set the tag in the overlay: an entry in images with the name as the base has it.",
	Refs:  []string{"kubeflow/manifests#2496", "kubeflow/pipelines#10994"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, use := range readable(pass) {
			switch word := strings.ToLower(use.Tag); {
			case use.Digest != "":
			case placeholderTags.MatchString(word):
				pass.Reportf(use.Place, "%s is to run %s, whose tag stands for one to be filled in", use.What, use.Image)
			case placeholderNames.MatchString(use.Name()):
				pass.Reportf(use.Place, "%s is to run %s, whose name stands for one to be filled in", use.What, use.Image)
			}
		}
	},
}

var (
	placeholderTags  = regexp.MustCompile(`^v?0\.0\.0$|^(image[_.-]?)?(tag|version)$|^(my|your|some|the)[_.-]?(tag|version|image)?$|^(dummy|placeholder|todo|tbd|fixme|xxx+|change[_.-]?me|replace[_.-]?me|set[_.-]?me|replace([_.-]?(tag|version|by|with).*)?|to[_.-]?be[_.-]?(replaced|set|filled).*|unset|undefined|null|none|nil|n[_.-]?a)$`)
	placeholderNames = regexp.MustCompile(`(^|/)your[_.-]?(registry|repo|repository|org|project|account|company|image)(\.[a-z]+)*(:\d+)?/|(^|/)(change[_.-]?me|replace[_.-]?me|placeholder|todo)(/|$)|^<|(^|/)your[_.-]?image$`)
)
