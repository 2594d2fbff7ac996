package kserve

import (
	"regexp"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// schemes are those that KServe's storage initializer knows
// (kserve/kserve pkg/apis/serving/v1beta1/component.go).
var schemes = []string{"gs://", "s3://", "pvc://", "file://", "https://", "http://", "hdfs://", "webhdfs://", "oci://", "hf://"}

var (
	nameRule = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	scheme   = regexp.MustCompile(`^\w+://`)
)

var refusedInferenceService = &checks.Check{
	ID:       "kserve/refused-inference-service",
	Severity: checks.Error,
	Doc: `InferenceService that KServe's webhook refuses

"admission webhook inferenceservice.kserve-webhook-server.validator denied the
request". Names begin with a letter and have no dots, minReplicas is not above
maxReplicas (0 is no limit) and neither is negative, storageUri begins with a
scheme that KServe knows, or that a ClusterStorageContainer of the render adds, and
a predictor has one model.

A storageUri without a scheme is a path in the image, and right.`,
	Fix:   "Give the field a value that KServe takes.",
	Refs:  []string{"https://github.com/kserve/kserve/blob/master/pkg/apis/serving/v1beta1/inference_service_validation.go", "https://github.com/kserve/kserve/blob/master/pkg/apis/serving/v1beta1/component.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		inferenceServices(pass.Render, func(o *inventory.Object, _ string) {
			if !nameRule.MatchString(o.Key.Name) {
				pass.Reportf(o.At("metadata", "name"), "KServe refuses %s: its name must begin with a letter and have lower-case letters, digits and hyphens only", o.Key)
			}
			for _, component := range []string{"predictor", "transformer", "explainer"} {
				replicas(pass, o, inventory.Path{"spec", component})
			}
			var given []string
			for _, name := range append([]string{"model"}, formats...) {
				if o.Map("spec", "predictor", name) != nil {
					given = append(given, name)
				}
			}
			if len(given) > 1 {
				pass.Reportf(o.At("spec", "predictor", given[1]), "KServe refuses %s: its predictor has %s, of which one is allowed", o.Key, strings.Join(given, " and "))
			}
			if m, ok := modelOf(o); ok && scheme.MatchString(m.storage) && !known(pass, m.storage) {
				pass.Reportf(o.At(m.at, "storageUri"), "KServe refuses %s: it does not know the scheme of the storageUri %s", o.Key, m.storage)
			}
		})
	},
}

func replicas(pass *checks.Pass, o *inventory.Object, at inventory.Path) {
	low, hasLow := o.Get(at.Join("minReplicas")).(int64)
	high, _ := o.Get(at.Join("maxReplicas")).(int64)
	switch {
	case hasLow && low < 0:
		pass.Reportf(o.At(at.Join("minReplicas")), "KServe refuses %s: minReplicas of its %s is %d", o.Key, at[1], low)
	case high < 0:
		pass.Reportf(o.At(at.Join("maxReplicas")), "KServe refuses %s: maxReplicas of its %s is %d", o.Key, at[1], high)
	case high != 0 && low > high:
		pass.Reportf(o.At(at.Join("minReplicas")), "KServe refuses %s: minReplicas %d of its %s is above maxReplicas, %d", o.Key, low, at[1], high)
	}
	if n, ok := o.Get(at.Join("containerConcurrency")).(int64); ok && n < 0 {
		pass.Reportf(o.At(at.Join("containerConcurrency")), "KServe refuses %s: containerConcurrency of its %s is %d", o.Key, at[1], n)
	}
}

func known(pass *checks.Pass, uri string) bool {
	for _, s := range schemes {
		if strings.HasPrefix(uri, s) {
			return true
		}
	}
	for o := range pass.Render.Of(inventory.GroupKind{Group: "serving.kserve.io", Kind: "ClusterStorageContainer"}) {
		for i := range o.List("spec", "supportedUriFormats") {
			if p := o.String("spec", "supportedUriFormats", i, "prefix"); p != "" && strings.HasPrefix(uri, p) {
				return true
			}
			if p := o.String("spec", "supportedUriFormats", i, "regex"); p != "" {
				if re, err := regexp.Compile(p); err != nil || re.MatchString(uri) {
					return true
				}
			}
		}
	}
	return false
}
