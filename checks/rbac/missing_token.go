package rbac

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var missingToken = &checks.Check{
	ID:       "rbac/missing-token",
	Severity: checks.Error,
	Doc: `controller talks to the API server and gets no token

automountServiceAccountToken is false on the pod or on its ServiceAccount, and
the program in it cannot work without: it ends with "unable to load in-cluster
configuration" or "no such file or directory" on the token's path. Switching it
off is good practice for pods that never talk to the API server, and a sweep over
a whole platform takes it from those that do.

The pod's word counts before the account's. A container that mounts a token of
its own (a projected volume on the usual path) or is given a kubeconfig is right.
Only programs whose work is known are looked at.`,
	Fix:   "Set automountServiceAccountToken to true on the pod, or drop the field.",
	Refs:  []string{"https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		for pod := range kubeflow.Pods(pass.Render) {
			if !rendered(pod.Owner) {
				continue
			}
			for place, c := range pod.Containers() {
				controller, tag, ok := kubeflow.ControllerOf(c)
				if !ok || len(activeNeeds(pass, controller, tag, pod, c)) == 0 {
					continue
				}
				found = true
				at, off := automountOff(pass, pod)
				if off && !ownCredentials(c) {
					pass.Reportf(at, "%s gets no token: the %s in it cannot talk to the API server", pod.Owner.Key, controller.Name).
						See(place.At("name"), "container %s is the %s", c.Name, controller.Name)
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

// automountOff reports whether no token is mounted, and where that is said.
func automountOff(pass *checks.Pass, pod *kubeflow.Pod) (inventory.Place, bool) {
	if mount := pod.Spec.AutomountServiceAccountToken; mount != nil {
		return pod.At("spec", "automountServiceAccountToken"), !*mount
	}
	account, ok := serviceAccounts.Get(pass.Render, pod.Namespace, pod.ServiceAccount())
	if !ok || account.Value.AutomountServiceAccountToken == nil {
		return inventory.Place{}, false
	}
	return account.At("automountServiceAccountToken"), !*account.Value.AutomountServiceAccountToken
}

// ownCredentials reports whether a container brings its own way in.
func ownCredentials(c *corev1.Container) bool {
	for _, mount := range c.VolumeMounts {
		if mount.MountPath == "/var/run/secrets/kubernetes.io/serviceaccount" || mount.MountPath == "/var/run/secrets/kubernetes.io/serviceaccount/" {
			return true
		}
	}
	for _, e := range c.Env {
		if e.Name == "KUBECONFIG" {
			return true
		}
	}
	return hasArgument(c, "kubeconfig")
}
