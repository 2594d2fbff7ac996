package pipelines

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/endpoint"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var artifactStoreMismatch = &checks.Check{
	ID:       "pipelines/artifact-store-mismatch",
	Severity: checks.Error,
	Doc: `Argo's artifact repository names what is not there

artifactRepository in the workflow controller's ConfigMap says where logs and
artifacts of runs go. Its endpoint must lead to a Service with that port and pods
behind it; the keys of its Secrets must exist; its bucket should be the one that
the API server makes (bucketName of pipeline-install-config). Otherwise steps run
and fail when they are done: "failed to put file".

Argo reads the Secret in the namespace of the run, where the profile controller
makes mlpipeline-minio-artifact; it is looked for in the controller's own
namespace, and a Secret of another name that is not rendered there is undecided.
Another bucket is a warning, as one may exist already. Endpoints outside of the
cluster are left out.`,
	Fix:   "Name the Service, Secret and bucket of the object store.",
	Refs:  []string{"kubeflow/manifests#3472", "https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := argoConfigs(pass.Render)
		if len(list) == 0 {
			pass.NotApplicable()
			return
		}
		for _, a := range list {
			if a.object == nil || a.object.String("data", "artifactRepository") == "" {
				continue
			}
			doc, err := a.object.At("data", "artifactRepository").Document()
			if err != nil {
				continue // refused-argo-config says so
			}
			var repository struct {
				S3 *struct {
					Endpoint, Bucket string
					AccessKeySecret  ref `yaml:"accessKeySecret"`
					SecretKeySecret  ref `yaml:"secretKeySecret"`
				} `yaml:"s3"`
			}
			if doc.Decode(&repository) != nil || repository.S3 == nil {
				continue
			}
			s3 := repository.S3
			host, port := endpoint.Split(s3.Endpoint)
			r := endpoint.Resolve(pass.Render, a.controller.pod.Namespace, host, port)
			if problem := r.Problem(); problem != "" {
				f := pass.Reportf(doc.At("s3", "endpoint"), "%s puts artifacts to %s: %s", a.object.Key, s3.Endpoint, problem)
				if r.Doubtful {
					f.As(checks.Warning)
				}
			}
			a.secret(pass, doc, "accessKeySecret", s3.AccessKeySecret)
			a.secret(pass, doc, "secretKeySecret", s3.SecretKeySecret)
			a.bucket(pass, doc, s3.Bucket)
		}
	},
}

// A ref is a key of a Secret.
type ref struct{ Name, Key string }

func (a argoConfig) secret(pass *checks.Pass, doc *inventory.Document, field string, r ref) {
	if r.Name == "" {
		return
	}
	namespace := a.controller.pod.Namespace
	o := pass.Render.Get(secretKind, namespace, r.Name)
	if o == nil {
		if has, known := pass.Cluster.HasSecret(namespace, r.Name); known && !has {
			pass.Reportf(doc.At("s3", field, "name"), "%s takes its %s from Secret %s, which namespace %s does not have", a.object.Key, field, r.Name, namespace)
		} else if !known {
			pass.Undecidedf(doc.At("s3", field, "name"), "%s takes its %s from Secret %s, which is not rendered in namespace %s; whether the namespaces of runs have it is not known", a.object.Key, field, r.Name, namespace)
		}
		return
	}
	_, inData := o.Map("data")[r.Key]
	_, inText := o.Map("stringData")[r.Key]
	if !inData && !inText && o.Made == nil {
		pass.Reportf(doc.At("s3", field, "key"), "%s takes its %s from key %s, which %s does not have", a.object.Key, field, r.Key, o.Key).See(o.At("data"), "the Secret")
	}
}

func (a argoConfig) bucket(pass *checks.Pass, doc *inventory.Document, bucket string) {
	for _, c := range containers(pass.Render) {
		if bucket == "" || c.pod.Namespace != a.controller.pod.Namespace || !c.is("kfp-api-server", "ml-pipeline/api-server") {
			continue
		}
		name, at, known := kubeflow.EnvAt(pass.Render, c.pod, c.at, c.Container, "OBJECTSTORECONFIG_BUCKETNAME")
		if known && name != "" && name != bucket {
			pass.Reportf(doc.At("s3", "bucket"), "%s puts artifacts into bucket %s, while %s makes bucket %s", a.object.Key, bucket, c.pod.Owner.Key, name).As(checks.Warning).
				See(at, "the API server's bucket")
		}
	}
}
