package kserve

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

// resources are those of the parts that KServe adds to pods.
type resources struct {
	Image           string `json:"image"`
	MemoryRequest   string `json:"memoryRequest"`
	MemoryLimit     string `json:"memoryLimit"`
	CPURequest      string `json:"cpuRequest"`
	CPULimit        string `json:"cpuLimit"`
	CPUModelcar     string `json:"cpuModelcar"`
	MemoryModelcar  string `json:"memoryModelcar"`
	EnableModelcar  bool   `json:"enableModelcar"`
	EnableDirectPVC bool   `json:"enableDirectPvcVolumeMount"`
}

var invalidConfiguration = &checks.Check{
	ID:       "kserve/invalid-configuration",
	Severity: checks.Error,
	Doc: `KServe's configuration does not parse or says what KServe refuses

InferenceServices never become ready, and their pods are refused with "unable to
parse" or the like: each key of inferenceservice-config is a JSON document of its
own, read strictly, so that a comma too much, a comment or a number where a text
belongs breaks all that the key is for. Then ingress needs ingressGateway,
deploy a mode that KServe knows, domainTemplate must be a template, and the
resources of the storage initializer, agent, logger, batcher and router must be
quantities.

Keys that begin with an underscore are examples. Fields that KServe does not know
are ignored by it and by the check, but for those of ingress and deploy that are
spelled nearly as one that it knows: a warning.`,
	Fix:   "Correct the JSON of the key.",
	Refs:  []string{"https://kserve.github.io/website/docs/admin-guide/configurations", "https://github.com/kserve/kserve/blob/master/pkg/apis/serving/v1beta1/configmap.go", "awslabs/kubeflow-manifests#266"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		o := configuration(pass.Render)
		if o == nil {
			pass.NotApplicable()
			return
		}
		for key := range o.Map("data") {
			text := o.String("data", key)
			if strings.HasPrefix(key, "_") {
				continue
			}
			at := o.At("data", key)
			var into any = &map[string]any{}
			switch key {
			case "ingress":
				into = &ingress{}
			case "deploy":
				into = &struct {
					Mode string `json:"defaultDeploymentMode"`
				}{}
			case "storageInitializer", "agent", "logger", "batcher", "router":
				into = &resources{}
			case "localModel", "security", "credentials", "explainers", "inferenceService", "metricsAggregator", "opentelemetryCollector", "service", "resource", "autoscaler", "multiNode":
			default:
				continue // not KServe's
			}
			if err := json.Unmarshal([]byte(text), into); err != nil {
				pass.Reportf(at.AtLine(lineOf(text, err)), "key %s of %s does not parse as KServe reads it: %v", key, o.Key, err)
				continue
			}
			doc, err := at.Document()
			if err != nil {
				continue
			}
			switch value := into.(type) {
			case *ingress:
				gatewayConfig(pass, o, doc, value)
			case *resources:
				quantities(pass, o, doc, key, value)
			}
			if key == "deploy" {
				mode(pass, o, doc)
			}
		}
	},
}

// lineOf is the line of a JSON text on which it stops parsing.
func lineOf(text string, err error) int {
	offset := int64(len(text))
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	offset = max(0, min(offset-1, int64(len(text))))
	return strings.Count(text[:offset], "\n") + 1
}

