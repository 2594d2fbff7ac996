package apiserver

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	// The groups that the API server serves.
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A codec reads objects strictly: unknown and repeated fields are named, as
// for kubectl apply, which asks the server to validate strictly.
type codec struct {
	scheme  *runtime.Scheme
	decoder runtime.Decoder
}

func newCodec(scheme *runtime.Scheme) *codec {
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	strict := kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme, scheme, kjson.SerializerOptions{Strict: true})
	return &codec{scheme, codecs.DecoderToVersion(strict, runtime.InternalGroupVersioner)}
}

var (
	builtinCodec = newCodec(legacyscheme.Scheme)
	crdCodec     = newCodec(crdScheme)
)

// decode reads an object, defaults it and converts it to the internal version.
func (c *codec) decode(o *inventory.Object, gvk schema.GroupVersionKind) (runtime.Object, []checks.Problem) {
	if !c.scheme.Recognizes(gvk) {
		return nil, []checks.Problem{{Kind: checks.Unserved, Path: inventory.Path{"apiVersion"},
			Message: "no matches for kind " + gvk.Kind + " in version " + gvk.GroupVersion().String()}}
	}
	data, err := json.Marshal(o.Content())
	if err != nil {
		return nil, []checks.Problem{{Kind: checks.Malformed, Message: err.Error()}}
	}
	obj, _, err := c.decoder.Decode(data, &gvk, nil)
	if err == nil {
		return obj, nil
	}
	strict, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		return nil, []checks.Problem{typeProblem(o, err, func(content map[string]any) error {
			data, err := json.Marshal(content)
			if err != nil {
				return err
			}
			_, _, err = c.decoder.Decode(data, &gvk, nil)
			return err
		})}
	}
	var problems []checks.Problem
	for _, e := range strict.Errors() {
		problems = append(problems, strictProblem(o, e.Error()))
	}
	return obj, problems
}
