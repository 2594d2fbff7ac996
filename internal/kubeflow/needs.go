package kubeflow

import (
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Reach says in which namespaces a controller needs something.
type Reach int

const (
	// Watched is every namespace, or the controller's own where it was told to
	// look after no other.
	Watched Reach = iota
	// Own is the namespace that the controller runs in.
	Own
	// Cluster is every namespace, or a resource without namespace.
	Cluster
)

// A Need is what a controller asks of the API server in its work, without
// which it does not do that work.
type Need struct {
	Verbs     string // separated by spaces
	Group     string
	Resources string // separated by spaces, "pods/log" included
	Reach     Reach
	// Breaks says what does not work without it: "notebooks do not start".
	Breaks string
	// Tags limits it to versions of the image, as a semver constraint. An
	// image whose tag is no version has no such needs.
	Tags string
	// When limits it further; nil is always.
	When func(*inventory.View, *Pod, *corev1.Container) bool
	// InFlag is a flag of the program that names the namespace, for needs in
	// one that is not the program's own.
	InFlag string
	// Name is the object that it is about, where a role may name it; NameFlag
	// is a flag that names it.
	Name, NameFlag string
}

// A Controller is a program of the platform that talks to the API server.
type Controller struct {
	Name string // "notebook controller"
	// Images are the ends of its image's repository. Registries are left out:
	// people mirror images.
	Images []string
	// Is tells programs of one image apart; nil takes all.
	Is func(*corev1.Container) bool
	// Alone reports whether it was told to look after its own namespace only;
	// nil is never.
	Alone func(*inventory.View, *Pod, *corev1.Container) bool
	Needs []Need
	// Binds are the ClusterRoles that it binds for others, which takes all of
	// their rights, or the verb bind.
	Binds []string
}

const (
	istioNetworking = "networking.istio.io"
	istioSecurity   = "security.istio.io"
	knativeServing  = "serving.knative.dev"
	authorization   = "authorization.k8s.io"
	authentication  = "authentication.k8s.io"
	coordination    = "coordination.k8s.io"
	admission       = "admissionregistration.k8s.io"
	rbacGroup       = "rbac.authorization.k8s.io"
)

// Controllers are the programs of the platform and what they need. Only what
// they cannot work without is here: not events that they write for the reader,
// nor rights that upstream's roles give and the program never uses.
var Controllers = []Controller{
	{
		Name: "notebook controller", Images: []string{"notebook-controller"},
		Needs: []Need{
			{Verbs: "get list watch", Group: "kubeflow.org", Resources: "notebooks", Breaks: "the controller does not start"},
			{Verbs: "update", Group: "kubeflow.org", Resources: "notebooks/status", Breaks: "notebooks never get a status"},
			{Verbs: "get list watch create update", Group: "apps", Resources: "statefulsets", Breaks: "notebooks do not start"},
			{Verbs: "get list watch create update", Resources: "services", Breaks: "notebooks do not start"},
			{Verbs: "get list watch", Resources: "pods", Breaks: "the controller does not start"},
			{Verbs: "get list watch create update", Group: istioNetworking, Resources: "virtualservices", Breaks: "notebooks cannot be reached", When: envIs("USE_ISTIO", "true")},
		},
	},
	{
		Name: "profile controller", Images: []string{"profile-controller"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: "kubeflow.org", Resources: "profiles", Reach: Cluster, Breaks: "profiles are not set up"},
			{Verbs: "get list watch create update", Resources: "namespaces serviceaccounts", Reach: Cluster, Breaks: "profiles are not set up"},
			{Verbs: "get list watch create update", Group: rbacGroup, Resources: "rolebindings", Reach: Cluster, Breaks: "profiles are not set up"},
			{Verbs: "get list watch create update", Group: istioSecurity, Resources: "authorizationpolicies", Reach: Cluster, Breaks: "profiles are not set up"},
			{Verbs: "get list watch create update delete", Resources: "resourcequotas", Reach: Cluster, Breaks: "the quotas of profiles are not set"},
		},
		Binds: []string{"kubeflow-admin", "kubeflow-edit", "kubeflow-view"},
	},
	{
		Name: "access management (kfam)", Images: []string{"kfam"},
		Needs: []Need{
			{Verbs: "get create delete", Group: "kubeflow.org", Resources: "profiles", Reach: Cluster, Breaks: "users cannot make a profile"},
			{Verbs: "get list create delete", Group: rbacGroup, Resources: "rolebindings", Reach: Cluster, Breaks: "contributors cannot be managed"},
			{Verbs: "get create delete", Group: istioSecurity, Resources: "authorizationpolicies", Reach: Cluster, Breaks: "contributors cannot be managed"},
		},
		Binds: []string{"kubeflow-admin", "kubeflow-edit", "kubeflow-view"},
	},
	{
		Name: "PodDefaults webhook", Images: []string{"poddefaults-webhook", "admission-webhook"},
		Needs: []Need{
			{Verbs: "list", Group: "kubeflow.org", Resources: "poddefaults", Reach: Cluster, Breaks: "PodDefaults are not applied"},
		},
	},
	{
		Name: "jupyter web app", Images: []string{"jupyter-web-app"},
		Needs: []Need{
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "every request of a user is refused"},
			{Verbs: "get list create delete patch", Group: "kubeflow.org", Resources: "notebooks", Reach: Cluster, Breaks: "users cannot manage notebooks"},
			{Verbs: "list", Group: "kubeflow.org", Resources: "poddefaults", Reach: Cluster, Breaks: "the form cannot list configurations"},
			{Verbs: "list create", Resources: "persistentvolumeclaims", Reach: Cluster, Breaks: "notebooks with a new volume cannot be made"},
			{Verbs: "list", Resources: "events", Reach: Cluster, Breaks: "notebooks cannot be listed"},
			{Verbs: "list", Group: "storage.k8s.io", Resources: "storageclasses", Reach: Cluster, Breaks: "the form cannot list storage classes"},
			{Verbs: "list", Resources: "pods", Reach: Cluster, Tags: ">=1.8.0-0", Breaks: "a notebook's page stays empty"},
			{Verbs: "get", Resources: "pods/log", Reach: Cluster, Tags: ">=1.8.0-0", Breaks: "a notebook's logs cannot be read"},
		},
	},
	{
		Name: "volumes web app", Images: []string{"volumes-web-app"},
		Needs: []Need{
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "every request of a user is refused"},
			{Verbs: "get list create delete", Resources: "persistentvolumeclaims", Reach: Cluster, Breaks: "users cannot manage volumes"},
			{Verbs: "list", Resources: "pods", Reach: Cluster, Breaks: "volumes cannot be listed"},
			{Verbs: "list", Group: "storage.k8s.io", Resources: "storageclasses", Reach: Cluster, Breaks: "the form cannot list storage classes"},
			{Verbs: "list create delete", Group: "kubeflow.org", Resources: "pvcviewers", Reach: Cluster, Tags: ">=1.8.0-0", Breaks: "volumes cannot be opened"},
		},
	},
	{
		Name: "tensorboards web app", Images: []string{"tensorboards-web-app"},
		Needs: []Need{
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "every request of a user is refused"},
			{Verbs: "list create delete", Group: "tensorboard.kubeflow.org", Resources: "tensorboards", Reach: Cluster, Breaks: "users cannot manage tensorboards"},
			{Verbs: "list", Resources: "persistentvolumeclaims", Reach: Cluster, Breaks: "the form cannot list volumes"},
		},
	},
	{
		Name: "central dashboard", Images: []string{"central-dashboard", "centraldashboard"},
		Needs: []Need{
			{Verbs: "list", Resources: "namespaces events", Reach: Cluster, Breaks: "the dashboard shows no namespaces or activity"},
			{Verbs: "get", Resources: "configmaps", Reach: Own, Breaks: "the dashboard shows no links"},
		},
	},
	{
		Name: "tensorboard controller", Images: []string{"tensorboard-controller"},
		Needs: slices.Concat([]Need{
			{Verbs: "get list watch", Group: "tensorboard.kubeflow.org", Resources: "tensorboards", Breaks: "the controller does not start"},
			{Verbs: "update", Group: "tensorboard.kubeflow.org", Resources: "tensorboards/status", Breaks: "tensorboards never become ready"},
			{Verbs: "get list watch create update", Group: "apps", Resources: "deployments", Breaks: "tensorboards do not start"},
			{Verbs: "get list watch create update", Resources: "services", Breaks: "tensorboards do not start"},
			{Verbs: "get list watch create update", Group: istioNetworking, Resources: "virtualservices", Breaks: "tensorboards cannot be reached"},
		}, leaderElection("--leader-elect")),
	},
	{
		Name: "volume viewer controller", Images: []string{"pvcviewer-controller"},
		Needs: slices.Concat([]Need{
			{Verbs: "get list watch", Group: "kubeflow.org", Resources: "pvcviewers", Breaks: "the controller does not start"},
			{Verbs: "update", Group: "kubeflow.org", Resources: "pvcviewers/status", Breaks: "volume viewers never become ready"},
			{Verbs: "get list watch create update", Group: "apps", Resources: "deployments", Breaks: "volume viewers do not start"},
			{Verbs: "get list watch create update", Resources: "services", Breaks: "volume viewers do not start"},
			{Verbs: "get list watch create update", Group: istioNetworking, Resources: "virtualservices", Breaks: "volume viewers cannot be reached"},
		}, leaderElection("--leader-elect")),
	},
	{
		// Authenticates and authorizes whoever reads the metrics behind it.
		Name: "kube-rbac-proxy", Images: []string{"kube-rbac-proxy"},
		Needs: []Need{
			{Verbs: "create", Group: authentication, Resources: "tokenreviews", Reach: Cluster, Breaks: "metrics cannot be read"},
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "metrics cannot be read"},
		},
	},
	{
		Name: "Katib controller", Images: []string{"katib-controller"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: "kubeflow.org", Resources: "experiments", Breaks: "the controller does not start"},
			{Verbs: "get list watch create update", Group: "kubeflow.org", Resources: "suggestions", Breaks: "experiments do not run"},
			{Verbs: "get list watch create update delete", Group: "kubeflow.org", Resources: "trials", Breaks: "experiments do not run"},
			{Verbs: "update", Group: "kubeflow.org", Resources: "experiments/status suggestions/status trials/status", Breaks: "experiments do not run"},
			{Verbs: "get list watch create delete", Group: "apps", Resources: "deployments", Breaks: "suggestion services do not start"},
			{Verbs: "get list watch create delete", Resources: "services", Breaks: "suggestion services do not start"},
			{Verbs: "get list watch create delete", Group: "batch", Resources: "jobs", Breaks: "trials do not run"},
			{Verbs: "get", Resources: "pods", Breaks: "metrics collectors are not injected"},
			{Verbs: "get", Resources: "configmaps", Breaks: "trial templates cannot be read"},
			{Verbs: "get list watch", Resources: "persistentvolumeclaims", Breaks: "the controller does not start"},
			{Verbs: "get list watch create delete", Group: "kubeflow.org", Resources: "tfjobs pytorchjobs mpijobs xgboostjobs", Breaks: "trials that are training jobs do not run"},
		},
	},
	{
		Name: "Katib UI", Images: []string{"katib-ui"},
		Needs: []Need{
			{Verbs: "get list create delete", Group: "kubeflow.org", Resources: "experiments", Breaks: "users cannot manage experiments"},
			{Verbs: "get list", Group: "kubeflow.org", Resources: "trials suggestions", Breaks: "experiments cannot be shown"},
			{Verbs: "get list", Resources: "configmaps", Breaks: "trial templates cannot be listed"},
			{Verbs: "list", Resources: "namespaces", Reach: Cluster, Breaks: "namespaces cannot be listed"},
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "every request of a user is refused", When: envIs("APP_DISABLE_AUTH", "false")},
			{Verbs: "list", Resources: "pods", Breaks: "a trial's logs cannot be shown", Tags: ">=0.16.0-0"},
			{Verbs: "get", Resources: "pods/log", Breaks: "a trial's logs cannot be shown", Tags: ">=0.16.0-0"},
		},
	},
	{
		Name: "training operator", Images: []string{"training-operator"},
		Needs: []Need{
			{Verbs: "get list watch", Group: "kubeflow.org", Resources: "tfjobs pytorchjobs mpijobs xgboostjobs paddlejobs jaxjobs", Breaks: "the operator does not start"},
			{Verbs: "update", Group: "kubeflow.org", Resources: "tfjobs/status pytorchjobs/status mpijobs/status xgboostjobs/status paddlejobs/status jaxjobs/status", Breaks: "training jobs never get a status"},
			{Verbs: "get list watch create delete", Resources: "pods", Breaks: "training jobs do not run"},
			{Verbs: "get list watch create delete", Resources: "services", Breaks: "training jobs do not run"},
			{Verbs: "list watch create update", Resources: "configmaps", Breaks: "the operator does not start"},
			{Verbs: "list watch create update", Group: rbacGroup, Resources: "roles rolebindings", Breaks: "the operator does not start"},
			{Verbs: "get list watch create", Resources: "serviceaccounts", Breaks: "the operator does not start"},
			// It makes the certificate of its own webhook.
			{Verbs: "get list watch update", Resources: "secrets", Reach: Own, Breaks: "its webhook has no certificate and refuses training jobs", When: hasTrainingWebhook},
			{Verbs: "get list watch update", Group: admission, Resources: "validatingwebhookconfigurations", Reach: Cluster, Breaks: "its webhook gets no CA and refuses training jobs", When: hasTrainingWebhook},
		},
	},
	{
		Name: "KServe controller", Images: []string{"kserve-controller"},
		Needs: slices.Concat([]Need{
			{Verbs: "get list watch update", Group: "serving.kserve.io", Resources: "inferenceservices", Breaks: "the controller does not start"},
			{Verbs: "update", Group: "serving.kserve.io", Resources: "inferenceservices/status", Breaks: "InferenceServices never become ready"},
			{Verbs: "get list watch", Group: "serving.kserve.io", Resources: "servingruntimes clusterservingruntimes", Breaks: "InferenceServices find no runtime"},
			{Verbs: "get list watch", Group: "serving.kserve.io", Resources: "inferencegraphs trainedmodels", Breaks: "the controller does not start"},
			{Verbs: "get list watch", Group: "serving.kserve.io", Resources: "clusterstoragecontainers", Breaks: "models cannot be fetched"},
			{Verbs: "get list watch create update", Group: knativeServing, Resources: "services", Breaks: "InferenceServices do not start"},
			{Verbs: "get list watch create update delete", Group: istioNetworking, Resources: "virtualservices", Breaks: "InferenceServices cannot be reached", When: not(withoutIstioVirtualHost)},
			{Verbs: "get list watch create update delete", Group: "apps", Resources: "deployments", Breaks: "InferenceServices in raw deployment mode do not start"},
			{Verbs: "get list watch create update delete", Resources: "services", Breaks: "InferenceServices cannot be reached"},
			{Verbs: "get list watch create update delete", Group: "autoscaling", Resources: "horizontalpodautoscalers", Breaks: "InferenceServices in raw deployment mode do not start"},
			{Verbs: "get", Resources: "configmaps", Breaks: "the controller does not start"},
			{Verbs: "get", Resources: "secrets serviceaccounts", Breaks: "models cannot be fetched with credentials"},
			{Verbs: "get list watch", Resources: "namespaces", Reach: Cluster, Breaks: "InferenceServices do not start"},
		}, leaderElection("--leader-elect")),
	},
	{
		Name: "KServe local model controller", Images: []string{"kserve-localmodel-controller"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: "serving.kserve.io", Resources: "localmodelcaches", Reach: Cluster, Breaks: "models are not cached on nodes"},
			{Verbs: "get list watch create update", Group: "serving.kserve.io", Resources: "localmodelnodes", Reach: Cluster, Breaks: "models are not cached on nodes"},
			{Verbs: "get list watch", Group: "serving.kserve.io", Resources: "localmodelnodegroups inferenceservices", Reach: Cluster, Breaks: "models are not cached on nodes"},
			{Verbs: "get list watch", Resources: "nodes", Reach: Cluster, Breaks: "models are not cached on nodes"},
			{Verbs: "get", Resources: "configmaps", Reach: Own, Breaks: "the controller does not start"},
		},
	},
	{
		Name: "KServe models web app", Images: []string{"models-web-app"},
		Needs: []Need{
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "every request of a user is refused"},
			{Verbs: "get list create delete", Group: "serving.kserve.io", Resources: "inferenceservices", Reach: Cluster, Breaks: "users cannot manage InferenceServices"},
		},
	},
	{
		Name: "Argo workflow controller", Images: []string{"workflow-controller"},
		Alone: argoAlone,
		Needs: []Need{
			{Verbs: "get list watch update patch delete create", Group: "argoproj.io", Resources: "workflows", Breaks: "pipelines do not run"},
			{Verbs: "get list watch", Group: "argoproj.io", Resources: "workflowtemplates", Breaks: "the controller does not start"},
			{Verbs: "get list watch update", Group: "argoproj.io", Resources: "cronworkflows", Breaks: "the controller does not start"},
			{Verbs: "list watch", Group: "argoproj.io", Resources: "workflowtaskresults", Tags: ">=3.4.0-0", Breaks: "results of pipeline steps are lost"},
			{Verbs: "get list watch create update patch delete", Group: "argoproj.io", Resources: "workflowtasksets", Tags: ">=3.2.0-0", Breaks: "the controller does not start"},
			{Verbs: "list watch", Group: "argoproj.io", Resources: "workflowartifactgctasks", Tags: ">=3.4.0-0", Breaks: "the controller does not start"},
			{Verbs: "get list watch create delete patch", Resources: "pods", Breaks: "pipelines do not run"},
			{Verbs: "create", Resources: "pods/exec", Breaks: "sidecars of pipeline steps are not ended"},
			{Verbs: "get", Resources: "configmaps", Reach: Own, Breaks: "the controller does not start"},
			{Verbs: "list watch", Resources: "configmaps", Breaks: "the controller does not start"},
			{Verbs: "get create delete", Resources: "persistentvolumeclaims", Breaks: "pipelines with volume claims do not run"},
			{Verbs: "get list", Resources: "serviceaccounts", Breaks: "pipelines do not run"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", Reach: Own, Breaks: "the controller cannot become leader", When: not(envIs("LEADER_ELECTION_DISABLE", "true"))},
		},
	},
	{
		Name: "Pipelines API server", Images: []string{"kfp-api-server", "ml-pipeline/api-server"},
		Alone: not(envIs("MULTIUSER", "true")),
		Needs: []Need{
			{Verbs: "get list create update patch delete", Group: "argoproj.io", Resources: "workflows", Breaks: "runs cannot be started"},
			{Verbs: "get list create update patch delete", Group: "kubeflow.org", Resources: "scheduledworkflows", Breaks: "recurring runs cannot be made"},
			{Verbs: "get list delete", Resources: "pods", Breaks: "runs cannot be ended"},
			{Verbs: "get", Resources: "pods/log", Breaks: "logs of runs cannot be read"},
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "every request of a user is refused", When: envIs("MULTIUSER", "true")},
			{Verbs: "create", Group: authentication, Resources: "tokenreviews", Reach: Cluster, Breaks: "requests with a service account's token are refused", When: envIs("MULTIUSER", "true")},
		},
	},
	{
		Name: "Pipelines persistence agent", Images: []string{"kfp-persistence-agent", "ml-pipeline/persistenceagent"},
		Alone: not(envIs("NAMESPACE", "")),
		Needs: []Need{
			{Verbs: "get list watch", Group: "argoproj.io", Resources: "workflows", Breaks: "the state of runs is not recorded"},
			{Verbs: "get list watch", Group: "kubeflow.org", Resources: "scheduledworkflows", Breaks: "the state of recurring runs is not recorded"},
			// Asked of the Pipelines API server, which asks Kubernetes.
			{Verbs: "report", Group: "pipelines.kubeflow.org", Resources: "workflows scheduledworkflows", Tags: ">=2.0.0-0", Breaks: "the state of runs is not recorded", When: envIs("NAMESPACE", "")},
		},
	},
	{
		Name: "Pipelines scheduled workflow controller", Images: []string{"kfp-scheduled-workflow-controller", "ml-pipeline/scheduledworkflow"},
		Alone: not(envIs("NAMESPACE", "")),
		Needs: []Need{
			{Verbs: "get list watch update", Group: "kubeflow.org", Resources: "scheduledworkflows", Breaks: "recurring runs do not start"},
			{Verbs: "get list watch create", Group: "argoproj.io", Resources: "workflows", Breaks: "recurring runs do not start"},
		},
	},
	{
		Name: "Pipelines viewer controller", Images: []string{"kfp-viewer-crd-controller", "ml-pipeline/viewer-crd-controller"},
		Alone: not(envIs("NAMESPACE", "")),
		Needs: []Need{
			{Verbs: "get list watch delete", Group: "kubeflow.org", Resources: "viewers", Breaks: "the controller does not start"},
			{Verbs: "get list watch create", Group: "apps", Resources: "deployments", Breaks: "viewers do not start"},
			{Verbs: "get list watch create", Resources: "services", Breaks: "viewers do not start"},
		},
	},
	{
		Name: "Pipelines metadata writer", Images: []string{"kfp-metadata-writer", "ml-pipeline/metadata-writer"},
		Alone: not(envIs("NAMESPACE_TO_WATCH", "")),
		Needs: []Need{
			{Verbs: "list watch patch", Resources: "pods", Breaks: "runs leave no metadata"},
			{Verbs: "get", Group: "argoproj.io", Resources: "workflows", Breaks: "runs leave no metadata"},
		},
	},
	{
		Name: "Pipelines cache server", Images: []string{"kfp-cache-server", "ml-pipeline/cache-server"},
		Alone: not(envIs("NAMESPACE_TO_WATCH", "")),
		Needs: []Need{
			{Verbs: "list watch patch", Resources: "pods", Breaks: "steps are not cached"},
		},
	},
	{
		Name: "Pipelines UI", Images: []string{"kfp-frontend", "ml-pipeline/frontend"},
		Alone: not(envIs("ENABLE_AUTHZ", "true")),
		Is:    func(c *corev1.Container) bool { return strings.Contains(c.Name, "ui") },
		Needs: []Need{
			{Verbs: "get", Resources: "pods pods/log", Breaks: "logs of steps cannot be shown"},
			{Verbs: "list", Resources: "events", Breaks: "events of steps cannot be shown"},
			{Verbs: "get create delete", Group: "kubeflow.org", Resources: "viewers", Breaks: "tensorboards of runs cannot be opened"},
			{Verbs: "get", Group: "argoproj.io", Resources: "workflows", Breaks: "logs of archived steps cannot be shown"},
		},
	},
	{
		Name: "metacontroller", Images: []string{"metacontroller"},
		Needs: []Need{
			{Verbs: "get list watch", Group: "metacontroller.k8s.io", Resources: "compositecontrollers decoratorcontrollers", Reach: Cluster, Breaks: "Pipelines is not set up in profiles"},
		},
	},
	{
		Name: "Dex", Images: []string{"dexidp/dex", "dex/dex"},
		Needs: []Need{
			{Verbs: "get list create update delete", Group: "dex.coreos.com", Resources: "authrequests authcodes refreshtokens signingkeies passwords offlinesessionses connectors oauth2clients", Reach: Own, Breaks: "nobody can log in", When: dexInKubernetes},
		},
	},
	{
		Name: "Istio control plane", Images: []string{"istio/pilot", "istio-release/pilot", "pilot"},
		Is: func(c *corev1.Container) bool { return slices.Contains(c.Args, "discovery") },
		Needs: []Need{
			{Verbs: "get list watch", Group: istioNetworking, Resources: "virtualservices gateways destinationrules envoyfilters sidecars serviceentries workloadentries", Reach: Cluster, Breaks: "the mesh is not configured"},
			{Verbs: "get list watch", Group: istioSecurity, Resources: "authorizationpolicies requestauthentications peerauthentications", Reach: Cluster, Breaks: "the mesh is not configured"},
			{Verbs: "get list watch", Resources: "services pods namespaces nodes", Reach: Cluster, Breaks: "the mesh is not configured"},
			{Verbs: "get list watch", Group: "discovery.k8s.io", Resources: "endpointslices", Reach: Cluster, Breaks: "the mesh is not configured"},
			{Verbs: "get list watch", Group: "apiextensions.k8s.io", Resources: "customresourcedefinitions", Reach: Cluster, Breaks: "the control plane does not become ready"},
			{Verbs: "get list watch create update", Resources: "configmaps", Reach: Cluster, Breaks: "sidecars get no root certificate"},
			{Verbs: "create", Group: authentication, Resources: "tokenreviews", Reach: Cluster, Breaks: "sidecars get no certificate"},
			{Verbs: "get list watch update patch", Group: admission, Resources: "mutatingwebhookconfigurations", Reach: Cluster, Breaks: "sidecars are not injected"},
			{Verbs: "get list watch update", Group: admission, Resources: "validatingwebhookconfigurations", Reach: Cluster, Breaks: "Istio's configuration is not validated"},
			{Verbs: "get list watch create update", Resources: "secrets", Reach: Own, Breaks: "the mesh has no certificate authority"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", Reach: Own, Tags: ">=1.24.0-0", Breaks: "nobody writes the root certificate for sidecars"},
			{Verbs: "get list watch", Resources: "secrets", Reach: Cluster, Breaks: "gateways get no certificates for TLS", When: gatewayHasCredentials},
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "gateways get no certificates for TLS", When: gatewayHasCredentials},
		},
	},
	{
		// The control plane hands a gateway only Secrets that its account may
		// list itself.
		Name: "Istio gateway", Images: []string{"istio/proxyv2", "istio-release/proxyv2", "proxyv2"},
		Is: func(c *corev1.Container) bool { return slices.Contains(c.Args, "router") },
		Needs: []Need{
			{Verbs: "list", Resources: "secrets", Reach: Own, Breaks: "the gateway gets no certificates for TLS", When: gatewayHasCredentials},
		},
	},
	{
		Name: "Istio CNI", Images: []string{"install-cni"},
		Needs: []Need{
			{Verbs: "get", Resources: "pods", Reach: Cluster, Breaks: "pods in the mesh do not start"},
		},
	},
	{
		Name: "cert-manager controller", Images: []string{"cert-manager-controller"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: "cert-manager.io", Resources: "certificates certificaterequests", Reach: Cluster, Breaks: "certificates are not issued"},
			{Verbs: "create delete", Group: "cert-manager.io", Resources: "certificaterequests", Reach: Cluster, Breaks: "certificates are not issued"},
			{Verbs: "update", Group: "cert-manager.io", Resources: "certificates/status certificaterequests/status issuers/status clusterissuers/status", Reach: Cluster, Breaks: "certificates are not issued"},
			{Verbs: "get list watch", Group: "cert-manager.io", Resources: "issuers clusterissuers", Reach: Cluster, Breaks: "certificates are not issued"},
			{Verbs: "get list watch create update delete", Resources: "secrets", Reach: Cluster, Breaks: "certificates are not issued"},
			{Verbs: "approve", Group: "cert-manager.io", Resources: "signers", Reach: Cluster, Name: "issuers.cert-manager.io/*", Tags: ">=1.3.0-0", Breaks: "requests for certificates are not approved"},
			{Verbs: "approve", Group: "cert-manager.io", Resources: "signers", Reach: Cluster, Name: "clusterissuers.cert-manager.io/*", Tags: ">=1.3.0-0", Breaks: "requests for certificates are not approved"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", InFlag: "--leader-election-namespace", Name: "cert-manager-controller", Breaks: "the controller cannot become leader", When: argument("--leader-election-namespace")},
			{Verbs: "get list watch create update delete", Group: "acme.cert-manager.io", Resources: "orders challenges", Reach: Cluster, Breaks: "ACME certificates are not issued", When: hasACME},
		},
	},
	{
		Name: "cert-manager CA injector", Images: []string{"cert-manager-cainjector"},
		Needs: []Need{
			{Verbs: "get list watch", Group: "cert-manager.io", Resources: "certificates", Reach: Cluster, Breaks: "webhooks get no CA and fail"},
			{Verbs: "get list watch", Resources: "secrets", Reach: Cluster, Breaks: "webhooks get no CA and fail"},
			{Verbs: "get list watch", Group: admission, Resources: "validatingwebhookconfigurations mutatingwebhookconfigurations", Reach: Cluster, Breaks: "webhooks get no CA and fail"},
			{Verbs: "get list watch", Group: "apiextensions.k8s.io", Resources: "customresourcedefinitions", Reach: Cluster, Breaks: "webhooks get no CA and fail"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", InFlag: "--leader-election-namespace", Name: "cert-manager-cainjector-leader-election", Breaks: "the CA injector cannot become leader", When: argument("--leader-election-namespace")},
		},
	},
	{
		Name: "cert-manager webhook", Images: []string{"cert-manager-webhook"},
		Needs: []Need{
			{Verbs: "create", Group: authorization, Resources: "subjectaccessreviews", Reach: Cluster, Breaks: "CertificateRequests cannot be approved"},
			{Verbs: "create", Resources: "secrets", Reach: Own, Breaks: "the webhook has no certificate", When: argument("--dynamic-serving-ca-secret-name")},
		},
	},
	{
		Name: "Knative Serving controller", Images: []string{"serving/cmd/controller"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: knativeServing, Resources: "services configurations routes revisions", Reach: Cluster, Breaks: "Knative services do not start"},
			{Verbs: "create", Group: knativeServing, Resources: "configurations routes revisions", Reach: Cluster, Breaks: "Knative services do not start"},
			{Verbs: "update", Group: knativeServing, Resources: "services/status configurations/status routes/status revisions/status", Reach: Cluster, Breaks: "Knative services never become ready"},
			{Verbs: "get list watch create update", Group: "autoscaling.internal.knative.dev", Resources: "podautoscalers", Reach: Cluster, Breaks: "Knative services do not start"},
			{Verbs: "get list watch create update", Group: "networking.internal.knative.dev", Resources: "ingresses", Reach: Cluster, Breaks: "Knative services cannot be reached"},
			{Verbs: "get list watch create update", Group: "apps", Resources: "deployments", Reach: Cluster, Breaks: "Knative services do not start"},
			{Verbs: "get list watch create update", Resources: "services", Reach: Cluster, Breaks: "Knative services cannot be reached"},
			{Verbs: "get list watch", Resources: "configmaps secrets endpoints", Reach: Cluster, Breaks: "the controller does not start"},
			{Verbs: "get list watch create update", Group: "caching.internal.knative.dev", Resources: "images", Reach: Cluster, Breaks: "Knative services do not start"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", Reach: Own, Breaks: "the controller cannot become leader"},
		},
	},
	{
		Name: "Knative autoscaler", Images: []string{"serving/cmd/autoscaler"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: "autoscaling.internal.knative.dev", Resources: "podautoscalers", Reach: Cluster, Breaks: "Knative services are not scaled"},
			{Verbs: "get list watch", Group: knativeServing, Resources: "revisions", Reach: Cluster, Breaks: "Knative services are not scaled"},
			{Verbs: "get list watch", Resources: "pods", Reach: Cluster, Breaks: "Knative services are not scaled"},
			{Verbs: "get patch", Group: "apps", Resources: "deployments", Reach: Cluster, Breaks: "Knative services are not scaled"},
			{Verbs: "get list watch create update", Group: "networking.internal.knative.dev", Resources: "serverlessservices", Reach: Cluster, Breaks: "Knative services are not scaled"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", Reach: Own, Breaks: "the autoscaler cannot become leader"},
		},
	},
	{
		Name: "Knative activator", Images: []string{"serving/cmd/activator"},
		Needs: []Need{
			{Verbs: "get list watch", Resources: "services endpoints", Reach: Cluster, Breaks: "Knative services that sleep are not woken"},
			{Verbs: "get list watch", Group: knativeServing, Resources: "revisions", Reach: Cluster, Breaks: "Knative services that sleep are not woken"},
			{Verbs: "get list watch", Resources: "configmaps", Reach: Own, Breaks: "the activator does not start"},
		},
	},
	{
		Name: "Knative Serving webhook", Images: []string{"serving/cmd/webhook"},
		Needs: []Need{
			{Verbs: "get list watch update", Group: admission, Resources: "mutatingwebhookconfigurations validatingwebhookconfigurations", Reach: Cluster, Breaks: "the webhook gets no CA and fails"},
			{Verbs: "get list watch update", Resources: "secrets", Reach: Own, Breaks: "the webhook has no certificate"},
			{Verbs: "get list watch", Resources: "configmaps", Reach: Own, Breaks: "the webhook does not start"},
			{Verbs: "get list watch update", Group: "apiextensions.k8s.io", Resources: "customresourcedefinitions", Reach: Cluster, Breaks: "the webhook does not start"},
		},
	},
	{
		Name: "Knative Istio controller", Images: []string{"net-istio/cmd/controller"},
		Needs: []Need{
			{Verbs: "get list watch create update", Group: istioNetworking, Resources: "virtualservices", Reach: Cluster, Breaks: "Knative services cannot be reached"},
			{Verbs: "get list watch", Group: istioNetworking, Resources: "gateways", Reach: Cluster, Breaks: "Knative services cannot be reached"},
			{Verbs: "get list watch update", Group: "networking.internal.knative.dev", Resources: "ingresses", Reach: Cluster, Breaks: "Knative services cannot be reached"},
			{Verbs: "update", Group: "networking.internal.knative.dev", Resources: "ingresses/status", Reach: Cluster, Breaks: "Knative services never become ready"},
		},
	},
	{
		Name: "Spark operator", Images: []string{"spark-operator/controller", "spark-operator"},
		Is: func(c *corev1.Container) bool { return slices.Contains(c.Args, "controller") },
		Needs: []Need{
			{Verbs: "get list watch update", Group: "sparkoperator.k8s.io", Resources: "sparkapplications scheduledsparkapplications", Breaks: "the operator does not start"},
			{Verbs: "update", Group: "sparkoperator.k8s.io", Resources: "sparkapplications/status", Breaks: "Spark applications never get a status"},
			{Verbs: "get list watch create delete", Resources: "pods", Breaks: "Spark applications do not run"},
			{Verbs: "get create", Resources: "configmaps services", Breaks: "Spark applications do not run"},
			{Verbs: "get create update", Group: coordination, Resources: "leases", InFlag: "--leader-election-lock-namespace", NameFlag: "--leader-election-lock-name", Breaks: "the operator cannot become leader", When: argument("--leader-election")},
		},
	},
	{
		Name: "Spark operator's webhook", Images: []string{"spark-operator/controller", "spark-operator"},
		Is: func(c *corev1.Container) bool { return slices.Contains(c.Args, "webhook") },
		Needs: []Need{
			{Verbs: "get list watch", Group: "sparkoperator.k8s.io", Resources: "sparkapplications scheduledsparkapplications", Breaks: "Spark applications cannot be made"},
			{Verbs: "list watch", Group: admission, Resources: "mutatingwebhookconfigurations validatingwebhookconfigurations", Reach: Cluster, Breaks: "the webhook gets no CA and fails"},
			{Verbs: "get update", Group: admission, Resources: "mutatingwebhookconfigurations", Reach: Cluster, NameFlag: "--mutating-webhook-name", Breaks: "the webhook gets no CA and fails", When: argument("--mutating-webhook-name")},
			{Verbs: "get create update", Resources: "secrets", InFlag: "--webhook-secret-namespace", NameFlag: "--webhook-secret-name", Breaks: "the webhook has no certificate", When: argument("--webhook-secret-name")},
			{Verbs: "get create update", Group: coordination, Resources: "leases", InFlag: "--leader-election-lock-namespace", NameFlag: "--leader-election-lock-name", Breaks: "the webhook cannot become leader", When: argument("--leader-election")},
		},
	},
}

