package storage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var volumeOutOfReach = &checks.Check{
	ID:       "storage/volume-out-of-reach",
	Severity: checks.Error,
	Doc: `pod may only run where its volume cannot be

The pod asks for nodes (nodeSelector, required node affinity) that the volume
cannot reach: a local volume of another node, or a class whose
allowedTopologies name other zones. The pod stays Pending
(` + "`node(s) had volume node affinity conflict`" + `). So do two claims of one pod whose
classes have no zone in common.

Only labels that both sides name are compared; the drivers' own labels for the
zone count as topology.kubernetes.io/zone.`,
	Fix: "Let the pod and its volume name the same nodes or zones.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/storage-classes/#allowed-topologies",
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#node-affinity",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		claims := volumes.Claims(v)
		if len(claims) == 0 {
			pass.NotApplicable()
			return
		}
		for pod := range kubeflow.Pods(v) {
			type reached struct {
				claim *volumes.Claim
				reach reach
			}
			var before []reached
			for _, m := range mountedClaims(v, claims, pod) {
				if m.claim == nil {
					continue
				}
				to := reachOf(classes, m.claim)
				if len(to.terms) == 0 {
					continue
				}
				for _, wanted := range wantedNodes(pod) {
					if wanted.conflicts(to) {
						pass.Reportf(wanted.place, "%s runs only on nodes with %s, and %s is only on %s", pod.Owner.Key, wanted, m.claim.What, to).
							See(to.place, "where the volume can be")
					}
				}
				for _, other := range before {
					if !other.reach.meets(to) {
						pass.Reportf(m.claim.ClassAt(), "%s mounts %s, which is only on %s, and %s, which is only on %s", pod.Owner.Key, m.claim.What, to, other.claim.What, other.reach).
							See(to.place, "where the volume can be").See(other.reach.place, "where the other one can be")
					}
				}
				before = append(before, reached{m.claim, to})
			}
		}
	},
}

// A reach says on which nodes a volume can be used: on those that meet one of
// the terms.
type reach struct {
	terms []term
	place inventory.Place
}

// A term are label values that a node must have, all of them.
type term []demand

// A demand is a label with the values that will do.
type demand struct {
	label  string
	values []string
	place  inventory.Place
}

func (d demand) String() string {
	if len(d.values) == 1 {
		return d.label + "=" + d.values[0]
	}
	return d.label + " in (" + strings.Join(d.values, ", ") + ")"
}

func (r reach) String() string {
	var terms []string
	for _, t := range r.terms {
		var demands []string
		for _, d := range t {
			demands = append(demands, d.String())
		}
		terms = append(terms, strings.Join(demands, " and "))
	}
	return "nodes with " + strings.Join(terms, " or ")
}

// conflicts reports whether a demand of the pod fits none of the terms.
func (d demand) conflicts(r reach) bool {
	for _, t := range r.terms {
		if !slices.ContainsFunc(t, func(other demand) bool { return disjoint(d, other) }) {
			return false
		}
	}
	return true
}

// meets reports whether some node may reach both.
func (r reach) meets(other reach) bool {
	for _, t := range r.terms {
		clash := true
		for _, d := range t {
			clash = clash && d.conflicts(other)
		}
		if !clash || len(t) == 0 {
			return true
		}
	}
	return false
}

func disjoint(a, b demand) bool {
	if zoneLabel(a.label) != zoneLabel(b.label) {
		return false
	}
	return !slices.ContainsFunc(a.values, func(value string) bool { return slices.Contains(b.values, value) })
}

// zoneLabel gives drivers' labels for the zone their common name.
func zoneLabel(label string) string {
	switch label {
	case "failure-domain.beta.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone", "topology.gke.io/zone", "topology.disk.csi.azure.com/zone", "topology.cinder.csi.openstack.org/zone":
		return "topology.kubernetes.io/zone"
	case "topology.hostpath.csi/node":
		return "kubernetes.io/hostname"
	}
	return label
}

// reachOf finds where a claim's volume can be, by the volume made for it or by
// its class.
func reachOf(classes *volumes.Classes, c *volumes.Claim) reach {
	if volume, ok := staticVolume(classes, c); ok {
		return reachOfVolume(volume)
	}
	class, answer := classes.Of(c)
	if answer != volumes.Found || class.Value == nil {
		return reach{}
	}
	if class.Static() {
		// One volume of the class is certain, several leave the choice.
		if list := classes.VolumesOf(class.Name); len(list) == 1 {
			return reachOfVolume(list[0])
		}
		return reach{}
	}
	r := reach{place: class.At("allowedTopologies")}
	for i, topology := range class.Value.AllowedTopologies {
		var t term
		for j, e := range topology.MatchLabelExpressions {
			t = append(t, demand{e.Key, e.Values, class.At("allowedTopologies", i, "matchLabelExpressions", j, "values")})
		}
		r.terms = append(r.terms, t)
	}
	return r
}

func reachOfVolume(volume inventory.Typed[corev1.PersistentVolume]) reach {
	r := reach{place: volume.At("spec", "nodeAffinity")}
	affinity := volume.Value.Spec.NodeAffinity
	if affinity == nil || affinity.Required == nil {
		return reach{}
	}
	for _, selector := range affinity.Required.NodeSelectorTerms {
		var t term
		for _, e := range selector.MatchExpressions {
			if e.Operator == corev1.NodeSelectorOpIn {
				t = append(t, demand{e.Key, e.Values, r.place})
			}
		}
		r.terms = append(r.terms, t)
	}
	return r
}

// wantedNodes are the labels that a pod demands of its node, whatever else.
func wantedNodes(pod *kubeflow.Pod) []demand {
	var wanted []demand
	var labels []string
	for label := range pod.Spec.NodeSelector {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	for _, label := range labels {
		wanted = append(wanted, demand{label, []string{pod.Spec.NodeSelector[label]}, pod.At("spec", "nodeSelector", label)})
	}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return wanted
	}
	// Of several terms any will do: only a single one is a demand.
	terms := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	if len(terms) != 1 {
		return wanted
	}
	for i, e := range terms[0].MatchExpressions {
		if e.Operator == corev1.NodeSelectorOpIn {
			wanted = append(wanted, demand{e.Key, e.Values, pod.At("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", 0, "matchExpressions", i, "values")})
		}
	}
	return wanted
}
