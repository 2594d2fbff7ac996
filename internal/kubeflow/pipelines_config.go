package kubeflow

// ArgoFields are the keys of the workflow controller's ConfigMap
// (config/config.go of Argo Workflows 3.4 to 3.7). The controller ends at one
// that it does not know.
var ArgoFields = []string{
	"nodeEvents", "workflowEvents", "executor", "mainContainer", "kubeConfig", "artifactRepository", "namespace", "instanceID", "metricsConfig",
	"telemetryConfig", "tracingConfig", "parallelism", "namespaceParallelism", "resourceRateLimit", "persistence", "links", "columns",
	"workflowDefaults", "podSpecLogStrategy", "podGCGracePeriodSeconds", "podGCDeleteDelayDuration", "workflowRestrictions", "initialDelay",
	"images", "retentionPolicy", "navColor", "sso", "synchronization", "artifactDrivers", "failedPodRestart", "offload", "semaphoreLimitCacheSeconds",
}

// ArgoFieldsGone are keys that Argo Workflows 3.4 removed with all executors
// but emissary.
var ArgoFieldsGone = []string{"containerRuntimeExecutor", "containerRuntimeExecutors", "kubeletPort", "kubeletInsecure"}

// A ServiceSetting is how a component of Kubeflow Pipelines is told the
// address of a Service.
type ServiceSetting struct {
	// Host and Port are environment variables; Namespace is one that the host
	// is completed with, empty for none.
	Host, Port, Namespace string
	// Image limits it to images whose name ends so; empty for all of Kubeflow
	// Pipelines.
	Image string
	// DefaultHost and DefaultPort hold where nothing is set; an empty host then
	// means that nothing is called.
	DefaultHost, DefaultPort string
	What                     string
}

// PipelineServices are the addresses that components are told, with the
// defaults of backend/src/apiserver and frontend/server/configs.ts.
var PipelineServices = []ServiceSetting{
	{Host: "DBCONFIG_HOST", Port: "DBCONFIG_PORT", What: "its database"},
	{Host: "DBCONFIG_MYSQLCONFIG_HOST", Port: "DBCONFIG_MYSQLCONFIG_PORT", What: "its database"},
	{Host: "DBCONFIG_POSTGRESQLCONFIG_HOST", Port: "DBCONFIG_POSTGRESQLCONFIG_PORT", What: "its database"},
	{Host: "DBCONFIG_HOST_NAME", Port: "DBCONFIG_PORT", What: "its database"},
	{Host: "MYSQL_HOST", Port: "MYSQL_PORT", What: "its database"},
	{Host: "OBJECTSTORECONFIG_HOST", Port: "OBJECTSTORECONFIG_PORT", Image: "api-server", DefaultHost: "minio-service", DefaultPort: "9000", What: "the object store"},
	{Host: "MINIO_HOST", Port: "MINIO_PORT", Namespace: "MINIO_NAMESPACE", Image: "frontend", DefaultHost: "minio-service", DefaultPort: "9000", What: "the object store"},
	{Host: "METADATA_ENVOY_SERVICE_SERVICE_HOST", Port: "METADATA_ENVOY_SERVICE_SERVICE_PORT", Image: "frontend", What: "the metadata's proxy"},
	{Host: "METADATA_GRPC_SERVICE_SERVICE_HOST", Port: "METADATA_GRPC_SERVICE_SERVICE_PORT", What: "the metadata server"},
	{Host: "ML_PIPELINE_SERVICE_HOST", Port: "ML_PIPELINE_SERVICE_PORT", Image: "frontend", What: "the API server"},
}
