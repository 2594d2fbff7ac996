package kubeflow

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Resource is something that a rule can name and the API server serves:
// "notebooks" of kubeflow.org, "pods/log".
type Resource struct {
	Group, Name string
	Kind        string
	Singular    string
	ShortNames  []string
	Namespaced  bool
	// Verbs are the ones that requests for it can have; nil where that is not
	// known.
	Verbs []string
	// CRD defines it; nil for what Kubernetes itself serves.
	CRD *inventory.Object
}

// Served are the resources of a render's API: those that Kubernetes serves,
// those of the CRDs, and the ones that exist only as words in rules.
type Served struct {
	byName   map[[2]string]*Resource
	byGroup  map[string][]*Resource
	anywhere map[string][]*Resource // by name without group
	external map[string]bool        // groups that an APIService or another API server serves
}

// servedData lists what kube-apiserver serves with all its API groups enabled,
// from the discovery documents of Kubernetes 1.29.6 to 1.37.2 (api/discovery,
// Apache License 2.0), collected by served_generate.go. The columns are group,
// resource, scope, kind, singular, short names, verbs, first and last minor.
//
//go:embed served.tsv
var servedData string

// wordsOnly are resources that no discovery document lists and rules rightly
// name: authorizers and admission ask for them. A * stands for every name.
var wordsOnly = map[string]string{
	// Kubernetes: impersonation, the kubelet's API, admission of Endpoints, and
	// the resource that approving and signing certificates is checked on.
	"":                      "users groups userextras uids endpoints/restricted nodes/metrics nodes/stats nodes/log nodes/spec nodes/configz nodes/healthz nodes/pods nodes/checkpoint services/finalizers",
	"authentication.k8s.io": "users groups uids userextras userextras/*",
	"certificates.k8s.io":   "signers certificatesigningrequests/approval",
	"cert-manager.io":       "signers",
	// The Pipelines API server asks for these with the user's name
	// (backend/src/apiserver/common/const.go).
	"pipelines.kubeflow.org": "pipelines pipelines/versions experiments runs jobs visualizations viewers scheduledworkflows workflows",
	// Removed from Kubernetes, still named in roles that also serve old
	// clusters: harmless.
	"extensions":               "*",
	"policy":                   "podsecuritypolicies",
	"apps":                     "deployments/rollback",
	"auditregistration.k8s.io": "*",
	"settings.k8s.io":          "*",
	"storage.k8s.io":           "csinodeinfos",
	"metrics.k8s.io":           "*",
	"custom.metrics.k8s.io":    "*",
	"external.metrics.k8s.io":  "*",
}

// builtinServed reads the table once.
var builtinServed = sync.OnceValue(func() []*Resource {
	var resources []*Resource
	for line := range strings.Lines(servedData) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if f[0] == "core" {
			f[0] = ""
		}
		r := &Resource{Group: f[0], Name: f[1], Namespaced: f[2] == "namespaced", Kind: f[3], Singular: f[4], Verbs: strings.Split(f[6], ",")}
		if f[5] != "" {
			r.ShortNames = strings.Split(f[5], ",")
		}
		resources = append(resources, r)
	}
	return resources
})

var (
	crdKind        = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	apiServiceKind = inventory.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}
)

// ServedBy collects what a render's API serves. What any recent version of
// Kubernetes serves counts.
func ServedBy(inv *inventory.Inventory) *Served {
	s := &Served{byName: map[[2]string]*Resource{}, byGroup: map[string][]*Resource{}, anywhere: map[string][]*Resource{}, external: map[string]bool{}}
	for _, r := range builtinServed() {
		s.add(r)
	}
	view := inv.View()
	for o := range view.Of(crdKind) {
		s.addCRD(o)
	}
	for o := range view.Of(apiServiceKind) {
		if o.Map("spec", "service") != nil {
			s.external[o.String("spec", "group")] = true
		}
	}
	return s
}

func (s *Served) add(r *Resource) {
	s.byName[[2]string{r.Group, r.Name}] = r
	s.byGroup[r.Group] = append(s.byGroup[r.Group], r)
	s.anywhere[r.Name] = append(s.anywhere[r.Name], r)
}

func (s *Served) addCRD(o *inventory.Object) {
	group, plural := o.String("spec", "group"), o.String("spec", "names", "plural")
	if group == "" || plural == "" || s.byName[[2]string{group, plural}] != nil {
		return
	}
	r := &Resource{
		Group: group, Name: plural, Kind: o.String("spec", "names", "kind"), Singular: o.String("spec", "names", "singular"),
		Namespaced: o.String("spec", "scope") != "Cluster",
		Verbs:      []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
		CRD:        o,
	}
	if r.Singular == "" {
		r.Singular = strings.ToLower(r.Kind)
	}
	for _, name := range o.List("spec", "names", "shortNames") {
		if name, ok := name.(string); ok {
			r.ShortNames = append(r.ShortNames, name)
		}
	}
	s.add(r)
	sub := map[string]bool{}
	for i := range o.List("spec", "versions") {
		for name := range o.Map("spec", "versions", i, "subresources") {
			sub[name] = true
		}
	}
	for name := range o.Map("spec", "subresources") { // of v1beta1
		sub[name] = true
	}
	for _, name := range []string{"status", "scale"} {
		if sub[name] {
			s.add(&Resource{Group: group, Name: plural + "/" + name, Kind: r.Kind, Namespaced: r.Namespaced, Verbs: []string{"get", "patch", "update"}, CRD: o})
		}
	}
}

// Resource finds a resource or subresource; nil where the API has none.
func (s *Served) Resource(group, name string) *Resource { return s.byName[[2]string{group, name}] }

// Group are the resources of a group, those of Kubernetes first.
func (s *Served) Group(group string) []*Resource { return slices.Clone(s.byGroup[group]) }

