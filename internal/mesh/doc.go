// Package mesh models what Istio makes of a render: gateways and the pods that
// serve them, routes and where they lead, and the policies that let a request
// reach a workload. It answers as istiod and Envoy do; what it cannot know it
// calls [Maybe].
//
// The networking and security APIs of Istio are read; waypoints, the Gateway
// API and multi-cluster meshes are not.
package mesh