// leaderElection is what controller-runtime needs to elect a leader, which it
// does where the flag is given.
func leaderElection(flag string) []Need {
	return []Need{{
		Verbs: "get create update", Group: coordination, Resources: "leases", Reach: Own,
		Breaks: "the controller cannot become leader", When: argument(flag),
	}}
}

// What the account of a pipeline's steps needs in the namespace of the run, by
// the version of Argo's workflow controller (argo-workflows
// docs/workflow-rbac.md and upgrading.md): from 3.4 on the executor writes
// results as WorkflowTaskResults; up to 3.5 it falls back to patching its pod
// where it may not.
var (
	RunnerResults = Need{Verbs: "create patch", Group: "argoproj.io", Resources: "workflowtaskresults", Tags: ">=3.4.0-0"}
	RunnerPatch   = Need{Verbs: "patch", Resources: "pods", Tags: "<3.6.0-0"}
	// RunnerReads is what the launcher of Pipelines 2 reads beside every step:
	// its configuration and the credentials of the object store
	// (backend/src/v2/config, objectstore). The version is that of Pipelines.
	RunnerReads = Need{Verbs: "get", Resources: "configmaps secrets", Tags: ">=2.0.0-0"}
)

// ControllerOf finds the program that a container runs.
func ControllerOf(c *corev1.Container) (controller *Controller, tag string, ok bool) {
	named, err := reference.ParseNormalizedNamed(c.Image)
	if err != nil {
		return nil, "", false
	}
	repository := reference.Path(named)
	if tagged, isTagged := named.(reference.Tagged); isTagged {
		tag = tagged.Tag()
	}
	for i := range Controllers {
		controller := &Controllers[i]
		for _, image := range controller.Images {
			if (repository == image || strings.HasSuffix(repository, "/"+image) || path.Base(repository) == image) && (controller.Is == nil || controller.Is(c)) {
				return controller, tag, true
			}
		}
	}
	return nil, "", false
}

