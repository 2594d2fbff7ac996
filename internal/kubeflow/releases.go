package kubeflow

import (
	"fmt"
	"regexp"
	"strings"
)

// DataDate is the day on which the facts about releases that this program
// carries were last brought up to date.
const DataDate = "2026-09-01"

// A Release is one release of the Kubeflow platform (kubeflow/manifests, now
// kubeflow/community-distribution) and the tags of its parts, as the release's
// README lists them and its example renders them. A part that is not listed is
// not known for that release.
type Release struct {
	Version string
	Tags    map[Part]string
}

// A Part is a component whose image tags tell releases apart.
type Part string

const (
	Notebooks Part = "notebooks" // dashboard, profiles, notebooks, web apps
	Pipelines Part = "pipelines"
	Katib     Part = "katib"
	KServe    Part = "kserve"
	Istio     Part = "istio"
)

// Releases are the known releases, oldest first.
var Releases = []Release{
	{"1.7.0", map[Part]string{Notebooks: "1.7.0", Pipelines: "2.0.0-alpha.7", Katib: "0.15.0", KServe: "0.10.0", Istio: "1.16.0"}},
	{"1.8.0", map[Part]string{Notebooks: "1.8.0", Pipelines: "2.0.3", Katib: "0.16.0", KServe: "0.11.1", Istio: "1.17.5"}},
	{"1.8.1", map[Part]string{Notebooks: "1.8.0", Pipelines: "2.0.5", Katib: "0.16.0", KServe: "0.11.2", Istio: "1.17.5"}},
	{"1.9.0", map[Part]string{Notebooks: "1.9.0", Pipelines: "2.2.0", Katib: "0.17.0", KServe: "0.13.0", Istio: "1.22.1"}},
	{"1.9.1", map[Part]string{Notebooks: "1.9.2", Pipelines: "2.3.0", Katib: "0.17.0", KServe: "0.13.1", Istio: "1.22.1"}},
	{"1.10.0", map[Part]string{Notebooks: "1.10.0", Pipelines: "2.4.1", Katib: "0.18.0", KServe: "0.14.1", Istio: "1.24.3"}},
	{"1.10.1", map[Part]string{Notebooks: "1.10.0", Pipelines: "2.5.0", Katib: "0.18.0", KServe: "0.15.0"}},
	{"1.10.2", map[Part]string{Notebooks: "1.10.0", Pipelines: "2.5.0", Katib: "0.18.0", KServe: "0.15.0", Istio: "1.26.1"}},
	{"1.11.0", map[Part]string{Pipelines: "2.15.0", Katib: "0.19.0"}},
}

// Kubernetes minor versions that a target may be, oldest first.
const (
	firstKubernetes = 25
	lastKubernetes  = 37
)

// KubernetesVersions are the known minor versions of Kubernetes, oldest first.
func KubernetesVersions() []string {
	var versions []string
	for minor := firstKubernetes; minor <= lastKubernetes; minor++ {
		versions = append(versions, fmt.Sprintf("1.%d", minor))
	}
	return versions
}

// Versions are the known releases of Kubeflow, oldest first.
func Versions() []string {
	var versions []string
	for _, r := range Releases {
		versions = append(versions, r.Version)
	}
	return versions
}

var kubernetesVersion = regexp.MustCompile(`^v?1\.(\d{1,3})(?:\.\d+)?(?:[-+].*)?$`)

// ParseKubernetes reads a version of Kubernetes as people and servers write it
// ("1.34", "v1.34.2", "v1.34.2-eks-1") and returns its minor version, "1.34".
// An unknown version is an error with the known ones: what it serves and
// refuses would be a guess.
func ParseKubernetes(version string) (string, error) {
	m := kubernetesVersion.FindStringSubmatch(version)
	if m != nil {
		for _, known := range KubernetesVersions() {
			if known == "1."+m[1] {
				return known, nil
			}
		}
	}
	return "", fmt.Errorf("unknown Kubernetes version %q: known are %s", version, strings.Join(KubernetesVersions(), ", "))
}

// ParseRelease reads a version of Kubeflow: "1.10.2" or "v1.10.2"; a minor
// version alone ("1.10") means its last release. An unknown version is an error
// with the known ones.
func ParseRelease(version string) (string, error) {
	bare := strings.TrimPrefix(version, "v")
	last := ""
	for _, known := range Versions() {
		if known == bare {
			return known, nil
		}
		if strings.HasPrefix(known, bare+".") && strings.Count(bare, ".") == 1 {
			last = known
		}
	}
	if last != "" {
		return last, nil
	}
	return "", fmt.Errorf("unknown Kubeflow version %q: known are %s", version, strings.Join(Versions(), ", "))
}
