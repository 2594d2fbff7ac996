// Package apiserver judges objects as the API server does, by its own code: the
// registry strategies of k8s.io/kubernetes for built-in kinds, and
// k8s.io/apiextensions-apiserver for custom resources and their definitions.
// No rule is written down here a second time.
//
// It is the one package that knows k8s.io/kubernetes. Checks reach it through
// [checks.Server].
//
// What it does not decide: admission (webhooks, quota, Pod Security, limit
// ranges), conversion by webhooks, and the merging of server-side apply.
package apiserver

import (
	"context"
	"fmt"
	"sync"

	apiextv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/capabilities"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Version is the release of k8s.io/kubernetes whose code decides.
const Version = "1.37.2"

// A Server judges the objects of one render. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	crds     map[schema.GroupKind]*apiextv1.CustomResourceDefinition
	broken   map[schema.GroupKind]error
	versions map[schema.GroupVersionKind]*customVersion
	verdicts map[*inventory.Object]*verdict
}

type verdict struct {
	once     sync.Once
	problems []checks.Problem
	known    bool
}

var _ checks.Server = (*Server)(nil)

var setup = sync.OnceFunc(func() {
	// Whether pods may be privileged is the policy of a cluster, not of the
	// API: without this every privileged pod is refused.
	capabilities.Setup(true, 0)
})

// New makes a server that serves the built-in kinds and the CRDs of the render.
func New(inv *inventory.Inventory) checks.Server {
	setup()
	s := &Server{
		crds:     map[schema.GroupKind]*apiextv1.CustomResourceDefinition{},
		broken:   map[schema.GroupKind]error{},
		versions: map[schema.GroupVersionKind]*customVersion{},
		verdicts: map[*inventory.Object]*verdict{},
	}
	for _, o := range inv.Objects() {
		if o.Key.GroupKind == crdKind {
			s.define(o)
		}
	}
	return s
}

var crdKind = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// define takes up a CRD.
func (s *Server) define(o *inventory.Object) {
	gk := schema.GroupKind{Group: o.String("spec", "group"), Kind: o.String("spec", "names", "kind")}
	crd := &apiextv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Content(), crd); err != nil {
		s.broken[gk] = fmt.Errorf("%s cannot be read: %w", o.Key, err)
		return
	}
	crdScheme.Default(crd)
	s.crds[gk] = crd
}

// Create implements [checks.Server].
func (s *Server) Create(o *inventory.Object) ([]checks.Problem, bool) {
	s.mu.Lock()
	v := s.verdicts[o]
	if v == nil {
		v = &verdict{}
		s.verdicts[o] = v
	}
	s.mu.Unlock()
	v.once.Do(func() {
		v.problems, v.known = s.judge(o)
	})
	return v.problems, v.known
}

func (s *Server) judge(o *inventory.Object) (problems []checks.Problem, known bool) {
	defer func() {
		if r := recover(); r != nil {
			problems, known = []checks.Problem{{Kind: checks.Undeterminable, Message: fmt.Sprintf("the validation of %s panicked: %v", o.Key, r)}}, true
		}
	}()
	gvk := schema.FromAPIVersionAndKind(o.APIVersion, o.Key.Kind)
	obj, strategy, problems, known := s.decode(o, gvk)
	if obj == nil {
		return problems, known
	}
	return append(problems, beforeCreate(o, obj, strategy, gvk)...), true
}

// decode reads the object as the server's decoder does. A nil object could not
// be read at all.
func (s *Server) decode(o *inventory.Object, gvk schema.GroupVersionKind) (runtime.Object, strategy, []checks.Problem, bool) {
	if gvk.GroupKind() == (schema.GroupKind{Group: crdKind.Group, Kind: crdKind.Kind}) {
		obj, problems := crdCodec.decode(o, gvk)
		return obj, crdStrategy, problems, true
	}
	if strategy, ok := strategies[gvk.GroupKind()]; ok {
		obj, problems := builtinCodec.decode(o, gvk)
		return obj, strategy, problems, true
	}
	version, problems, known := s.custom(gvk)
	if version == nil {
		return nil, nil, problems, known
	}
	u, problems := version.decode(o)
	if u == nil {
		return nil, nil, problems, true
	}
	return u, version.strategy, problems, true
}

// beforeCreate is what the registry's store does before it writes a new object.
func beforeCreate(o *inventory.Object, obj runtime.Object, strategy strategy, gvk schema.GroupVersionKind) []checks.Problem {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return []checks.Problem{{Kind: checks.Malformed, Message: err.Error()}}
	}
	if service, ok := obj.(*core.Service); ok && service.Spec.ClusterIP != "" && len(service.Spec.ClusterIPs) == 0 {
		// What the Service's storage does before validation (normalizeClusterIPs).
		service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	}
	ctx := requestContext(accessor, strategy, gvk)
	rest.FillObjectMetaSystemFields(accessor)
	if err := rest.BeforeCreate(strategy, ctx, obj); err != nil {
		return split(o, err)
	}
	return nil
}

// requestContext is the context of a request for an object. Files give
// cluster-scoped objects a namespace now and then; kubectl takes it away.
func requestContext(accessor metav1.Object, strategy strategy, gvk schema.GroupVersionKind) context.Context {
	namespace := ""
	if strategy.NamespaceScoped() {
		namespace = accessor.GetNamespace()
		if namespace == "" {
			namespace = inventory.DefaultNamespace
		}
	}
	accessor.SetNamespace(namespace)
	ctx := genericapirequest.WithNamespace(context.Background(), namespace)
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		IsResourceRequest: true, APIGroup: gvk.Group, APIVersion: gvk.Version, Verb: "create",
	})
}
