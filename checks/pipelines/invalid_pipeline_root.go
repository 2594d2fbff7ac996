package pipelines

import (
	"regexp"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var invalidPipelineRoot = &checks.Check{
	ID:       "pipelines/invalid-pipeline-root",
	Severity: checks.Error,
	Doc: `default pipeline root is no address of a bucket

The launcher of each step writes artifacts below defaultPipelineRoot: minio://,
s3:// or gs://, a bucket, and a path. Anything else fails the step: "parse bucket
config failed: unrecognized pipeline root format". The value stands in ConfigMap
kfp-launcher, and in pipeline-install-config, from where the profile controller
copies it into the namespaces of profiles.

An empty one is right: it means minio://mlpipeline/v2/artifacts.`,
	Fix:   "Write it as minio://bucket/path, s3://bucket/path or gs://bucket/path.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/pipelines/concepts/pipeline-root/", "https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/objectstore/config.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		for o := range pass.Render.Of(configMapKind) {
			if o.Key.Name != "kfp-launcher" && o.Key.Name != "pipeline-install-config" {
				continue
			}
			found = true
			root := o.String("data", "defaultPipelineRoot")
			if root != "" && !pipelineRoot.MatchString(root) {
				pass.Reportf(o.At(inventory.Path{"data", "defaultPipelineRoot"}), "%s has the pipeline root %q, which is not minio://, s3:// or gs:// and a bucket", o.Key, root)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

var pipelineRoot = regexp.MustCompile(`^(minio|s3|gs)://[^/?\s]+(/[^?]*)?(\?.+)?$`)
