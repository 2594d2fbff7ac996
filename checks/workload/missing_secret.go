package workload

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

var missingSecret = &checks.Check{
	ID:       "workload/missing-secret",
	Severity: checks.Error,
	Doc: `pod takes a Secret that nobody makes

A pod that mounts a Secret which is not there stays in ContainerCreating
(` + "`secret \"x\" not found`" + `); one that takes a variable from it stays in
CreateContainerConfigError. A Secret is found only in the pod's own namespace, and
under its whole name, a generator's hash included.

Optional references are left out, and Secrets that something makes at run time:
those of cert-manager's Certificates, of SealedSecrets, ExternalSecrets and the
like, and what the pipelines make in a Profile's namespace.

People also make Secrets by hand, to keep them out of their manifests. It is an
error where the cluster facts list the Secrets and this one is not among them, or
where the render has it with a hash, under nearly that name or in another
namespace; a name that is merely like it makes it a warning, and where there is nothing alike it is undecided.`,
	Fix: "Render the Secret, or what makes it, in the pod's namespace, or list it under secrets in the cluster facts.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
		"kubeflow/pipelines#4505",
		"kubeflow/pipelines#4695",
		"kubeflow/manifests#2165",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		checked := false
		type asked struct {
			owner *inventory.Object
			name  string
		}
		unknown := map[asked]bool{}
		for ref := range refs.All(pass.Render) {
			if ref.Kind != refs.Secret || ref.Optional {
				continue
			}
			checked = true
			search := lookFor(pass.Render, ref)
			if search.exists {
				continue
			}
			has, known := pass.Cluster.HasSecret(ref.Pod.Namespace, ref.Name)
			switch {
			case has:
			case known || search.hashed != nil:
				search.see(pass.Reportf(ref.Place, "%s %s, which nobody makes%s", ref.What, ref, search.hint))
			case search.hint != "" || search.elsewhere != nil:
				f := pass.Reportf(ref.Place, "%s %s, which is not rendered%s", ref.What, ref, search.hint)
				if !search.slip && search.elsewhere == nil {
					f.As(checks.Warning)
				}
				search.see(f)
			case !unknown[asked{ref.Pod.Owner, ref.Name}]:
				// Once per object: the missing fact is the same for all of its
				// containers.
				unknown[asked{ref.Pod.Owner, ref.Name}] = true
				pass.Undecidedf(ref.Place, "%s %s, which is not rendered: it must be there before the pod starts", ref.What, ref)
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}
