package schema

import "github.com/kfpreflight/kfpreflight/checks"

// maxAnnotations is the API server's limit for all annotations of an object
// together (k8s.io/apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB).
const maxAnnotations = 256 * 1024

var tooLargeToRemember = &checks.Check{
	ID:       "schema/too-large-to-remember",
	Severity: checks.Info,
	Doc: `an object too large for client-side apply

kubectl apply without --server-side keeps the whole object in the annotation
kubectl.kubernetes.io/last-applied-configuration, and annotations may have
262,144 bytes: "metadata.annotations: Too long". Kubeflow's own instructions use
--server-side for that reason, and so do Argo CD with ServerSideApply and Flux:
then there is nothing to do.

Several CRDs of every Kubeflow release are that large, so this is for
information.`,
	Fix:   "Apply with kubectl apply --server-side --force-conflicts.",
	Refs:  []string{"kubeflow/manifests#2914", "aws-ia/terraform-aws-eks-blueprints#2041"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for o := range pass.Render.All() {
			size := jsonSize(o.Content())
			for name, value := range o.Annotations() {
				size += len(name) + len(value)
			}
			if size > maxAnnotations {
				pass.Reportf(o.At("metadata", "name"), "%s has %d bytes: client-side apply fails, because annotations may have %d", o.Key, size, maxAnnotations)
			}
		}
	},
}
