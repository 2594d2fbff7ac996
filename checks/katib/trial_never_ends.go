package katib

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var trialNeverEnds = &checks.Check{
	ID:       "katib/trial-never-ends",
	Severity: checks.Error,
	Doc: `trial gets a sidecar that keeps it from ending

In a namespace with istio-injection, and every Profile's is one, Istio adds its
proxy to the pods of a trial. The training ends, the proxy does not, and so
neither does the pod: the trial stays Running until the Experiment's time is up.
The pod template of the trial must carry sidecar.istio.io/inject: "false", as a
label or an annotation.

Where Istio runs its proxy as a native sidecar (ENABLE_NATIVE_SIDECARS), Kubernetes
ends it with the pod, and nothing is said; so where no Istio is in the render.`,
	Fix:   "Put the label sidecar.istio.io/inject: \"false\" on the trial's pod template.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/katib/user-guides/hp-tuning/configure-experiment/", "kubeflow/katib#1501"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		trials, _ := kubeflow.Trials(pass.Render, func(string) bool { return true })
		if len(trials) == 0 {
			pass.NotApplicable()
			return
		}
		for _, trial := range trials {
			for _, load := range trial.Loads {
				if load.HasSidecar() && !native(load) {
					pass.Reportf(load.At("metadata"), "the pods of the trials of %s get Istio's sidecar in namespace %s and never end", trial.Experiment.Key, load.Namespace)
				}
			}
		}
	},
}

// native reports whether the proxy is an init container that Kubernetes ends
// with the pod.
func native(load *kubeflow.Load) bool {
	for _, c := range load.Full.InitContainers {
		if c.Name == "istio-proxy" && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			return true
		}
	}
	return false
}