// Matches reports whether a need is one of an image's version.
func (n *Need) Matches(tag string) bool {
	if n.Tags == "" {
		return true
	}
	constraint, err := semver.NewConstraint(n.Tags)
	if err != nil {
		panic("kubeflow: the constraint " + n.Tags + " of a need: " + err.Error())
	}
	version, err := semver.NewVersion(tag)
	return err == nil && constraint.Check(version)
}

// Where is the namespace that a need is about, empty for all, and the name of
// the object, empty for any. ok is false where that cannot be told.
func (n *Need) Where(v *inventory.View, pod *Pod, c *corev1.Container, alone bool) (namespace, name string, ok bool) {
	switch n.Reach {
	case Own:
		namespace = pod.Namespace
	case Watched:
		if alone {
			namespace = pod.Namespace
		}
	}
	if n.InFlag != "" {
		if namespace, ok = flag(v, pod, c, n.InFlag); !ok || namespace == "" {
			return "", "", false
		}
	}
	name = n.Name
	if n.NameFlag != "" {
		if name, ok = flag(v, pod, c, n.NameFlag); !ok {
			return "", "", false
		}
	}
	return namespace, name, true
}

// flag is the value of a flag given as --name=value, with $(VARIABLE) replaced.
func flag(v *inventory.View, pod *Pod, c *corev1.Container, name string) (string, bool) {
	for _, arg := range slices.Concat(c.Command, c.Args) {
		value, ok := strings.CutPrefix(arg, name+"=")
		if !ok {
			continue
		}
		for {
			before, rest, found := strings.Cut(value, "$(")
			if !found {
				return strings.Trim(value, `"`), true
			}
			variable, after, closed := strings.Cut(rest, ")")
			resolved, known := Env(v, pod, c, variable)
			if !closed || !known {
				return "", false
			}
			value = before + resolved + after
		}
	}
	return "", false
}

