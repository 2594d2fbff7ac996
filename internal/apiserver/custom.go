package apiserver

import (
	"fmt"
	"strings"

	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// crdScheme knows the kinds of apiextensions.k8s.io.
var crdScheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	install.Install(s)
	return s
}()

var crdStrategy = customresourcedefinition.NewStrategy(crdScheme)

// A customVersion is one version of a CRD, compiled.
type customVersion struct {
	strategy   strategy
	structural *structural.Structural
	preserve   bool
	err        error
}

// unstructuredTyper says of a custom resource what kind it says it is.
type unstructuredTyper struct{}

func (unstructuredTyper) ObjectKinds(obj runtime.Object) ([]schema.GroupVersionKind, bool, error) {
	return []schema.GroupVersionKind{obj.GetObjectKind().GroupVersionKind()}, false, nil
}

func (unstructuredTyper) Recognizes(schema.GroupVersionKind) bool { return true }

// custom finds the compiled version of a custom resource. Compiling a schema
// with its CEL rules takes milliseconds, so only versions in use are.
func (s *Server) custom(gvk schema.GroupVersionKind) (v *customVersion, problems []checks.Problem, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken[gvk.GroupKind()]; err != nil {
		return nil, []checks.Problem{{Kind: checks.Undeterminable, Message: err.Error()}}, true
	}
	crd := s.crds[gvk.GroupKind()]
	if crd == nil {
		return nil, nil, false
	}
	var served []string
	for _, version := range crd.Spec.Versions {
		if version.Served {
			served = append(served, version.Name)
		}
		if version.Name != gvk.Version || !version.Served {
			continue
		}
		v := s.versions[gvk]
		if v == nil {
			v = compile(crd, &version)
			s.versions[gvk] = v
		}
		if v.err != nil {
			return nil, []checks.Problem{{Kind: checks.Undeterminable, Message: fmt.Sprintf("the schema of CustomResourceDefinition %s cannot be used: %v", crd.Name, v.err)}}, true
		}
		return v, nil, true
	}
	return nil, []checks.Problem{{Kind: checks.Unserved, Path: inventory.Path{"apiVersion"},
		Message: fmt.Sprintf("no matches for kind %s in version %s: CustomResourceDefinition %s serves %s", gvk.Kind, gvk.GroupVersion(), crd.Name, strings.Join(served, ", "))}}, true
}

// compile prepares a version as getOrCreateServingInfoFor of
// apiextensions-apiserver does (pkg/apiserver/customresource_handler.go).
func compile(crd *apiextv1.CustomResourceDefinition, v *apiextv1.CustomResourceDefinitionVersion) *customVersion {
	out := &customVersion{preserve: crd.Spec.PreserveUnknownFields}
	kind := schema.GroupVersionKind{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}
	var validator validation.SchemaValidator
	if v.Schema != nil {
		internal := &apiext.CustomResourceValidation{}
		if out.err = apiextv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(v.Schema, internal, nil); out.err != nil {
			return out
		}
		s, err := structural.NewStructural(internal.OpenAPIV3Schema)
		if err != nil {
			out.err = err
			return out
		}
		s = s.DeepCopy() // the defaults in it are shared otherwise
		if out.err = defaulting.PruneDefaults(s); out.err != nil {
			return out
		}
		out.structural = s
		if validator, _, out.err = validation.NewSchemaValidator(internal.OpenAPIV3Schema); out.err != nil {
			return out
		}
	}
	var status *apiext.CustomResourceSubresourceStatus
	if v.Subresources != nil && v.Subresources.Status != nil {
		status = &apiext.CustomResourceSubresourceStatus{}
	}
	var scale *apiext.CustomResourceSubresourceScale
	if v.Subresources != nil && v.Subresources.Scale != nil {
		scale = &apiext.CustomResourceSubresourceScale{}
		if out.err = apiextv1.Convert_v1_CustomResourceSubresourceScale_To_apiextensions_CustomResourceSubresourceScale(v.Subresources.Scale, scale, nil); out.err != nil {
			return out
		}
	}
	out.strategy = customresource.NewStrategy(unstructuredTyper{}, crd.Spec.Scope == apiextv1.NamespaceScoped, kind, validator, nil, out.structural, status, scale, v.SelectableFields)
	return out
}

// decode does to a custom resource what the server's decoder does
// (unstructuredSchemaCoercer and unstructuredDefaulter there): unknown fields
// are named and pruned, metadata read as its type, defaults filled in.
func (v *customVersion) decode(o *inventory.Object) (*unstructured.Unstructured, []checks.Problem) {
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o.Content())}
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(u.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, []checks.Problem{typeProblem(o, err, func(content map[string]any) error {
			_, _, _, err := objectmeta.GetObjectMetaWithOptions(content, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
			return err
		})}
	}
	if v.structural != nil {
		if !v.preserve {
			unknown = append(unknown, pruning.PruneWithOptions(u.Object, v.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
			defaulting.PruneNonNullableNullsWithoutDefaults(u.Object, v.structural)
		}
		err, paths := objectmeta.CoerceWithOptions(nil, u.Object, v.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
		if err != nil {
			return nil, split(o, err)
		}
		unknown = append(unknown, paths...)
	}
	if found {
		if err := objectmeta.SetObjectMeta(u.Object, meta); err != nil {
			return nil, []checks.Problem{{Kind: checks.Malformed, Message: err.Error()}}
		}
	}
	var problems []checks.Problem
	for _, field := range unknown {
		problems = append(problems, strictProblem(o, fmt.Sprintf("unknown field %q", field)))
	}
	if v.structural != nil {
		defaulting.Default(u.Object, v.structural)
	}
	return u, problems
}
