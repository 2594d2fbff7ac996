package image

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var mixedVersions = &checks.Check{
	ID:       "image/mixed-versions",
	Severity: checks.Warning,
	Doc: `images of one component have several versions

The images of Kubeflow Pipelines, Katib, KServe's control plane, Argo Workflows,
Istio, cert-manager and of Kubeflow's notebooks and dashboard are released
together, and talk to each other in ways that change from one version to the
next: a driver and a launcher of another version than the API server, or a
suggestion service of another one than Katib's controller, fail at run time. This
is what remains when an overlay sets the tag of some images and forgets others.

The version that most of the images have counts as the right one. Images pinned
by digest alone, and those that are versioned by themselves, such as KServe's
runtimes, are left out; so is the end of a tag that names a variant (-gpu,
-distroless).`,
	Fix:   "Give all images of the component one version.",
	Refs:  []string{"kubeflow/manifests#2496", "https://ferkakta.dev/kubeflow-is-a-version-matrix-not-a-version"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		byFamily := map[*kubeflow.ImageFamily][]named{}
		var families []*kubeflow.ImageFamily
		for _, use := range readable(pass) {
			family, ok := kubeflow.ImageFamilyOf(use.Path)
			if !ok || use.Tag == "" || use.Sometimes {
				continue
			}
			if byFamily[family] == nil {
				families = append(families, family)
			}
			byFamily[family] = append(byFamily[family], use)
		}
		for _, family := range families {
			mixed(pass, family, byFamily[family])
		}
	},
}

func mixed(pass *checks.Pass, family *kubeflow.ImageFamily, uses []named) {
	count := map[string]int{}
	for _, use := range uses {
		count[bare(use.Tag)]++
	}
	if len(count) < 2 {
		return
	}
	versions := make([]string, 0, len(count))
	for version := range count {
		versions = append(versions, version)
	}
	slices.SortFunc(versions, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(b, a))
	})
	most := versions[0]
	i := slices.IndexFunc(uses, func(use named) bool { return bare(use.Tag) == most })
	for _, use := range uses {
		if bare(use.Tag) != most {
			pass.Reportf(use.Place, "%s is to run %s, while %d of the %d images of %s have %s", use.What, use.Image, count[most], len(uses), family.Title, uses[i].Tag).
				See(uses[i].Place, "%s, for one", uses[i].Image)
		}
	}
}

// bare is the version in a tag: without v, and without a variant at the end.
func bare(tag string) string {
	tag = strings.TrimPrefix(tag, "v")
	for _, variant := range []string{"-gpu", "-distroless", "-debug", "-license-compliance", "-amd64", "-arm64"} {
		tag = strings.TrimSuffix(tag, variant)
	}
	return tag
}
