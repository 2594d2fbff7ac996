package kubeflow

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// ProfileNamespaceLabels are the labels of every namespace that the profile
// controller makes, but for the name that each carries.
func ProfileNamespaceLabels(view *inventory.View) labels.Set {
	set := labels.Set{"istio-injection": "enabled", "app.kubernetes.io/part-of": "kubeflow-profile"}
	for key, value := range profileNamespaceLabels(view) {
		if value == "" {
			delete(set, key) // an empty value removes the label
			continue
		}
		set[key] = value
	}
	return set
}

// A ProfileCall is a connection from the pods of profiles (notebooks, pipeline
// steps, trials) to a Service of the platform.
type ProfileCall struct {
	Service string
	Port    int32
	Because string
	Effect  string
	Source  string
}

// ProfileCalls are those that every profile makes, whatever its user runs.
var ProfileCalls = []ProfileCall{
	{
		Service: "ml-pipeline", Port: 8888,
		Because: "notebooks and pipeline steps call the pipelines REST API", Effect: "pipelines cannot be submitted from notebooks",
		Source: "kubeflow/pipelines sdk/python/kfp/client/client.py",
	},
	{
		Service: "ml-pipeline", Port: 8887,
		Because: "the driver and launcher of every step use the pipelines cache over gRPC", Effect: "pipeline steps fail",
		Source: "kubeflow/pipelines backend/src/v2/cacheutils/cache.go",
	},
	{
		Service: "metadata-grpc-service", Port: 8080,
		Because: "the driver and launcher of every step record metadata", Effect: "pipeline steps fail",
		Source: "kubeflow/pipelines backend/src/v2/metadata/env.go",
	},
	{
		Service: "minio-service", Port: 9000,
		Because: "pipeline steps read and write artifacts", Effect: "pipeline steps fail",
		Source: "kubeflow/pipelines backend/src/v2/objectstore/config.go",
	},
	{
		Service: "model-registry-service", Port: 8080,
		Because: "notebooks and model servers look models up in the registry", Effect: "models cannot be registered or found",
		Source: "kubeflow/manifests common/networkpolicies/base/model-registry.yaml",
	},
	{
		Service: "katib-db-manager", Port: 6789,
		Because: "the metrics collectors of Katib's trials report observations", Effect: "trials end as MetricsUnavailable",
		Source: "kubeflow/katib cmd/metricscollector/v1beta1/file-metricscollector/main.go",
	},
}

// ProfileConfiguration are texts whose addresses the pods of profiles call.
var ProfileConfiguration = []struct{ ConfigMap, Key, Effect string }{
	{"workflow-controller-configmap", "artifactRepository", "pipeline steps cannot store artifacts and logs"},
	{"workflow-controller-configmap", "config", "pipeline steps cannot store artifacts and logs"},
	{"kfp-launcher", "providers", "pipeline steps fail"},
	{"inferenceservice-config", "logger", "requests to models are not logged"},
}

// A ProfileTarget is a kind of pod that controllers start in profiles and that
// the platform calls there.
type ProfileTarget struct {
	// Name is how messages call it.
	Name string
	// CRD is what the platform must have for users to start such pods; empty
	// where other parts of it start them.
	CRD string
	// Labels and Carries are what it surely carries, the latter with a value
	// that depends on the user's object.
	Labels  labels.Set
	Carries []string
	Port    int32
	// Caller are labels of the pods of the platform that call it; nil are the
	// proxies of the ingress gateway.
	Caller labels.Set
	// If names an environment variable of the caller that must be true for
	// the call to be made.
	If      string
	Because string
	Effect  string
	Source  string
}

// ProfileTargets are those that every user may start.
var ProfileTargets = []ProfileTarget{
	{
		Name: "a notebook", CRD: "notebooks.kubeflow.org", Carries: []string{"notebook-name", "statefulset"}, Port: 8888,
		Because: "users reach notebooks through the gateway", Effect: "notebooks cannot be opened",
		Source: "kubeflow/kubeflow components/notebook-controller/controllers/notebook_controller.go",
	},
	{
		Name: "a notebook", CRD: "notebooks.kubeflow.org", Carries: []string{"notebook-name", "statefulset"}, Port: 8888,
		Caller: labels.Set{"app": "notebook-controller"}, If: "ENABLE_CULLING",
		Because: "the notebook controller asks notebooks when they were last used", Effect: "idle notebooks are not stopped",
		Source: "kubeflow/kubeflow components/notebook-controller/controllers/culling_controller.go",
	},
	{
		Name: "a Tensorboard", CRD: "tensorboards.tensorboard.kubeflow.org", Carries: []string{"app"}, Port: 6006,
		Because: "users reach Tensorboards through the gateway", Effect: "Tensorboards cannot be opened",
		Source: "kubeflow/kubeflow components/tensorboard-controller/controllers/tensorboard_controller.go",
	},
	{
		Name: "a revision of a model", CRD: "services.serving.knative.dev", Carries: []string{"serving.knative.dev/service", "serving.knative.dev/revision", "app"}, Port: 8012,
		Because: "gateways pass requests for models on to it", Effect: "requests for models get 503",
		Source: "knative/networking pkg/ports.go",
	},
	{
		Name: "a revision of a model", CRD: "services.serving.knative.dev", Carries: []string{"serving.knative.dev/service", "serving.knative.dev/revision", "app"}, Port: 8012,
		Caller:  labels.Set{"app": "activator", "app.kubernetes.io/name": "knative-serving"},
		Because: "Knative's activator probes it and passes requests on to it", Effect: "models never become ready",
		Source: "knative/networking pkg/ports.go",
	},
	{
		Name: "a revision of a model", CRD: "services.serving.knative.dev", Carries: []string{"serving.knative.dev/service", "serving.knative.dev/revision", "app"}, Port: 9090,
		Caller:  labels.Set{"app": "autoscaler", "app.kubernetes.io/name": "knative-serving"},
		Because: "Knative's autoscaler reads its metrics", Effect: "models are not scaled",
		Source: "knative/serving pkg/networking/constants.go",
	},
	{
		Name: "ml-pipeline-ui-artifact", Labels: labels.Set{"app": "ml-pipeline-ui-artifact"}, Port: 3000,
		Caller: labels.Set{"app": "ml-pipeline-ui"}, If: "ARTIFACTS_SERVICE_PROXY_ENABLED",
		Because: "the pipelines UI reads a profile's artifacts through it", Effect: "artifacts cannot be shown",
		Source: "kubeflow/pipelines manifests/kustomize/base/installs/multi-user/pipelines-profile-controller/sync.py",
	},
	{
		Name: "ml-pipeline-visualizationserver", Labels: labels.Set{"app": "ml-pipeline-visualizationserver"}, Port: 8888,
		Caller: labels.Set{"app": "ml-pipeline"}, If: "MULTIUSER",
		Because: "the pipeline API server asks it for visualizations", Effect: "visualizations fail",
		Source: "kubeflow/pipelines manifests/kustomize/base/installs/multi-user/pipelines-profile-controller/sync.py",
	},
}
