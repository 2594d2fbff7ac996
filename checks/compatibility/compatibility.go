// Package compatibility checks whether the versions of the platform's parts are
// published to work with each other and with the target's Kubernetes.
package compatibility

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// Checks of the family.
var Checks = []*checks.Check{
	unsupportedKubernetes,
	unsupportedCombination,
	meshVersionSkew,
	knativeVersionSkew,
}

const (
	knativeTitle = "Knative Serving"
	versionLabel = "app.kubernetes.io/version"
)

// A part is one version of a component that the render runs, and where it says
// so.
type part struct {
	title   string
	version string
	place   inventory.Place
}

// parts finds the components with published ranges, by the tags of their images
// and, for Knative, whose images are named by digest, by its labels.
func parts(pass *checks.Pass) []part {
	var found []part
	for _, s := range kubeflow.SupportedParts {
		for pod := range kubeflow.Pods(pass.Render) {
			if pod.Owner.Made != nil {
				continue
			}
			if s.Title == knativeTitle {
				if pod.Labels["app.kubernetes.io/name"] == "knative-serving" && pod.Labels["app.kubernetes.io/component"] == "controller" {
					if v, ok := minor(pod.Labels[versionLabel]); ok {
						found = append(found, part{s.Title, v, pod.At("metadata", "labels", versionLabel)})
					}
				}
				continue
			}
			for place, c := range pod.Containers() {
				if name, v, ok := tagged(c.Image); ok && slices.Contains(s.Images, name) {
					found = append(found, part{s.Title, v, place.At("image")})
				}
			}
		}
	}
	return found
}

// tagged reads the last part of an image's name and its minor version.
func tagged(image string) (name, version string, ok bool) {
	ref, err := images.Parse(image)
	if err != nil {
		return "", "", false
	}
	version, ok = minor(ref.Tag)
	return path.Base(ref.Path), version, ok
}

// minor is the minor version in a version: 1.26 of v1.26.1-distroless.
func minor(version string) (string, bool) {
	words := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(words) < 2 {
		return "", false
	}
	second, _, _ := strings.Cut(words[1], "-")
	if _, err := strconv.ParseUint(words[0], 10, 16); err != nil {
		return "", false
	}
	if _, err := strconv.ParseUint(second, 10, 16); err != nil {
		return "", false
	}
	return words[0] + "." + second, true
}

// ahead is by how many minor versions a is newer than b; known within one major
// version.
func ahead(a, b string) (int, bool) {
	majorA, minorA, _ := strings.Cut(a, ".")
	majorB, minorB, _ := strings.Cut(b, ".")
	x, errX := strconv.Atoi(minorA)
	y, errY := strconv.Atoi(minorB)
	return x - y, majorA == majorB && errX == nil && errY == nil
}

func supportOf(p part) (kubeflow.Support, string, bool) {
	for _, s := range kubeflow.SupportedParts {
		if s.Title == p.title {
			support, ok := s.Minors[p.version]
			return support, s.Source, ok
		}
	}
	return kubeflow.Support{}, "", false
}
