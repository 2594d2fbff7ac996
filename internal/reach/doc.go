// Package reach answers whether NetworkPolicies let a connection through.
//
// It evaluates networking.k8s.io/v1 policies as the API specifies them: a pod
// that no policy selects in a direction is open in it; one that some policy
// selects admits what any rule of those policies admits, and nothing else. A
// connection passes if the egress side of its source and the ingress side of
// its destination both let it pass. The port that counts is the pod's, never
// the Service's. Replies always pass, as do connections of a pod to itself and
// of the kubelet to the pods of its own node.
//
// Answers have three values, because some facts are not in the manifests: the
// addresses of the API server and of nodes, the labels of pods that users will
// start, the labels of namespaces that nobody rendered. What no possible fact
// could admit is denied; what depends on one is undecided, and the answer says
// on what.
//
// Policies of other APIs (AdminNetworkPolicy, Calico, Cilium) are not read.
package reach
