package kubeflow

import "net/netip"

// NodeLocalDNS is the address on which the DNS cache of a node listens, in
// clusters that have one (kubernetes/kubernetes
// cluster/addons/dns/nodelocaldns).
var NodeLocalDNS = netip.MustParsePrefix("169.254.20.10/32")
