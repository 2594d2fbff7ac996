// Package istio checks whether requests find their way through the mesh and
// whether its policies let them: Istio's networking and security objects,
// against the Services, pods and accounts of the render.
//
// What Istio does with them is modelled by package internal/mesh. What the API
// server refuses is the schema family's.
package istio

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// Checks of the family.
var Checks = []*checks.Check{
	danglingDestination,
	portNotOnService,
	missingSubset,
	subsetSelectsNothing,
	danglingRuleHost,
	danglingGateway,
	hostNotInGateway,
	gatewaySelectsNothing,
	gatewayPortNotExposed,
	conflictingServers,
	missingTLSSecret,
	shadowedRoute,
	conflictingRoutes,
	callerDenied,
	unknownPrincipal,
	policySelectsNothing,
	plaintextRefused,
	tlsModeMismatch,
	menuLinkNotRouted,
	unknownRevision,
	tokenNotRequired,
	egressHidesHost,
	outdatedFilterName,
	foreignClusterDomain,
}

// read reads the mesh of the render.
func read(pass *checks.Pass) *mesh.Mesh {
	domain, _ := pass.Cluster.Domain()
	return mesh.New(pass.Render, domain)
}

// serviceNames are the names of the Services of a namespace.
func serviceNames(m *mesh.Mesh, namespace string) []string {
	var names []string
	for _, s := range m.Net.Services() {
		if s.Key.Namespace == namespace {
			names = append(names, s.Key.Name)
		}
	}
	return names
}

// meantService guesses which Service a host was meant to name: one spelled
// alike in the same namespace, or one of that name in another.
func meantService(m *mesh.Mesh, namespace, name string) string {
	if words := near.Words(name, serviceNames(m, namespace)); len(words) > 0 {
		return "; did you mean " + m.FQDN(namespace, words[0]) + "?"
	}
	for _, s := range m.Net.Services() {
		if s.Key.Name == name {
			return "; there is " + s.Key.String()
		}
	}
	return ""
}

// seeLabels names the labels of the pods that something should have matched.
func seeLabels(f *checks.Finding, pods []*reach.Peer) {
	for i, pod := range pods {
		if i < 2 && pod.Pod != nil {
			f.See(pod.Pod.At("metadata", "labels"), "the labels of the pods of %s", pod.Name)
		}
	}
}

// contains reports whether a list of pods has one.
func contains(pods []*reach.Peer, pod *reach.Peer) bool { return slices.Contains(pods, pod) }
