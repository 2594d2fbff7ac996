package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var missingServiceAccount = &checks.Check{
	ID:       "rbac/missing-service-account",
	Severity: checks.Error,
	Doc: `workload runs as a ServiceAccount that does not exist

No pod is created: the ReplicaSet, StatefulSet or Job reports "error looking up
service account". The check looks at everything that makes pods, at custom
resources that name an account for theirs (InferenceServices, training jobs,
experiments, workflows, Spark applications, PodDefaults), at the account that
Kubeflow Pipelines and Argo are configured to run steps as, and at Secrets that
ask for an account's token, which Kubernetes deletes where there is no account.

Every namespace has an account named default, and the profile controller makes
default-editor and default-viewer in each profile's. In a namespace that the
render does not make, an account may exist: name it in the cluster facts
(serviceAccounts), else the answer is undecided. Names that are filled in later,
such as ${trialParameters.name}, are left alone.`,
	Fix:   "Add the ServiceAccount, or correct serviceAccountName.",
	Refs:  []string{"https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/", "kubeflow/kubeflow#3986"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		podKinds := kubeflow.PodKinds()
		for pod := range kubeflow.Pods(pass.Render) {
			if !rendered(pod.Owner) {
				continue
			}
			place := pod.At("spec", "serviceAccountName")
			if pod.Spec.ServiceAccountName == "" {
				place = pod.At("spec", "serviceAccount")
			}
			askFor(pass, place, pod.Namespace, pod.ServiceAccount(), pod.Owner.Key.String()+" runs as", checks.Error)
			checkRunner(pass, pod)
		}
		for o := range pass.Render.All() {
			switch {
			case o.Key.Namespace == "" || slices.Contains(podKinds, o.Key.GroupKind):
			case o.Key.GroupKind == inventory.GroupKind{Group: "", Kind: "Secret"}:
				checkTokenSecret(pass, o)
			case strings.Contains(o.Key.Group, ".") && !strings.HasSuffix(o.Key.Group, ".k8s.io") || o.Key.Group == "sparkoperator.k8s.io":
				severity := checks.Warning
				if slices.Contains(kindsWithAccount, o.Key.Kind) {
					severity = checks.Error
				}
				walkAccounts(o.Content(), nil, o.Key.Group == "sparkoperator.k8s.io", func(path inventory.Path, name string) {
					askFor(pass, o.At(path), o.Key.Namespace, name, o.Key.String()+" runs pods as", severity)
				})
			}
		}
	},
}

// kindsWithAccount are custom resources whose serviceAccountName is the account
// of pods in their own namespace.
var kindsWithAccount = []string{
	"InferenceService", "InferenceGraph", "ServingRuntime", "LLMInferenceService",
	"PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob", "TrainJob",
	"Experiment", "Trial", "Workflow", "CronWorkflow", "WorkflowTemplate", "ScheduledWorkflow",
	"SparkApplication", "ScheduledSparkApplication", "PodDefault", "RayCluster", "RayJob", "RayService",
	"Tensorboard", "PVCViewer", "JobSet", "Configuration",
}

// askFor reports an account that will not exist.
func askFor(pass *checks.Pass, place inventory.Place, namespace, name, who string, severity checks.Severity) {
	if name == "" || strings.ContainsAny(name, "{}$<>") {
		return
	}
	state := stateOf(pass, namespace, name)
	if like := lookalike(name, accountNames(pass, namespace)); state == unknown && like != "" && resemblance(name, like) < 3 {
		state = absent // a slip of the pen
	}
	switch state {
	case absent:
		hint := ""
		if like := lookalike(name, accountNames(pass, namespace)); like != "" {
			hint = "; did you mean " + like + "?"
		} else if others := namespacesOf(pass, name); len(others) > 0 && !slices.Contains(sameInEveryNamespace, name) {
			hint = fmt.Sprintf("; there is one in namespace %s", list(others))
		}
		pass.Reportf(place, "%s ServiceAccount %s/%s, which nobody makes%s", who, namespace, name, hint).As(severity)
	case unknown:
		pass.Undecidedf(place, "%s ServiceAccount %s/%s, which is not in the render: it must exist in the cluster (fact serviceAccounts)", who, namespace, name)
	}
}

// walkAccounts yields the serviceAccountName fields of decoded YAML in an order
// that does not depend on chance; Spark calls them serviceAccount.
func walkAccounts(value any, path inventory.Path, spark bool, found func(inventory.Path, string)) {
	switch value := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			if key == "status" && len(path) == 0 {
				continue
			}
			if name, ok := value[key].(string); ok && (key == "serviceAccountName" || spark && key == "serviceAccount") {
				found(path.Join(key), name)
				continue
			}
			walkAccounts(value[key], path.Join(key), spark, found)
		}
	case []any:
		for i, item := range value {
			walkAccounts(item, path.Join(i), spark, found)
		}
	}
}

// checkTokenSecret looks at a Secret that asks for an account's token.
func checkTokenSecret(pass *checks.Pass, o *inventory.Object) {
	const annotation = "kubernetes.io/service-account.name"
	if o.String("type") != "kubernetes.io/service-account-token" {
		return
	}
	name := o.Annotations()[annotation]
	place := o.At("metadata", "annotations", annotation)
	if name == "" {
		return // the API server refuses it
	}
	if stateOf(pass, o.Key.Namespace, name) == absent {
		pass.Reportf(place, "%s is for the token of ServiceAccount %s/%s, which nobody makes: Kubernetes deletes the Secret", o.Key, o.Key.Namespace, name)
	}
}

// checkRunner looks at the account that pipeline steps run as.
func checkRunner(pass *checks.Pass, pod *kubeflow.Pod) {
	for place, c := range pod.Containers() {
		controller, _, ok := kubeflow.ControllerOf(c)
		if !ok || controller.Name != "Pipelines API server" {
			continue
		}
		name, at, known := kubeflow.EnvAt(pass.Render, pod, place, c, runnerVariable)
		if !known || name == "" {
			continue
		}
		if controller.Alone(pass.Render, pod, c) {
			askFor(pass, at, pod.Namespace, name, "Kubeflow Pipelines runs steps as", checks.Error)
			continue
		}
		// Steps run in the profiles' namespaces.
		if name == "default-editor" || name == "default-viewer" || name == "default" {
			continue
		}
		var without []string
		namespaces := profileNamespaces(pass)
		for _, namespace := range namespaces {
			if stateOf(pass, namespace, name) != present {
				without = append(without, namespace)
			}
		}
		if len(namespaces) == 0 || len(without) > 0 {
			f := pass.Reportf(at, "Kubeflow Pipelines runs steps as ServiceAccount %s of the user's namespace, and the profile controller makes only default-editor and default-viewer there", name)
			if len(without) == 0 {
				f.As(checks.Warning) // somebody else may make it in every profile
			} else {
				f.Message += "; " + list(without) + " has none"
			}
			f.WithFix("Set %s to default-editor, or make the account in every profile's namespace.", runnerVariable)
		}
	}
}

// runnerVariable configures the account of pipeline steps
// (pipelines backend/src/apiserver/common/config.go).
const runnerVariable = "DEFAULTPIPELINERUNNERSERVICEACCOUNT"

// profileNamespaces are those that the profile controller makes of the render's
// Profiles.
func profileNamespaces(pass *checks.Pass) []string {
	var names []string
	for o := range pass.Render.LiveOf(namespaceKind) {
		if o.Made != nil && o.Made.Controller == "profile controller" {
			names = append(names, o.Key.Name)
		}
	}
	slices.Sort(names)
	return names
}
