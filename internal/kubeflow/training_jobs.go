package kubeflow

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A JobRule is what the training operator's webhook, or the operator itself
// where it has no webhook, asks of one kind of training job.
type JobRule struct {
	Kind     string
	Main     string   // the container that every role must have, where one must be
	Roles    []string // the roles there may be; none where any may
	Required string   // the role that must be there
	Single   []string // the roles that must have one replica
	Explicit bool     // that one must be written out
	OneOf    []string // the roles of which there may be one
	Named    bool     // the job's name must begin with a letter
}

// JobRules are those of every kind, by kind.
//
// pkg/webhooks of the training operator, and
// pkg/apis/kubeflow.org/v1/mpi_validation.go for MPIJob.
func JobRules() []JobRule {
	pair := []string{"Master", "Worker"}
	return []JobRule{
		{Kind: "JAXJob", Main: "jax", Roles: []string{"Worker"}, Named: true},
		{Kind: "MPIJob", Roles: []string{"Launcher", "Worker"}, Required: "Launcher", Single: []string{"Launcher"}},
		{Kind: "PaddleJob", Main: "paddle", Roles: pair, Named: true},
		{Kind: "PyTorchJob", Main: "pytorch", Roles: pair, Single: []string{"Master"}, Explicit: true, Named: true},
		{Kind: "TFJob", Main: "tensorflow", OneOf: []string{"Chief", "Master"}, Named: true},
		{Kind: "XGBoostJob", Main: "xgboost", Roles: pair, Required: "Master", Single: []string{"Master"}, Explicit: true, Named: true},
	}
}

// ReplicasField is the field of a kind of training job below spec that holds
// its replicas by role; it is empty for other kinds.
func ReplicasField(kind string) string { return trainingKinds[kind] }

// TrainingKinds are the training operator's kinds, those of this release and
// of former ones.
func TrainingKinds() []inventory.GroupKind {
	var kinds []inventory.GroupKind
	for _, kind := range slices.Sorted(maps.Keys(trainingKinds)) {
		kinds = append(kinds, inventory.GroupKind{Group: "kubeflow.org", Kind: kind})
	}
	return kinds
}

// EndsSidecar reports whether Istio's proxy is an init container that
// Kubernetes ends with the pod.
func (l *Load) EndsSidecar() bool {
	return slices.ContainsFunc(l.Full.InitContainers, func(c corev1.Container) bool {
		return c.Name == "istio-proxy" && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	})
}