// Named are the resources of a name, in whatever group.
func (s *Served) Named(name string) []*Resource { return slices.Clone(s.anywhere[name]) }

// GroupKnown reports whether all resources of a group are known: it is one of
// Kubernetes or of a CRD of the render, and no other API server serves it.
func (s *Served) GroupKnown(group string) bool {
	return len(s.byGroup[group]) > 0 && !s.external[group] && !s.Word(group, "*")
}

// Word reports whether a resource is one of those that exist only as words in
// rules.
func (s *Served) Word(group, name string) bool {
	for word := range strings.FieldsSeq(wordsOnly[group]) {
		if word == name || word == "*" || strings.HasSuffix(word, "/*") && strings.HasPrefix(name, strings.TrimSuffix(word, "*")) {
			return true
		}
	}
	return false
}

// UserFacing are the resources that a platform's users work with.
var UserFacing = []struct {
	Group, Resource string
	What            string
	// ReadOnly: users need only read it.
	ReadOnly bool
	// Inside: viewers see it through another API, not as an object.
	Inside bool
	// Secondary: upstream's releases have left it out at times.
	Secondary bool
}{
	{Group: "kubeflow.org", Resource: "notebooks", What: "notebooks"},
	{Group: "kubeflow.org", Resource: "poddefaults", What: "notebook configurations", ReadOnly: true},
	{Group: "kubeflow.org", Resource: "pvcviewers", What: "volume viewers"},
	{Group: "tensorboard.kubeflow.org", Resource: "tensorboards", What: "tensorboards"},
	{Group: "kubeflow.org", Resource: "experiments", What: "Katib experiments"},
	{Group: "kubeflow.org", Resource: "trials", What: "Katib trials", ReadOnly: true},
	{Group: "kubeflow.org", Resource: "suggestions", What: "Katib suggestions", ReadOnly: true},
	{Group: "kubeflow.org", Resource: "tfjobs", What: "training jobs"},
	{Group: "kubeflow.org", Resource: "pytorchjobs", What: "training jobs"},
	{Group: "kubeflow.org", Resource: "mpijobs", What: "training jobs"},
	{Group: "kubeflow.org", Resource: "xgboostjobs", What: "training jobs"},
	{Group: "kubeflow.org", Resource: "paddlejobs", What: "training jobs", Secondary: true},
	{Group: "kubeflow.org", Resource: "jaxjobs", What: "training jobs", Secondary: true},
	{Group: "trainer.kubeflow.org", Resource: "trainjobs", What: "training jobs"},
	{Group: "trainer.kubeflow.org", Resource: "trainingruntimes", What: "training runtimes", ReadOnly: true},
	{Group: "kubeflow.org", Resource: "scheduledworkflows", What: "recurring runs", Inside: true},
	{Group: "argoproj.io", Resource: "workflows", What: "pipeline runs", Inside: true},
	{Group: "serving.kserve.io", Resource: "inferenceservices", What: "InferenceServices"},
	{Group: "serving.kserve.io", Resource: "servingruntimes", What: "serving runtimes", ReadOnly: true},
	{Group: "serving.kserve.io", Resource: "inferencegraphs", What: "InferenceGraphs", Secondary: true},
	{Group: "serving.kserve.io", Resource: "trainedmodels", What: "trained models", Secondary: true},
	{Group: "serving.kserve.io", Resource: "llminferenceservices", What: "LLMInferenceServices", Secondary: true},
	{Group: "serving.knative.dev", Resource: "services", What: "Knative services"},
	{Group: "sparkoperator.k8s.io", Resource: "sparkapplications", What: "Spark applications"},
	{Group: "sparkoperator.k8s.io", Resource: "scheduledsparkapplications", What: "scheduled Spark applications"},
	{Group: "ray.io", Resource: "rayclusters", What: "Ray clusters", Secondary: true},
	{Group: "ray.io", Resource: "rayjobs", What: "Ray jobs", Secondary: true},
	{Group: "ray.io", Resource: "rayservices", What: "Ray services", Secondary: true},
}

// UserCore are the rights on Kubernetes' own resources that users of the web
// apps and their notebooks and pipelines need: the apps ask for them with the
// user's name (crud-web-apps/common/backend, authz).
var UserCore = []struct {
	Resource   string
	Edit, View string // verbs, separated by spaces
	What       string
}{
	{"pods", "get list", "get list", "pods of their notebooks and runs"},
	{"pods/log", "get", "get", "logs of their notebooks and runs"},
	{"events", "list", "list", "events of their notebooks"},
	{"persistentvolumeclaims", "get list create delete", "get list", "volumes"},
	{"configmaps", "get list", "get list", "configuration of their runs"},
	{"secrets", "get create", "", "credentials of their runs"},
}

// UserFacingCluster are resources without namespace that users read.
var UserFacingCluster = []string{"clustertrainingruntimes", "clusterservingruntimes"}

// PipelinesGroup is the API group of what users do in Pipelines: words that its
// API server asks about with the user's name, where it serves several users
// (backend/src/apiserver/server, authorization of each request).
const PipelinesGroup = "pipelines.kubeflow.org"

// UserPipelines are the rights that users of Pipelines need there.
var UserPipelines = []struct {
	Resource   string
	Edit, View string // verbs, separated by spaces
	What       string
}{
	{"pipelines", "get list create delete", "get list", "pipelines"},
	{"pipelines/versions", "get list create delete", "get list", "versions of pipelines"},
	{"experiments", "get list create archive unarchive", "get list", "experiments"},
	{"runs", "get list create archive unarchive terminate retry delete", "get list", "runs"},
	{"jobs", "get list create enable disable delete", "get list", "recurring runs"},
}
