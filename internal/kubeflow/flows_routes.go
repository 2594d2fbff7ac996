package kubeflow

// UnusedRoute tells of a route through the gateway that upstream configures
// and that nothing of the platform takes, so that closing it breaks nothing;
// it says what it does do.
//
// The dashboard calls the access management API (kfam) inside the cluster, and
// kubeflow/manifests' policies have let no gateway in since they exist.
func UnusedRoute(virtualService, service string) (effect string, unused bool) {
	if virtualService == "profiles-kfam" && service == "profiles-kfam" {
		return "requests for /kfam/ from outside get 503; the dashboard does not take this route", true
	}
	return "", false
}
