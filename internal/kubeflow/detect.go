package kubeflow

import (
	"fmt"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Detection is what the images of a render say about its Kubeflow release.
type Detection struct {
	Release string // "1.10.2"; empty where the images tell nothing
	Why     string // "the images of pipelines 2.5.0 and katib 0.18.0"
}

// Detect tells the Kubeflow release of a render by the tags of its images. The
// release with most matching parts is the answer, the newest of several. Istio
// and KServe are also installed without Kubeflow, so that they only tell
// between releases that a part of Kubeflow's own agrees with.
func Detect(inv *inventory.Inventory) Detection {
	tags := partTags(inv)
	var best Release
	var bestParts []string
	for _, release := range Releases {
		var parts []string
		own := false
		for _, part := range []Part{Notebooks, Pipelines, Katib, KServe, Istio} {
			if tag := release.Tags[part]; tag != "" && tags[part][tag] {
				parts = append(parts, fmt.Sprintf("%s %s", part, tag))
				own = own || (part != KServe && part != Istio)
			}
		}
		if own && len(parts) >= len(bestParts) {
			best, bestParts = release, parts
		}
	}
	if best.Version == "" {
		return Detection{}
	}
	return Detection{Release: best.Version, Why: "the images of " + strings.Join(bestParts, ", ")}
}

// imageParts says to which part an image belongs, by the end of its repository.
// Registries are left out: people mirror images.
var imageParts = map[string]Part{
	"kubeflow/central-dashboard":              Notebooks,
	"kubeflow/notebook-controller":            Notebooks,
	"kubeflow/profile-controller":             Notebooks,
	"kubeflow/jupyter-web-app":                Notebooks,
	"kubeflow/poddefaults-webhook":            Notebooks,
	"ml-pipeline/api-server":                  Pipelines,
	"ml-pipeline/persistenceagent":            Pipelines,
	"kubeflow/kfp-api-server":                 Pipelines,
	"kubeflow/kfp-persistence-agent":          Pipelines,
	"katib/katib-controller":                  Katib,
	"kubeflowkatib/katib-controller":          Katib,
	"katib/katib-db-manager":                  Katib,
	"kserve/kserve-controller":                KServe,
	"istio/pilot":                             Istio,
	"istio-release/pilot":                     Istio,
	"kubeflownotebookswg/centraldashboard":    Notebooks,
	"kubeflownotebookswg/notebook-controller": Notebooks,
	"kubeflownotebookswg/profile-controller":  Notebooks,
	"kubeflownotebookswg/jupyter-web-app":     Notebooks,
	"kubeflownotebookswg/poddefaults-webhook": Notebooks,
}

// partTags collects the tags, without a leading v, of the images of each part.
func partTags(inv *inventory.Inventory) map[Part]map[string]bool {
	tags := map[Part]map[string]bool{}
	for _, o := range inv.Objects() {
		path := templatePath(o)
		if path == nil {
			continue
		}
		for _, list := range []string{"containers", "initContainers"} {
			for _, c := range o.List(path.Join("spec", list)) {
				image, _ := inventory.Lookup(c, inventory.Path{"image"})
				s, _ := image.(string)
				part, tag := partOf(s)
				if part == "" {
					continue
				}
				if tags[part] == nil {
					tags[part] = map[string]bool{}
				}
				tags[part][tag] = true
			}
		}
	}
	return tags
}

func templatePath(o *inventory.Object) inventory.Path {
	for _, p := range podPaths {
		if p.kind == o.Key.GroupKind && len(p.path) > 0 {
			return p.path
		}
	}
	return nil
}

func partOf(image string) (Part, string) {
	image, _, _ = strings.Cut(image, "@")
	colon := strings.LastIndexByte(image, ':')
	if colon < 0 || strings.Contains(image[colon:], "/") {
		return "", ""
	}
	repository, tag := image[:colon], strings.TrimPrefix(image[colon+1:], "v")
	segments := strings.Split(repository, "/")
	if len(segments) < 2 {
		return "", ""
	}
	return imageParts[strings.Join(segments[len(segments)-2:], "/")], tag
}
