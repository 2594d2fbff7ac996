package image

import "github.com/kfpreflight/kfpreflight/checks"

var floatingTag = &checks.Check{
	ID:       "image/floating-tag",
	Severity: checks.Warning,
	Doc: `image has no tag, or latest

What runs is decided when a node pulls: a pod that moves to another node may come
back as another version, and nothing in the manifests says which one works.
Kubernetes pulls such an image at every start of the container, so the pod does
not start while the registry cannot be reached.

Images that are used only if somebody asks for them, and those in configuration
files, are information: upstream names the base image of cached pipeline steps
(cacheImage) without a tag.`,
	Fix:   "Name a version, or a digest.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/configuration/overview/#container-images", "bitnami/containers#83267"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, use := range readable(pass) {
			if use.Builtin || use.Digest != "" || use.Tag != "" && use.Tag != "latest" {
				continue
			}
			f := pass.Reportf(use.Place, "%s is to run %s, which has %s: what it is changes", use.What, use.Image, tagOf(use))
			if !use.Container {
				f.As(checks.Info)
			}
		}
	},
}
