package training

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var jobNeverEnds = &checks.Check{
	ID:       "training/job-never-ends",
	Severity: checks.Error,
	Doc: `training job gets a sidecar that keeps it from ending

In a namespace with istio-injection, and every Profile's is one, Istio adds its
proxy to the pods of a training job. Training ends, the proxy does not, so the
pods stay Running and the job with them; before that, the processes often fail
to find each other through the proxy. Each role's pod template must carry
sidecar.istio.io/inject: "false", as a label or an annotation.

Where Istio runs its proxy as a native sidecar, Kubernetes ends it with the pod,
and nothing is said; so where no Istio is in the render. Trials are the matter of
katib/trial-never-ends.`,
	Fix:   "Put the label sidecar.istio.io/inject: \"false\" on the pod template of each role.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/trainer/legacy-v1/user-guides/tensorflow/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		kinds := kubeflow.TrainingKinds()
		found := false
		for range pass.Render.Of(kinds...) {
			found = true
			break
		}
		if !found {
			pass.NotApplicable()
			return
		}
		loads, _ := kubeflow.Loads(pass.Render, func(string) bool { return true })
		for _, l := range loads {
			if slices.Contains(kinds, l.Owner.Key.GroupKind) && l.HasSidecar() && !l.EndsSidecar() {
				pass.Reportf(l.At("metadata"), "the pods of %s get Istio's sidecar in namespace %s and never end", l.Name, l.Namespace)
			}
		}
	},
}
