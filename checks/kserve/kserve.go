// Package kserve checks KServe's configuration and what InferenceServices ask
// for: runtimes, storage and replicas.
package kserve

import (
	"encoding/json"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	invalidConfiguration,
	danglingGateway,
	modeWithoutKnative,
	unknownRuntime,
	unsupportedModel,
	refusedInferenceService,
	unreachableStorage,
}

var (
	configMapKind = inventory.GroupKind{Kind: "ConfigMap"}
	crdKind       = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	serviceKind   = inventory.GroupKind{Group: "serving.kserve.io", Kind: "InferenceService"}
)

// configuration finds KServe's ConfigMap, which stands in the namespace of its
// controller.
func configuration(v *inventory.View) *inventory.Object {
	for o := range v.Of(configMapKind) {
		if o.Key.Name == "inferenceservice-config" {
			return o
		}
	}
	return nil
}

// ingress is the key of that name.
type ingress struct {
	EnableGatewayAPI           bool     `json:"enableGatewayApi"`
	KserveIngressGateway       string   `json:"kserveIngressGateway"`
	IngressGateway             string   `json:"ingressGateway"`
	KnativeLocalGatewayService string   `json:"knativeLocalGatewayService"`
	LocalGateway               string   `json:"localGateway"`
	LocalGatewayService        string   `json:"localGatewayService"`
	IngressDomain              string   `json:"ingressDomain"`
	IngressClassName           *string  `json:"ingressClassName"`
	AdditionalIngressDomains   []string `json:"additionalIngressDomains"`
	DomainTemplate             string   `json:"domainTemplate"`
	URLScheme                  string   `json:"urlScheme"`
	DisableIstioVirtualHost    bool     `json:"disableIstioVirtualHost"`
	PathTemplate               string   `json:"pathTemplate"`
	DisableIngressCreation     bool     `json:"disableIngressCreation"`
}

// read reads a key of the configuration; false where it is absent or does not
// parse.
func read(o *inventory.Object, key string, into any) bool {
	return o.String("data", key) != "" && json.Unmarshal([]byte(o.String("data", key)), into) == nil
}

// defaultMode is how InferenceServices are deployed that do not say it.
func defaultMode(o *inventory.Object) string {
	deploy := struct {
		DefaultDeploymentMode string `json:"defaultDeploymentMode"`
	}{}
	if o == nil || !read(o, "deploy", &deploy) || deploy.DefaultDeploymentMode == "" {
		return "Serverless"
	}
	return deploy.DefaultDeploymentMode
}

// serverless reports whether a mode needs Knative. KServe 0.16 renamed the
// modes and takes the former names.
func serverless(mode string) bool { return mode == "Serverless" || mode == "Knative" }

// inferenceServices yields them with the mode of each.
func inferenceServices(v *inventory.View, use func(o *inventory.Object, mode string)) {
	mode := defaultMode(configuration(v))
	for o := range v.Of(serviceKind) {
		own := mode
		if text := o.Annotations()["serving.kserve.io/deploymentMode"]; text != "" {
			own = text
		}
		use(o, own)
	}
}

// A Model is what a predictor serves.
type model struct {
	at       inventory.Path // of the part that says so
	format   string
	formatAt inventory.Path
	version  string
	protocol string
	runtime  string
	storage  string
}

// formats are the predictors that name their format, as before model existed.
var formats = []string{"sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle"}

// modelOf reads the model of an InferenceService.
func modelOf(o *inventory.Object) (model, bool) {
	base := inventory.Path{"spec", "predictor", "model"}
	if o.Map(base) != nil {
		return model{
			at: base, format: o.String(base.Join("modelFormat", "name")), formatAt: base.Join("modelFormat", "name"),
			version:  o.String(base.Join("modelFormat", "version")),
			protocol: o.String(base.Join("protocolVersion")), runtime: o.String(base.Join("runtime")), storage: o.String(base.Join("storageUri")),
		}, true
	}
	for _, name := range formats {
		base := inventory.Path{"spec", "predictor", name}
		if o.Map(base) != nil {
			return model{
				at: base, format: name, formatAt: base,
				protocol: o.String(base.Join("protocolVersion")), storage: o.String(base.Join("storageUri")),
			}, true
		}
	}
	return model{}, false
}

// A Runtime is a ServingRuntime or ClusterServingRuntime.
type runtime struct {
	*inventory.Object
	formats   []supported
	protocols []string
	disabled  bool
	multi     bool
}

// supported is a format that a runtime serves.
type supported struct {
	name, version string
	auto          bool
}

func runtimes(v *inventory.View, namespace string) []runtime {
	var all []runtime
	for _, kind := range []string{"ServingRuntime", "ClusterServingRuntime"} {
		for o := range v.Of(inventory.GroupKind{Group: "serving.kserve.io", Kind: kind}) {
			if kind == "ServingRuntime" && o.Key.Namespace != namespace {
				continue
			}
			r := runtime{Object: o, disabled: o.Get("spec", "disabled") == true, multi: o.Get("spec", "multiModel") == true}
			for i := range o.List("spec", "supportedModelFormats") {
				r.formats = append(r.formats, supported{
					o.String("spec", "supportedModelFormats", i, "name"), o.String("spec", "supportedModelFormats", i, "version"),
					o.Get("spec", "supportedModelFormats", i, "autoSelect") == true,
				})
			}
			for _, p := range o.List("spec", "protocolVersions") {
				if s, ok := p.(string); ok {
					r.protocols = append(r.protocols, s)
				}
			}
			all = append(all, r)
		}
	}
	return all
}

// serves reports whether a runtime takes a model, by name or when it is chosen.
func (r runtime) serves(m model, chosen bool) bool {
	for _, f := range r.formats {
		if f.name == m.format && (m.version == "" || m.version == f.version) && (f.auto || !chosen) {
			return true
		}
	}
	return false
}

func (r runtime) speaks(protocol string) bool {
	if protocol == "" || len(r.protocols) == 0 {
		return true
	}
	for _, p := range r.protocols {
		if strings.EqualFold(p, protocol) {
			return true
		}
	}
	return false
}
