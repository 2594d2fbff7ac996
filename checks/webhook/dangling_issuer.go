package webhook

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var danglingIssuer = &checks.Check{
	ID:       "webhook/dangling-issuer",
	Severity: checks.Error,
	Doc: `certificate is asked of an issuer that is not there

cert-manager leaves the Certificate pending (` + "`Referenced \"Issuer\" not found`" + `), its
Secret is never made, and pods that mount it stay in ContainerCreating. An Issuer
counts only in the Certificate's own namespace; one for all namespaces is a
ClusterIssuer, and says so in issuerRef.kind, which is Issuer where it is left out.
An issuer that signs with a CA needs the Secret of that CA.

Issuers of other groups than cert-manager.io are left out. A ClusterIssuer that
is not rendered may have been made before: that is undecided, unless the render
has one with nearly that name, or an Issuer of that name.`,
	Fix: "Render the issuer, or name the one that is there along with its kind.",
	Refs: []string{
		"https://cert-manager.io/docs/concepts/issuer/",
		"https://cert-manager.io/docs/troubleshooting/",
		"kubeflow/manifests#1571",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for cert := range certificates.In(v) {
			ref := cert.Value.Spec.IssuerRef
			if ref.Name == "" || ref.Group != "" && ref.Group != "cert-manager.io" {
				continue
			}
			found = true
			if o := issuerOf(v, cert); o != nil {
				continue
			}
			place := cert.At("spec", "issuerRef", "name")
			var names []string
			var sameName, sameNameElsewhere *inventory.Object
			for o := range v.Of(issuerKind, clusterIssuerKind) {
				switch {
				case o.Key.Kind == ref.kind() && (o.Key.Namespace == cert.Key.Namespace || o.Key.Namespace == ""):
					names = append(names, o.Key.Name)
				case o.Key.Name == ref.Name && o.Key.Kind != ref.kind():
					sameName = o
				case o.Key.Name == ref.Name:
					sameNameElsewhere = o
				}
			}
			hint := near.Hint(ref.Name, sorted(names))
			switch {
			case ref.kind() != "Issuer" && ref.kind() != "ClusterIssuer":
				pass.Reportf(cert.At("spec", "issuerRef", "kind"), "%s is asked of a %s, which is no kind of cert-manager's", cert.Key, ref.Kind)
			case sameName != nil:
				pass.Reportf(cert.At("spec", "issuerRef", "kind"), "%s is asked of %s %s, but %s is a %s", cert.Key, ref.kind(), ref.Name, ref.Name, sameName.Key.Kind).
					See(sameName.At("kind"), "the issuer of that name")
			case sameNameElsewhere != nil:
				pass.Reportf(place, "%s is asked of Issuer %s, which is in namespace %s: it serves only its own", cert.Key, ref.Name, sameNameElsewhere.Key.Namespace).
					See(sameNameElsewhere.At("metadata", "namespace"), "the issuer of that name")
			case hint != "" || ref.kind() == "Issuer" && v.Get(namespaceKind, "", cert.Key.Namespace) != nil:
				pass.Reportf(place, "%s is asked of %s %s, which is not there%s", cert.Key, ref.kind(), ref.Name, hint)
			default:
				pass.Undecidedf(place, "%s is asked of %s %s, which is not rendered", cert.Key, ref.kind(), ref.Name)
			}
		}
		for o := range v.Of(issuerKind) {
			name := o.String("spec", "ca", "secretName")
			if name == "" {
				continue
			}
			found = true
			if v.Get(secretKind, o.Key.Namespace, name) != nil {
				continue
			}
			if has, known := pass.Cluster.HasSecret(o.Key.Namespace, name); has {
				continue
			} else if known {
				pass.Reportf(o.At("spec", "ca", "secretName"), "%s signs with Secret %s/%s, which is not there", o.Key, o.Key.Namespace, name)
				continue
			}
			var names []string
			for s := range v.LiveOf(secretKind) {
				if s.Key.Namespace == o.Key.Namespace {
					names = append(names, s.Key.Name)
				}
			}
			if hint := near.Hint(name, sorted(names)); hint != "" {
				pass.Reportf(o.At("spec", "ca", "secretName"), "%s signs with Secret %s/%s, which is not there%s", o.Key, o.Key.Namespace, name, hint)
			} else {
				pass.Undecidedf(o.At("spec", "ca", "secretName"), "%s signs with Secret %s/%s, which is not rendered", o.Key, o.Key.Namespace, name)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

var (
	issuerKind        = inventory.GroupKind{Group: "cert-manager.io", Kind: "Issuer"}
	clusterIssuerKind = inventory.GroupKind{Group: "cert-manager.io", Kind: "ClusterIssuer"}
)

// issuerOf finds a Certificate's issuer, nil where it is not rendered.
func issuerOf(v *inventory.View, cert inventory.Typed[certificate]) *inventory.Object {
	ref := cert.Value.Spec.IssuerRef
	switch ref.kind() {
	case "Issuer":
		return v.Get(issuerKind, cert.Key.Namespace, ref.Name)
	case "ClusterIssuer":
		return v.Get(clusterIssuerKind, "", ref.Name)
	}
	return nil
}
