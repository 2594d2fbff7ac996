package kserve

import (
	"fmt"
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var unsupportedModel = &checks.Check{
	ID:       "kserve/unsupported-model",
	Severity: checks.Error,
	Doc: `no runtime serves the format of a model

The InferenceService never becomes ready: "NoSupportingRuntime", or "specified
runtime does not support specified framework/version". The runtime that is named
must have the model's format in supportedModelFormats, with the version if one is
given; where none is named, one must have it with autoSelect, and speak the
protocolVersion if one is given. Formats are compared to the letter: SKLearn is
not sklearn.

Where the render has no runtimes the answer is unknown-runtime's or undecided.`,
	Fix:   "Write a format and version that a runtime serves, or add a runtime for it.",
	Refs:  []string{"https://kserve.github.io/website/docs/concepts/resources/servingruntime", "https://github.com/kserve/kserve/blob/master/pkg/apis/serving/v1beta1/predictor_model.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		inferenceServices(pass.Render, func(o *inventory.Object, mode string) {
			m, ok := modelOf(o)
			if !ok || m.format == "" || mode == "ModelMesh" {
				return
			}
			all := runtimes(pass.Render, o.Key.Namespace)
			if len(all) == 0 {
				if m.runtime == "" {
					pass.Undecidedf(o.At(m.formatAt), "%s serves the format %s: the render has no runtimes", o.Key, m.format)
				}
				return
			}
			var names, versions, protocols []string
			for _, r := range all {
				if m.runtime != "" && r.Key.Name != m.runtime || r.disabled || r.multi {
					continue
				}
				if r.serves(m, m.runtime == "") && r.speaks(m.protocol) {
					return
				}
				for _, f := range r.formats {
					if f.auto || m.runtime != "" {
						names = append(names, f.name)
						if f.name == m.format {
							versions = append(versions, f.version)
						}
					}
				}
				if r.serves(m, m.runtime == "") {
					protocols = append(protocols, r.protocols...)
				}
			}
			if m.runtime != "" && !slices.ContainsFunc(all, func(r runtime) bool { return r.Key.Name == m.runtime && !r.disabled }) {
				return // unknown-runtime's
			}
			who := "no runtime serves it"
			if m.runtime != "" {
				who = "the runtime " + m.runtime + " does not serve it"
			}
			slices.Sort(names)
			switch {
			case len(protocols) > 0:
				slices.Sort(protocols)
				pass.Reportf(o.At(m.at, "protocolVersion"), "%s asks for protocol %s for the format %s, but its runtimes speak %v", o.Key, m.protocol, m.format, slices.Compact(protocols))
			case len(versions) > 0 && m.version != "":
				slices.Sort(versions)
				pass.Reportf(o.At(m.at, "modelFormat", "version"), "%s has the format %s of version %s, but %s: there is %v", o.Key, m.format, m.version, who, fmt.Sprint(slices.Compact(versions)))
			default:
				pass.Reportf(o.At(m.formatAt), "%s has the format %s, but %s%s", o.Key, m.format, who, near.Hint(m.format, slices.Compact(names)))
			}
		})
	},
}
