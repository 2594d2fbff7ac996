package kubeflow

// KatibJobs are the kinds of trials for which Katib knows by itself what
// success is (pkg/apis/controller/experiments/v1beta1, experiment_defaults.go).
var KatibJobs = map[string]bool{
	"Job": true, "TFJob": true, "PyTorchJob": true, "MPIJob": true, "XGBoostJob": true, "MXJob": true, "PaddleJob": true, "JAXJob": true, "TrainJob": true,
}

// KatibTrialResources are the kinds that Katib's controller watches where its
// configuration lists none (pkg/apis/config/v1beta1).
var KatibTrialResources = []string{"Job.v1.batch"}

// KatibMetadata are the fields of a trial that trialParameters may refer to
// as ${trialSpec.X} (pkg/controller.v1beta1/consts).
var KatibMetadata = []string{"Name", "Namespace", "Kind", "APIVersion", "Annotations", "Labels"}

// KatibDatabase are the defaults of katib-db-manager (pkg/db/v1beta1).
var KatibDatabase = struct{ Host, Port, Database, User string }{"katib-mysql", "3306", "katib", "root"}
