// Package calls derives from a render who calls whom: the API server its
// webhooks, gateways the Services they route to, workloads the addresses they
// are configured with. Nothing of it is listed: the few calls that images make
// without any configuration come from package kubeflow, as data.
//
// Only calls to Services that the render holds are derived. Whether a Service
// that is named exists is another question.
package calls

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// A Call is a connection that the platform needs.
type Call struct {
	From *reach.Peer
	To   reach.Backend
	// Service is what is called, as messages say it: "Service kubeflow/mysql
	// port 3306". Empty where pods are called directly.
	Service string
	// Place is where the render says that the call is made, and Because how:
	// "env DBCONFIG_HOST of Deployment kubeflow/ml-pipeline names mysql". A
	// call that images make by default has no place.
	Place   inventory.Place
	Because string
	// Effect is what does not work without it.
	Effect string
	// Minor says that nothing of the platform makes the call, though it is
	// configured.
	Minor bool
}

// toService makes the calls from some peers to a port of a Service. A pod's
// calls to itself are left out.
func toService(n *reach.Network, from []*reach.Peer, s inventory.Typed[corev1.Service], port int32, like Call) []Call {
	var calls []Call
	for _, backend := range n.Backends(s, port, corev1.ProtocolTCP) {
		for _, peer := range from {
			if peer.Owner() != nil && peer.Owner() == backend.Peer.Owner() {
				continue
			}
			call := like
			call.From, call.To = peer, backend
			call.Service = fmt.Sprintf("%s port %d", s.Key, port)
			calls = append(calls, call)
		}
	}
	return calls
}

// distinct drops calls that repeat others but for where they are said.
func distinct(calls []Call) []Call {
	seen := map[[3]string]bool{}
	return slices.DeleteFunc(calls, func(c Call) bool {
		key := [3]string{c.From.Name, c.To.Peer.Name, c.To.Port.String()}
		again := seen[key]
		seen[key] = true
		return again
	})
}
