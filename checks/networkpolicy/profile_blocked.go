package networkpolicy

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var profileBlocked = &checks.Check{
	ID:       "networkpolicy/profile-blocked",
	Severity: checks.Error,
	Doc: `policy keeps the pods of profiles from the platform

Notebooks, pipeline steps and trials run in the namespaces of profiles and call
the pipelines API, the metadata store, the object store and Katib's database
manager; the gateway, the pipelines UI and Knative call pods there. The profile
controller labels each such namespace app.kubernetes.io/part-of=kubeflow-profile
and with what its namespace-labels.yaml says: a policy that asks for another
label, or names other namespaces, closes the way.

The profiles are those of the render, or any if it renders none. A policy that
tells pods of profiles apart by their labels is undecided, as users start them.

Upstream's policies select kubeflow-profile although no rendered Namespace
carries that label: the profile controller sets it.`,
	Fix:   "Admit namespaces with the label app.kubernetes.io/part-of=kubeflow-profile in the policy that is named.",
	Refs:  []string{"kubeflow/manifests#2205", "kubeflow/katib#1803", "https://github.com/kubeflow/kubeflow/blob/master/components/profile-controller/controllers/profile_controller.go"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		if len(calls.ProfilePods(n)) == 0 {
			pass.NotApplicable()
			return
		}
		report(pass, n, slices.Concat(calls.FromProfiles(n), calls.IntoProfiles(n)))
	},
}