// gatewayHasCredentials reports whether a Gateway takes its certificate from a
// Secret by name.
func gatewayHasCredentials(v *inventory.View, _ *Pod, _ *corev1.Container) bool {
	for o := range v.Inventory().View().Of(inventory.GroupKind{Group: istioNetworking, Kind: "Gateway"}) {
		for i := range o.List("spec", "servers") {
			if o.String("spec", "servers", i, "tls", "credentialName") != "" {
				return true
			}
		}
	}
	return false
}

// hasACME reports whether an issuer speaks ACME.
func hasACME(v *inventory.View, _ *Pod, _ *corev1.Container) bool {
	for o := range v.Inventory().View().Of(inventory.GroupKind{Group: "cert-manager.io", Kind: "Issuer"}, inventory.GroupKind{Group: "cert-manager.io", Kind: "ClusterIssuer"}) {
		if o.Map("spec", "acme") != nil {
			return true
		}
	}
	return false
}

// hasTrainingWebhook reports whether the training operator validates jobs.
func hasTrainingWebhook(v *inventory.View, _ *Pod, _ *corev1.Container) bool {
	return v.Get(inventory.GroupKind{Group: admission, Kind: "ValidatingWebhookConfiguration"}, "", "validator.training-operator.kubeflow.org") != nil
}