func gatewayConfig(pass *checks.Pass, o *inventory.Object, doc *inventory.Document, c *ingress) {
	if c.IngressGateway == "" {
		pass.Reportf(doc.At("ingressGateway"), "KServe refuses ingress of %s: ingressGateway is required", o.Key)
	}
	if c.EnableGatewayAPI && strings.Count(c.KserveIngressGateway, "/") != 1 {
		pass.Reportf(doc.At("kserveIngressGateway"), "KServe refuses ingress of %s: with enableGatewayApi, kserveIngressGateway must be namespace/name, not %q", o.Key, c.KserveIngressGateway)
	}
	for field, text := range map[string]string{"domainTemplate": c.DomainTemplate, "pathTemplate": c.PathTemplate} {
		if text == "" {
			continue
		}
		t, err := template.New(field).Parse(text)
		if err == nil {
			err = t.Execute(&strings.Builder{}, struct {
				Name, Namespace, IngressDomain string
				Annotations, Labels            map[string]string
			}{Name: "n", Namespace: "n", IngressDomain: "d"})
		}
		if err != nil {
			pass.Reportf(doc.At(field), "KServe refuses %s of %s: %v", field, o.Key, err)
		}
	}
	if c.PathTemplate != "" && c.IngressDomain == "" {
		pass.Reportf(doc.At("pathTemplate"), "KServe refuses ingress of %s: pathTemplate needs ingressDomain", o.Key)
	}
	if c.URLScheme != "" && c.URLScheme != "http" && c.URLScheme != "https" {
		pass.Reportf(doc.At("urlScheme"), "urlScheme of %s is %q, neither http nor https", o.Key, c.URLScheme).As(checks.Warning)
	}
	known := []string{"enableGatewayApi", "kserveIngressGateway", "ingressGateway", "knativeLocalGatewayService", "localGateway", "localGatewayService", "ingressDomain", "ingressClassName", "additionalIngressDomains", "domainTemplate", "urlScheme", "disableIstioVirtualHost", "pathTemplate", "disableIngressCreation", "ingressService", "disableHTTPRouteTimeout"}
	misspelled(pass, o, doc, "ingress", known)
}

func misspelled(pass *checks.Pass, o *inventory.Object, doc *inventory.Document, key string, known []string) {
	content, err := doc.Content()
	if err != nil {
		return
	}
	fields, _ := content.(map[string]any)
next:
	for name := range fields {
		for _, k := range known {
			if strings.EqualFold(k, name) { // encoding/json does not tell them apart
				continue next
			}
		}
		if hint := near.Hint(name, known); hint != "" {
			pass.Reportf(doc.At(name), "%s of %s has %s, which KServe does not know%s", key, o.Key, name, hint).As(checks.Warning)
		}
	}
}

func mode(pass *checks.Pass, o *inventory.Object, doc *inventory.Document) {
	var deploy struct {
		Mode string `json:"defaultDeploymentMode"`
	}
	if !read(o, "deploy", &deploy) {
		return
	}
	known := []string{"Serverless", "RawDeployment", "ModelMesh", "Knative", "Standard"}
	for _, k := range known {
		if k == deploy.Mode {
			return
		}
	}
	pass.Reportf(doc.At("defaultDeploymentMode"), "KServe refuses deploy of %s: there is no deployment mode %q%s", o.Key, deploy.Mode, near.Hint(deploy.Mode, known[:3]))
	misspelled(pass, o, doc, "deploy", []string{"defaultDeploymentMode", "deploymentRolloutStrategy"})
}

func quantities(pass *checks.Pass, o *inventory.Object, doc *inventory.Document, key string, r *resources) {
	parsed := map[string]resource.Quantity{}
	for _, q := range []struct{ field, text string }{
		{"memoryRequest", r.MemoryRequest}, {"memoryLimit", r.MemoryLimit}, {"cpuRequest", r.CPURequest}, {"cpuLimit", r.CPULimit},
		{"cpuModelcar", r.CPUModelcar}, {"memoryModelcar", r.MemoryModelcar},
	} {
		if q.text == "" {
			continue
		}
		value, err := resource.ParseQuantity(q.text)
		if err != nil {
			pass.Reportf(doc.At(q.field), "%s of %s in %s is no quantity: %q", q.field, key, o.Key, q.text)
			continue
		}
		parsed[q.field] = value
	}
	for _, name := range []string{"memory", "cpu"} {
		request, hasRequest := parsed[name+"Request"]
		limit, hasLimit := parsed[name+"Limit"]
		if hasRequest && hasLimit && request.Cmp(limit) > 0 {
			pass.Reportf(doc.At(name+"Request"), "%s of %s in %s is above its limit, %s: pods with it are refused", name+"Request", key, o.Key, fmt.Sprint(limit.String()))
		}
	}
	if r.Image == "" {
		pass.Reportf(doc.At("image"), "%s of %s names no image", key, o.Key)
	}
}
