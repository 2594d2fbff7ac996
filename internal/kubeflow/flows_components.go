package kubeflow

import "k8s.io/apimachinery/pkg/labels"

// An ImpliedCall is a connection that a component's program makes by default:
// no manifest says so.
type ImpliedCall struct {
	// Caller are labels of the pods that call.
	Caller labels.Set
	// Service is called in the caller's own namespace, at Port.
	Service string
	Port    int32
	// Unless are environment variables or flags of the caller that name
	// another address.
	Unless []string
	// Because says who calls, and Effect what fails without it.
	Because, Effect string
	// Source is where the program says so.
	Source string
}

// ImpliedCalls are those of Kubeflow's components and their neighbours.
var ImpliedCalls = []ImpliedCall{
	{
		Caller: labels.Set{"app": "ml-pipeline"}, Service: "minio-service", Port: 9000,
		Unless:  []string{"OBJECTSTORECONFIG_HOST", "MINIO_SERVICE_SERVICE_HOST"},
		Because: "the pipeline API server keeps pipelines there", Effect: "the API server does not start",
		Source: "kubeflow/pipelines backend/src/apiserver/client_manager/client_manager.go",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline"}, Service: "mysql", Port: 3306,
		Unless:  []string{"DBCONFIG_HOST", "DBCONFIG_MYSQLCONFIG_HOST", "DBCONFIG_POSTGRESQLCONFIG_HOST"},
		Because: "the pipeline API server keeps its runs there", Effect: "the API server does not start",
		Source: "kubeflow/pipelines backend/src/apiserver/config/config.json",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline-persistenceagent"}, Service: "ml-pipeline", Port: 8888,
		Unless:  []string{"MLPIPELINEAPISERVERNAME"},
		Because: "the persistence agent waits for the API server's REST port", Effect: "runs keep their first state",
		Source: "kubeflow/pipelines backend/src/agent/persistence/main.go",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline-persistenceagent"}, Service: "ml-pipeline", Port: 8887,
		Unless:  []string{"MLPIPELINEAPISERVERNAME"},
		Because: "the persistence agent reports runs to the API server", Effect: "runs keep their first state",
		Source: "kubeflow/pipelines backend/src/agent/persistence/main.go",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline-scheduledworkflow"}, Service: "ml-pipeline", Port: 8887,
		Unless:  []string{"MLPIPELINEAPISERVERNAME"},
		Because: "the scheduled workflow controller starts runs through the API server", Effect: "recurring runs do not start",
		Source: "kubeflow/pipelines backend/src/crd/controller/scheduledworkflow/main.go",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline-ui"}, Service: "ml-pipeline", Port: 8888,
		Unless:  []string{"ML_PIPELINE_SERVICE_HOST"},
		Because: "the pipelines UI passes requests on to the API server", Effect: "the UI shows nothing",
		Source: "kubeflow/pipelines frontend/server/configs.ts",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline-ui"}, Service: "metadata-envoy-service", Port: 9090,
		Unless:  []string{"METADATA_ENVOY_SERVICE_SERVICE_HOST"},
		Because: "the pipelines UI reads metadata there", Effect: "runs show no artifacts and executions",
		Source: "kubeflow/pipelines frontend/server/configs.ts",
	},
	{
		Caller: labels.Set{"app": "ml-pipeline-ui"}, Service: "minio-service", Port: 9000,
		Unless:  []string{"MINIO_HOST"},
		Because: "the pipelines UI reads artifacts there", Effect: "artifacts cannot be shown",
		Source: "kubeflow/pipelines frontend/server/configs.ts",
	},
	{
		Caller: labels.Set{"app": "metadata-writer"}, Service: "metadata-grpc-service", Port: 8080,
		Unless:  []string{"METADATA_GRPC_SERVICE_SERVICE_HOST", "METADATA_GRPC_SERVICE_HOST"},
		Because: "the metadata writer records executions there", Effect: "runs have no metadata",
		Source: "kubeflow/pipelines backend/metadata_writer/src/metadata_helpers.py",
	},
	{
		Caller: labels.Set{"component": "metadata-envoy"}, Service: "metadata-grpc-service", Port: 8080,
		Because: "the metadata proxy passes requests on to it", Effect: "the UI shows no metadata",
		Source: "kubeflow/pipelines third_party/metadata_envoy/envoy.yaml",
	},
	{
		Caller: labels.Set{"katib.kubeflow.org/component": "db-manager"}, Service: "katib-mysql", Port: 3306,
		Unless:  []string{"KATIB_MYSQL_DB_HOST", "DB_HOST"},
		Because: "Katib's database manager keeps observations there", Effect: "trials report no metrics",
		Source: "kubeflow/katib pkg/db/v1beta1/mysql/mysql.go",
	},
	{
		Caller: labels.Set{"katib.kubeflow.org/component": "controller"}, Service: "katib-db-manager", Port: 6789,
		Unless:  []string{"KATIB_DB_MANAGER_SERVICE_IP", "KATIB_DB_MANAGER_IP"},
		Because: "Katib's controller reads observations there", Effect: "trials never end",
		Source: "kubeflow/katib pkg/controller.v1beta1/consts/const.go",
	},
	{
		Caller: labels.Set{"katib.kubeflow.org/component": "ui"}, Service: "katib-db-manager", Port: 6789,
		Unless:  []string{"KATIB_DB_MANAGER_SERVICE_IP", "KATIB_DB_MANAGER_IP"},
		Because: "Katib's UI reads observations there", Effect: "experiments show no metrics",
		Source: "kubeflow/katib pkg/ui/v1beta1/backend.go",
	},
	{
		Caller: labels.Set{"app": "activator", "app.kubernetes.io/name": "knative-serving"}, Service: "autoscaler", Port: 8080,
		Because: "Knative's activator reports requests to the autoscaler", Effect: "services at zero never start",
		Source: "knative/serving cmd/activator/main.go",
	},
}