type condition = func(*inventory.View, *Pod, *corev1.Container) bool

func not(c condition) condition {
	return func(v *inventory.View, pod *Pod, container *corev1.Container) bool { return !c(v, pod, container) }
}

// envIs reports whether an environment variable is set to a value.
// withoutIstioVirtualHost reports whether KServe's configuration tells it to
// leave VirtualServices alone (disableIstioVirtualHost in the key ingress).
func withoutIstioVirtualHost(view *inventory.View, pod *Pod, _ *corev1.Container) bool {
	config := view.Get(configMap, pod.Namespace, "inferenceservice-config")
	if config == nil {
		return false
	}
	doc, err := config.At("data", "ingress").Document()
	if err != nil {
		return false
	}
	var ingress struct {
		Disabled bool `yaml:"disableIstioVirtualHost"`
	}
	return doc.Decode(&ingress) == nil && ingress.Disabled
}

func envIs(name, value string) condition {
	return func(v *inventory.View, pod *Pod, c *corev1.Container) bool {
		got, known := Env(v, pod, c, name)
		return known && strings.EqualFold(got, value)
	}
}

// argument reports whether a flag is given and not switched off.
func argument(flag string) condition {
	return func(_ *inventory.View, _ *Pod, c *corev1.Container) bool {
		for _, arg := range slices.Concat(c.Command, c.Args) {
			name, value, _ := strings.Cut(arg, "=")
			if strings.TrimLeft(name, "-") == strings.TrimLeft(flag, "-") {
				return value != "false"
			}
		}
		return false
	}
}

