package kubeflow

import "strings"

// A RetiredImages is a registry, or a part of one, that no longer gives out
// images, or is about to stop.
type RetiredImages struct {
	// Prefix is the registry and the beginning of the repository's path, whole
	// path elements only: "gcr.io/ml-pipeline".
	Prefix string
	// Gone is the day from which pulls are known to fail.
	Gone string
	// Why says what happened, to follow "since <day>".
	Why string
	// Instead says where the images are now; empty where nobody took them over.
	Instead string
	// Serving images are given out still; the rest is a matter of time.
	Serving bool
	// Except are tags that are still given out.
	Except []string
	// Refs are where that was seen.
	Refs []string
}

// retiredImages are what is known of [DataDate]. Registries that look like
// these and serve: gcr.io/tfx-oss-public, gcr.io/knative-releases,
// gcr.io/istio-release, gcr.io/cloudsql-docker.
var retiredImages = []RetiredImages{
	{
		Prefix: "gcr.io/ml-pipeline", Gone: "2025-11-09", Why: "its images have been deleted",
		Instead: "ghcr.io/kubeflow/kfp-* has Kubeflow Pipelines from 2.4, quay.io/argoproj has argoexec, Docker Hub has mysql and minio",
		Refs:    []string{"kubeflow/manifests#3270", "kubeflow/pipelines#11600", "kubeflow/pipelines#12422"},
	},
	{
		Prefix: "gcr.io/arrikto", Gone: "2024-08-16", Why: "it is closed to the public",
		Instead: "docker.io/kubeflowmanifestswg has oidc-authservice; Kubeflow uses oauth2-proxy since 1.9",
		Refs:    []string{"awslabs/kubeflow-manifests#823", "arrikto/oidc-authservice#127", "kubeflow/manifests#2876"},
	},
	{
		Prefix: "gcr.io/kubebuilder", Gone: "2026-03-06", Why: "its images have been deleted",
		Instead: "quay.io/brancz and registry.k8s.io/kubebuilder have kube-rbac-proxy",
		Refs:    []string{"kubealex/k8s-mediaserver-operator#115", "mercari/spanner-autoscaler#212", "cert-manager/aws-privateca-issuer#459"},
	},
	{
		Prefix: "gcr.io/kfserving", Gone: "2021-08-25", Why: "the project that held them has been deleted",
		Instead: "docker.io/kserve has KServe",
		Refs:    []string{"kserve/kserve#1781"},
	},
	{
		Prefix: "docker.io/bitnami", Gone: "2025-09-29", Why: "its versioned tags have been removed",
		Instead: "docker.io/bitnamilegacy has them as they were, without updates",
		Except:  []string{"latest"},
		Refs:    []string{"bitnami/containers#83267", "bitnami/containers#88999", "kubeflow/manifests#3338"},
	},
	{
		Prefix: "k8s.gcr.io", Gone: "2023-04-03", Why: "it has been frozen, and a redirect that may end serves it", Serving: true,
		Instead: "registry.k8s.io has the same images",
		Refs:    []string{"https://kubernetes.io/blog/2023/03/10/image-registry-redirect/", "https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/"},
	},
}

// RetiredImagesOf finds what is known against an image, given by registry,
// path and tag; the tag is empty where a digest says which image it is.
func RetiredImagesOf(registry, path, tag string) (RetiredImages, bool) {
	name := registry + "/" + path
	for _, r := range retiredImages {
		if !strings.HasPrefix(name, r.Prefix+"/") {
			continue
		}
		for _, except := range r.Except {
			if tag == "" || tag == except {
				return RetiredImages{}, false
			}
		}
		return r, true
	}
	return RetiredImages{}, false
}

// An ImageFamily is a set of images that are released together, under one
// version: parts of different versions are not tested with each other.
type ImageFamily struct {
	Title string
	// names are the last elements of the repositories, a trailing * meaning
	// any end; people mirror images, so registries do not count.
	names []string
}

var imageFamilies = []ImageFamily{
	{"Kubeflow Pipelines", []string{
		"kfp-api-server", "kfp-cache-server", "kfp-driver", "kfp-frontend", "kfp-launcher", "kfp-metadata-envoy", "kfp-metadata-writer",
		"kfp-persistence-agent", "kfp-scheduled-workflow-controller", "kfp-viewer-crd-controller", "kfp-visualization-server",
		"ml-pipeline/api-server", "ml-pipeline/cache-server", "ml-pipeline/frontend", "ml-pipeline/metadata-envoy", "ml-pipeline/metadata-writer",
		"ml-pipeline/persistenceagent", "ml-pipeline/scheduledworkflow", "ml-pipeline/viewer-crd-controller", "ml-pipeline/visualization-server",
	}},
	{"Katib", []string{
		"katib-controller", "katib-db-manager", "katib-ui", "file-metrics-collector", "tfevent-metrics-collector", "earlystopping-medianstop", "suggestion-*",
	}},
	{"Argo Workflows", []string{"workflow-controller", "argoexec"}},
	{"KServe", []string{
		"kserve-controller", "kserve-localmodel-controller", "kserve-localmodelnode-agent", "kserve/agent", "kserve/router", "storage-initializer",
	}},
	{"Istio", []string{"pilot", "proxyv2", "install-cni"}},
	{"cert-manager", []string{"cert-manager-acmesolver", "cert-manager-cainjector", "cert-manager-controller", "cert-manager-webhook"}},
	{"Kubeflow's notebooks and dashboard", []string{
		"notebook-controller", "jupyter-web-app", "poddefaults-webhook", "profile-controller", "kfam", "central-dashboard", "centraldashboard",
		"pvcviewer-controller", "tensorboard-controller", "tensorboards-web-app", "volumes-web-app",
	}},
}

// ImageFamilyOf says which family an image belongs to, by the end of its
// repository.
func ImageFamilyOf(path string) (*ImageFamily, bool) {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	for i := range imageFamilies {
		for _, name := range imageFamilies[i].names {
			switch {
			case strings.HasSuffix(name, "*"):
				if strings.HasPrefix(last, strings.TrimSuffix(name, "*")) {
					return &imageFamilies[i], true
				}
			case strings.Contains(name, "/"):
				if path == name || strings.HasSuffix(path, "/"+name) {
					return &imageFamilies[i], true
				}
			case name == last:
				return &imageFamilies[i], true
			}
		}
	}
	return nil, false
}
