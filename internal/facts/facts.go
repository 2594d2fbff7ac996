// Package facts holds what the user says about the cluster that the manifests
// cannot say: its version, storage classes, hosts and nodes.
//
// A fact that was not given is unknown, not empty: a check that needs it
// answers undecided. That is why the lists tell nil (unknown) from empty (known
// to be none).
package facts

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Cluster is what is known about the cluster that the manifests are for.
type Cluster struct {
	// KubernetesVersion is the minor version of the target, "1.34"; empty is
	// unknown.
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// StorageClasses are those that the cluster has beside the rendered ones.
	StorageClasses []StorageClass `json:"storageClasses,omitempty"`
	// Hosts are the names under which users reach the platform.
	Hosts []string `json:"hosts,omitempty"`
	// Namespaces exist beside the rendered ones.
	Namespaces []string `json:"namespaces,omitempty"`
	// Secrets and ServiceAccounts exist beside the rendered ones, written
	// namespace/name.
	Secrets         []string `json:"secrets,omitempty"`
	ServiceAccounts []string `json:"serviceAccounts,omitempty"`
	// Nodes are the groups of equal nodes.
	Nodes []NodeGroup `json:"nodes,omitempty"`
	// ClusterDomain is the DNS domain of Services; empty means cluster.local,
	// unless it was left unknown (see Domain).
	ClusterDomain string `json:"clusterDomain,omitempty"`
	// Images says where images may come from. It stands beside the cluster in
	// the configuration, as it is a rule and no fact.
	Images ImagePolicy `json:"-"`
}

// An ImagePolicy is the user's rule on where images come from. The zero value
// allows everything.
type ImagePolicy struct {
	// Allow are globs of the images that may be used; nil allows all.
	Allow []string `json:"allow,omitempty"`
	// Mirror names, for a registry or a part of it, the place from which its
	// images are to be pulled.
	Mirror map[string]string `json:"mirror,omitempty"`
}

// A StorageClass of the cluster.
type StorageClass struct {
	Name        string   `json:"name"`
	Provisioner string   `json:"provisioner,omitempty"`
	Default     bool     `json:"default,omitempty"`
	AccessModes []string `json:"accessModes,omitempty"` // what it can give; empty: by the table of provisioners
}

// A NodeGroup is a number of equal nodes; CPU, memory and GPU are what one node
// can allocate to pods.
type NodeGroup struct {
	Count  int               `json:"count"`
	CPU    resource.Quantity `json:"cpu"`
	Memory resource.Quantity `json:"memory"`
	GPU    resource.Quantity `json:"gpu,omitempty"`
}

// Domain is the DNS domain of Services, and whether the user gave it.
func (c *Cluster) Domain() (domain string, given bool) {
	if c.ClusterDomain == "" {
		return "cluster.local", false
	}
	return c.ClusterDomain, true
}

// HasNamespace reports whether the facts name a namespace, and whether the
// list is known at all. The namespaces that every cluster has are always there.
func (c *Cluster) HasNamespace(name string) (has, known bool) {
	switch name {
	case "default", "kube-system", "kube-public", "kube-node-lease":
		return true, true
	}
	return slices.Contains(c.Namespaces, name), c.Namespaces != nil
}

// HasSecret reports whether the facts name a Secret, and whether the list is
// known at all.
func (c *Cluster) HasSecret(namespace, name string) (has, known bool) {
	return slices.Contains(c.Secrets, namespace+"/"+name), c.Secrets != nil
}

// HasServiceAccount reports whether the facts name a ServiceAccount, and
// whether the list is known at all. Every namespace has one named default.
func (c *Cluster) HasServiceAccount(namespace, name string) (has, known bool) {
	if name == "default" {
		return true, true
	}
	return slices.Contains(c.ServiceAccounts, namespace+"/"+name), c.ServiceAccounts != nil
}
