package webhook

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var danglingCASource = &checks.Check{
	ID:       "webhook/dangling-ca-source",
	Severity: checks.Error,
	Doc: `annotation takes the CA from a Certificate that is not there

cert-manager's CA injector fills in the caBundle of a webhook from the Certificate
that ` + "`cert-manager.io/inject-ca-from`" + ` names, written namespace/name. Where it is
not there the bundle stays empty and every call fails: ` + "`x509: certificate signed by unknown authority`" + `,
or ` + "`unable to parse bytes as PEM block`" + ` where a placeholder stands in it. Namespace
transformers do not reach into the annotation: KServe's, moved to another
namespace, still names kserve/serving-cert.

` + "`inject-ca-from-secret`" + ` needs a Secret that carries ` + "`cert-manager.io/allow-direct-injection: \"true\"`" + `.
cert-manager's own webhook names a Secret that it makes itself: right. A source
in a namespace of which nothing is rendered is undecided.`,
	Fix: "Write the namespace and name of the Certificate whose Secret the webhook serves.",
	Refs: []string{
		"https://cert-manager.io/docs/concepts/ca-injector/",
		"kserve/kserve#3187",
		"kubeflow/manifests#2504",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		seen := map[*inventory.Object]bool{}
		found := false
		v.Of(certificates.GroupKind(), secretKind)
		var n *reach.Network
		for c := range calls(v) {
			if seen[c.Object] {
				continue
			}
			seen[c.Object] = true
			if value, ok := c.Annotations()[injectFrom]; ok {
				found = true
				fromCertificate(pass, c, value)
			}
			if value, ok := c.Annotations()[injectFromSecret]; ok {
				found = true
				if n == nil {
					n = reach.New(v, reach.Options{})
				}
				fromSecret(pass, n, c, value)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func fromCertificate(pass *checks.Pass, c *call, value string) {
	v := pass.Render
	place := annotationAt(c.Object, injectFrom)
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		pass.Reportf(place, "%s takes its CA from %q, which is not written namespace/name", c.Key, value)
		return
	}
	if v.Get(certificates.GroupKind(), namespace, name) != nil {
		return
	}
	var names []string
	var elsewhere *inventory.Object
	for o := range v.Of(certificates.GroupKind()) {
		if o.Key.Namespace == namespace {
			names = append(names, o.Key.Name)
		} else if o.Key.Name == name {
			elsewhere = o
		}
	}
	if elsewhere == nil && len(names) == 0 && v.Get(namespaceKind, "", namespace) == nil && namespace != c.service.Namespace {
		pass.Undecidedf(place, "%s takes its CA from Certificate %s, which is not rendered, and neither is its namespace", c.Key, value)
		return
	}
	f := pass.Reportf(place, "%s takes its CA from Certificate %s, which is not there%s: its calls fail for want of a CA", c.Key, value, near.Hint(name, sorted(names)))
	if elsewhere != nil {
		f.See(elsewhere.At("metadata", "namespace"), "the Certificate of that name is in namespace %s", elsewhere.Key.Namespace)
	}
}

func fromSecret(pass *checks.Pass, n *reach.Network, c *call, value string) {
	v := pass.Render
	place := annotationAt(c.Object, injectFromSecret)
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || namespace == "" || name == "" {
		pass.Reportf(place, "%s takes its CA from %q, which is not written namespace/name", c.Key, value)
		return
	}
	o := v.Get(secretKind, namespace, name)
	if o == nil {
		for _, pod := range n.PodsIn(namespace) {
			if speaksOf(pod, name) {
				return // it makes the Secret itself, as cert-manager's webhook does
			}
		}
		if has, known := pass.Cluster.HasSecret(namespace, name); has || !known {
			if !has {
				pass.Undecidedf(place, "%s takes its CA from Secret %s, which is not rendered", c.Key, value)
			}
			return
		}
		pass.Reportf(place, "%s takes its CA from Secret %s, which is not there", c.Key, value)
		return
	}
	allowed := o.Annotations()[allowInjection] == "true"
	at := annotationAt(o, allowInjection)
	if o.Made != nil {
		by, ok := certificates.As(v, o.Made.By)
		if !ok {
			return
		}
		allowed = by.Value.Spec.SecretTemplate.Annotations[allowInjection] == "true"
		at = by.At("spec", "secretTemplate", "annotations", allowInjection)
	}
	if !allowed {
		pass.Reportf(place, "%s takes its CA from Secret %s, which does not carry the annotation %s: the injector leaves it alone", c.Key, value, allowInjection).
			See(at, "where the annotation belongs")
	}
}