// Env is the value that an environment variable of a container will have, and
// whether that can be told: it is written out, a field of the pod, or from a
// ConfigMap of the render.
func Env(v *inventory.View, pod *Pod, c *corev1.Container, name string) (value string, known bool) {
	value, _, known = EnvAt(v, pod, inventory.Place{}, c, name)
	return value, known
}

// EnvAt is [Env] with the place that sets the value; container is the
// container's own.
func EnvAt(v *inventory.View, pod *Pod, container inventory.Place, c *corev1.Container, name string) (value string, place inventory.Place, known bool) {
	at := func(steps ...any) inventory.Place {
		if container.IsZero() {
			return container
		}
		return container.At(steps...)
	}
	fromConfigMap := func(configMapName, key string) (string, inventory.Place, bool) {
		o := v.Get(configMap, pod.Namespace, configMapName)
		if o == nil {
			return "", inventory.Place{}, false
		}
		s, ok := o.Get("data", key).(string)
		return s, o.At("data", key), ok
	}
	for i := len(c.Env) - 1; i >= 0; i-- {
		e := &c.Env[i]
		switch {
		case e.Name != name:
			continue
		case e.ValueFrom == nil:
			return e.Value, at("env", i, "value"), true
		case e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
			return pod.Namespace, at("env", i), true
		case e.ValueFrom.ConfigMapKeyRef != nil:
			return fromConfigMap(e.ValueFrom.ConfigMapKeyRef.Name, e.ValueFrom.ConfigMapKeyRef.Key)
		}
		return "", at("env", i), false
	}
	for i := len(c.EnvFrom) - 1; i >= 0; i-- {
		if ref := c.EnvFrom[i].ConfigMapRef; ref != nil && strings.HasPrefix(name, c.EnvFrom[i].Prefix) {
			if value, place, ok := fromConfigMap(ref.Name, strings.TrimPrefix(name, c.EnvFrom[i].Prefix)); ok {
				return value, place, true
			}
		}
	}
	return "", inventory.Place{}, false
}

// argoAlone reports whether a workflow controller looks after its own
// namespace only.
func argoAlone(v *inventory.View, pod *Pod, c *corev1.Container) bool {
	return argument("--namespaced")(v, pod, c)
}

// dexInKubernetes reports whether Dex keeps its state in custom resources.
func dexInKubernetes(v *inventory.View, pod *Pod, _ *corev1.Container) bool {
	for _, volume := range pod.Spec.Volumes {
		if volume.ConfigMap == nil {
			continue
		}
		o := v.Get(configMap, pod.Namespace, volume.ConfigMap.Name)
		if o == nil {
			continue
		}
		for key := range o.Map("data") {
			doc, err := o.At("data", key).Document()
			if err != nil {
				continue
			}
			var config struct {
				Storage struct {
					Type string `yaml:"type"`
				} `yaml:"storage"`
			}
			if doc.Decode(&config) == nil && config.Storage.Type == "kubernetes" {
				return true
			}
		}
	}
	return false
}

// DeadBindings are bindings of upstream's own releases whose ServiceAccount
// nobody makes, by namespace-less key.
var DeadBindings = map[string]string{
	"jupyter-web-app-jupyter-notebook-role-binding": "jupyter-notebook",
}
