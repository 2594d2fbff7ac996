package istio

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// injectorHooks reads the webhooks of the sidecar injectors.
type injectorHooks struct {
	Webhooks []struct {
		Name              string                `json:"name"`
		NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
		ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
	} `json:"webhooks"`
}

var injectors = inventory.Kind[injectorHooks]{Group: "admissionregistration.k8s.io", Name: "MutatingWebhookConfiguration"}

var unknownRevision = &checks.Check{
	ID:       "istio/unknown-revision",
	Severity: checks.Error,
	Doc: `namespace asks for injection that no injector gives

Its pods start without a sidecar, and nobody says so: they have no identity, so
that policies refuse their calls, and DestinationRules with mutual TLS fail. The
label istio.io/rev must name a revision whose injector is installed, and
istio-injection must be enabled, to the letter; where both are set
istio-injection wins and the revision is not looked at.

The injectors' own selectors decide, as the render has them. Without an injector
in the render the check has nothing to say.`,
	Fix:   "Name a revision that is installed, or set istio-injection: enabled.",
	Refs:  []string{"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/", "https://istio.io/latest/docs/setup/upgrade/canary/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		type hook struct{ namespace, object *metav1.LabelSelector }
		var hooks []hook
		var revisions []string
		for o := range injectors.In(pass.Render) {
			for _, w := range o.Value.Webhooks {
				switch w.Name {
				case "namespace.sidecar-injector.istio.io", "rev.namespace.sidecar-injector.istio.io", "sidecar-injector.istio.io":
					hooks = append(hooks, hook{w.NamespaceSelector, w.ObjectSelector})
				}
				if rev := o.Labels()["istio.io/rev"]; rev != "" {
					revisions = append(revisions, rev)
				}
			}
		}
		if len(hooks) == 0 {
			pass.NotApplicable()
			return
		}
		for o := range pass.Render.Of(inventory.GroupKind{Kind: "Namespace"}) {
			set := o.Labels()
			injection, hasInjection := set["istio-injection"]
			rev, hasRev := set["istio.io/rev"]
			if !hasInjection && !hasRev || injection == "disabled" {
				continue
			}
			taken := false
			for _, h := range hooks {
				ns, _ := reach.Match(orAll(h.namespace), reach.Labels{Set: set})
				object, _ := reach.Match(orAll(h.object), reach.Labels{})
				taken = taken || ns && object
			}
			switch {
			case hasInjection && injection != "enabled":
				pass.Reportf(o.At("metadata", "labels", "istio-injection"), "%s has istio-injection: %s, which is neither enabled nor disabled: its pods get no sidecar", o.Key, injection)
			case taken && hasInjection && hasRev && !slices.Contains(revisions, rev):
				pass.Reportf(o.At("metadata", "labels", "istio.io/rev"), "%s has both istio-injection and istio.io/rev: %s: the revision is not looked at", o.Key, rev).As(checks.Warning)
			case taken:
			case hasRev:
				pass.Reportf(o.At("metadata", "labels", "istio.io/rev"), "%s asks for the revision %s, for which there is no injector%s: its pods get no sidecar", o.Key, rev, near.Hint(rev, revisions))
			default:
				pass.Reportf(o.At("metadata", "labels", "istio-injection"), "%s has istio-injection: enabled, but the injector's selectors leave it out", o.Key)
			}
		}
	},
}

// orAll is a selector, or one for everything where there is none.
func orAll(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return &metav1.LabelSelector{}
	}
	return s
}
