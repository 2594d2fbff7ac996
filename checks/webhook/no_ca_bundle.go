package webhook

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var noCABundle = &checks.Check{
	ID:       "webhook/no-ca-bundle",
	Severity: checks.Error,
	Doc: `nothing gives the webhook a CA to trust

The API server verifies the certificate of what it calls. Without a caBundle it
trusts the public authorities alone, which sign no name of a Service, and every
call fails: ` + "`x509: certificate signed by unknown authority`" + `. Either the bundle is
written out, an annotation has cert-manager fill it in, or the component does it
when it starts.

Knative, Istio, cert-manager, the spark-operator, the training operator and the
trainer fill it in themselves and ship an empty one: right. So does Katib where
its certGenerator is on. Of a component that is not known, it is undecided where
its pods, or a Job in their namespace, may write such configurations.`,
	Fix: "Annotate the configuration with cert-manager.io/inject-ca-from: <namespace>/<certificate>, or write the caBundle out.",
	Refs: []string{
		"https://cert-manager.io/docs/concepts/ca-injector/",
		"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers",
		"canonical/bundle-kubeflow#587",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		n := reach.New(v, reach.Options{})
		reported := map[*inventory.Object]bool{}
		each(pass, func(c *call) {
			if c.insecure || c.trusted() || injected(c.Object) || reported[c.Object] {
				return
			}
			if c.Key.Kind == "APIService" && c.bundle == "" && c.service == nil {
				return // served by the API server itself
			}
			pods := podsBehind(n, c)
			if len(pods) == 0 {
				return // webhook/no-pod-behind, or a component that is not rendered
			}
			itself, known := kubeflow.TrustsItself(imagesOf(pods))
			if itself || generates(v, c.service.Namespace) {
				return
			}
			reported[c.Object] = true
			place := c.client.At("caBundle")
			if !known && writes(pass, n, c, pods) {
				pass.Undecidedf(place, "%s has no CA to trust, unless %s writes it", c.Key, pods[0].Name)
				return
			}
			pass.Reportf(place, "%s has no CA to trust: the certificate that %s shows is refused, and %s", c.Key, pods[0].Name, c.effect).
				See(pods[0].Pod.At("spec"), "what is called")
		})
	},
}

// generates reports whether Katib's own generator of certificates is on.
func generates(v *inventory.View, namespace string) bool {
	o := v.Get(inventory.GroupKind{Kind: "ConfigMap"}, namespace, "katib-config")
	if o == nil {
		return false
	}
	doc, err := o.At("data", "katib-config.yaml").Document()
	if err != nil {
		return false
	}
	var config struct {
		Init struct {
			CertGenerator struct {
				Enable bool `yaml:"enable"`
			} `yaml:"certGenerator"`
		} `yaml:"init"`
	}
	return doc.Decode(&config) == nil && config.Init.CertGenerator.Enable
}

// writes reports whether the pods behind a Service, or a job beside them, may
// write the object that holds the caBundle.
func writes(pass *checks.Pass, n *reach.Network, c *call, behind []*reach.Peer) bool {
	policy := access.Of(pass.Render.Inventory().View(), pass.Target.Kubernetes)
	resource := map[string]string{
		"MutatingWebhookConfiguration": "mutatingwebhookconfigurations", "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
		"CustomResourceDefinition": "customresourcedefinitions", "APIService": "apiservices",
	}[c.Key.Kind]
	for _, pod := range n.PodsIn(c.service.Namespace) {
		if kind := pod.Pod.Owner.Key.Kind; kind != "Job" && kind != "CronJob" && !slices.Contains(behind, pod) {
			continue
		}
		subject := access.ServiceAccount(pod.Namespace, pod.Pod.ServiceAccount())
		for _, verb := range []string{"update", "patch"} {
			if _, ok := policy.Allowed(subject, access.Attributes{Verb: verb, Group: c.Key.Group, Resource: resource, Name: c.Key.Name}); ok {
				return true
			}
		}
	}
	return false
}
