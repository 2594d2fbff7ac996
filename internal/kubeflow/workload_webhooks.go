package kubeflow

import (
	"slices"
	"strings"
)

// selfTrusting are the components that write the caBundle of their own webhooks
// when they start, by a part of their image.
var selfTrusting = []string{
	"knative.dev/serving/cmd/", "knative.dev/net-istio/cmd/", "knative.dev/eventing/cmd/", "knative.dev/operator/cmd/", "knative.dev/pkg/",
	"knative.dev/net-", "knative-releases/",
	"istio/pilot", "istio-release/pilot", "istio-testing/pilot", "asm/pilot",
	"spark-operator", "training-operator", "trainer/trainer-controller-manager", "kubeflow/trainer",
	"cert-manager-webhook", "jobset/jobset", "lws/lws", "kueue/kueue", "kyverno/kyverno", "gatekeeper", "vpa-admission-controller",
	"external-secrets", "metacontroller", "kube-webhook-certgen", "tektoncd/", "keda",
}

// trusting are the components that leave the caBundle of their webhooks to
// cert-manager, though some of them may write such configurations.
var trusting = []string{
	"kserve/kserve-controller", "kserve-controller", "llmisvc-controller", "kserve/modelmesh-controller", "kserve-localmodel-controller",
	"kubeflow/poddefaults-webhook", "poddefaults-webhook", "admission-webhook", "pvcviewer-controller",
	"cache-server", "kfp-cache-server", "ml-pipeline/cache-server",
}

// TrustsItself tells whether the images of a webhook's pod write its caBundle
// themselves; known is false for images that the table does not hold.
func TrustsItself(images []string) (itself, known bool) {
	has := func(table []string) bool {
		return slices.ContainsFunc(images, func(image string) bool {
			return slices.ContainsFunc(table, func(part string) bool { return strings.Contains(image, part) })
		})
	}
	switch {
	case has(trusting):
		return false, true
	case has(selfTrusting):
		return true, true
	}
	return false, false
}
