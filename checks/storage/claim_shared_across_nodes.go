package storage

import (
	"fmt"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var claimSharedAcrossNodes = &checks.Check{
	ID:       "storage/claim-shared-across-nodes",
	Severity: checks.Warning,
	Doc: `several pods mount a volume that only one node may have

A ReadWriteOnce volume is attached to one node. A second pod (another replica,
an autoscaler's, another workload's) that lands on a second node stays in
ContainerCreating: ` + "`Multi-Attach error for volume`" + `. It works as long as all pods
happen to share a node, so this is a warning; where the pods must not share one
(required anti-affinity), for ReadWriteOncePod, which admits a single pod, and
for databases that lock their files, whatever the access mode, it is an error.

Left out: shared file systems (EFS, NFS, Filestore), which do not enforce
ReadWriteOnce; disks of one node (local-path), to which all pods follow; pods
that required affinity or a nodeSelector puts on one node; StatefulSets'
templates, which make a claim for each pod; Tensorboards and PVCViewers, which
go to the volume's node by themselves; clusters of one node.`,
	Fix: "Use ReadWriteMany with a class that offers it, a claim for each pod, or one replica.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
		"kubeflow/kubeflow#4848",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		classes := volumes.ClassesOf(v, pass.Cluster)
		byClaim := map[string][]volumes.Use{}
		var order []string
		for pod := range kubeflow.Pods(v) {
			for _, use := range volumes.UsesOf(pod) {
				key := use.Namespace + "/" + use.Claim
				if len(byClaim[key]) == 0 {
					order = append(order, key)
				}
				// A pod may name the claim in two volumes.
				if !slices.ContainsFunc(byClaim[key], func(u volumes.Use) bool { return u.Owner == use.Owner }) {
					byClaim[key] = append(byClaim[key], use)
				}
			}
		}
		if len(order) == 0 {
			pass.NotApplicable()
		}
		for _, key := range order {
			uses := byClaim[key]
			claim, ok := claimOf(v, uses[0])
			if !ok {
				continue
			}
			if locked := lockedByTwo(pass, claim, uses); locked || !claim.Once() {
				continue
			}
			shared(pass, classes, claim, uses)
		}
	},
}

func shared(pass *checks.Pass, classes *volumes.Classes, claim *volumes.Claim, uses []volumes.Use) {
	v := pass.Render
	perPod := claim.OncePerPod()
	if !perPod && (oneNode(pass) || !enforced(classes, claim)) {
		return
	}
	// Anti-affinity that a pod has to itself turns "may" into "will".
	for _, use := range uses {
		n, by := replicas(v, use)
		if n < 2 || (!perPod && together(use.Pod)) {
			continue
		}
		if perPod {
			pass.Reportf(by, "%s runs %s pods on %s, which is %s: only one pod may use it", use.Owner.Key, count(n), claim.What, corev1.ReadWriteOncePod).As(checks.Error).
				See(claim.At("spec", "accessModes"), "the access mode")
			continue
		}
		f := pass.Reportf(by, "%s runs %s pods on %s, which is ReadWriteOnce: they start only on the node that has the volume", use.Owner.Key, count(n), claim.What).
			See(claim.At("spec", "accessModes"), "the access mode")
		if apart(use.Pod) && attached(classes, claim) {
			f.As(checks.Error)
		}
	}
	var running []volumes.Use
	for _, use := range uses {
		if n, _ := replicas(v, use); n > 0 {
			running = append(running, use)
		}
	}
	if len(running) < 2 {
		return
	}
	if !perPod && (sameNode(running) || !slices.ContainsFunc(running[1:], func(u volumes.Use) bool { return !together(u.Pod) })) {
		return
	}
	last := running[len(running)-1]
	f := pass.Reportf(last.Place, "%s mounts %s, which is %s, beside %s", last.Owner.Key, claim.What, claim.Spec.AccessModes[0], running[0].Owner.Key)
	if perPod {
		f.As(checks.Error)
	}
	for _, use := range running[:len(running)-1] {
		f.See(use.Place, "%s mounts it too", use.Owner.Key)
	}
	f.See(claim.At("spec", "accessModes"), "the access mode")
}

// lockedByTwo reports databases of which a second instance is to run on the
// files of the first, whatever the access mode.
func lockedByTwo(pass *checks.Pass, claim *volumes.Claim, uses []volumes.Use) bool {
	found := false
	for _, use := range uses {
		what, locked := lockedBy(use.Pod, use.Volume.Name)
		if n, by := replicas(pass.Render, use); locked && n > 1 {
			pass.Reportf(by, "%s runs %s pods on %s, and %s locks its files: only one of them starts", use.Owner.Key, count(n), claim.What, what).As(checks.Error).
				See(use.Place, "the claim that they share")
			found = true
		}
	}
	return found
}

func count(n int32) string {
	if n == everyNode {
		return "a node's worth of"
	}
	return fmt.Sprint(n)
}

// everyNode stands for the number of a DaemonSet's pods.
const everyNode = 1 << 20

var autoscalers = inventory.Kind[autoscalingv2.HorizontalPodAutoscaler]{Group: "autoscaling", Name: "HorizontalPodAutoscaler"}

// replicas is how many pods of a use may run at once, and the field that says
// so.
func replicas(v *inventory.View, use volumes.Use) (int32, inventory.Place) {
	owner := use.Owner
	switch owner.Key.Kind {
	case "DaemonSet":
		return everyNode, use.Place
	case "Job", "CronJob":
		at := owner.At("spec", "parallelism")
		if owner.Key.Kind == "CronJob" {
			at = owner.At("spec", "jobTemplate", "spec", "parallelism")
		}
		return use.Pod.Replicas, at
	}
	for hpa := range autoscalers.In(v) {
		target := hpa.Value.Spec.ScaleTargetRef
		if hpa.Key.Namespace == owner.Key.Namespace && target.Kind == owner.Key.Kind && target.Name == owner.Key.Name && hpa.Value.Spec.MaxReplicas > use.Pod.Replicas {
			return hpa.Value.Spec.MaxReplicas, hpa.At("spec", "maxReplicas")
		}
	}
	return use.Pod.Replicas, owner.At("spec", "replicas")
}

// enforced reports whether the storage keeps to ReadWriteOnce and leaves the
// scheduler a choice, as far as is known.
func enforced(classes *volumes.Classes, claim *volumes.Claim) bool {
	if volume, ok := staticVolume(classes, claim); ok {
		spec := volume.Value.Spec
		if spec.NFS != nil || spec.HostPath != nil || spec.Local != nil || spec.AzureFile != nil {
			return false
		}
		if spec.CSI != nil {
			p, known := kubeflow.ProvisionerOf(spec.CSI.Driver)
			return !known || p.Attached
		}
		return true
	}
	provider, known := classes.ProviderOf(claim)
	if !known || provider.Guessed {
		return true
	}
	return provider.Attached
}

// attached reports whether the storage is known to keep to ReadWriteOnce.
func attached(classes *volumes.Classes, claim *volumes.Claim) bool {
	provider, known := classes.ProviderOf(claim)
	return known && !provider.Guessed && provider.Attached
}

func oneNode(pass *checks.Pass) bool {
	nodes := 0
	for _, group := range pass.Cluster.Nodes {
		nodes += group.Count
	}
	return nodes == 1
}

const hostname = "kubernetes.io/hostname"

// together reports whether a pod is put on the node of others.
func together(pod *kubeflow.Pod) bool {
	if pod.Spec.NodeName != "" || pod.Spec.NodeSelector[hostname] != "" {
		return true
	}
	affinity := pod.Spec.Affinity
	return affinity != nil && affinity.PodAffinity != nil &&
		slices.ContainsFunc(affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, func(t corev1.PodAffinityTerm) bool { return t.TopologyKey == hostname })
}

// apart reports whether pods of one kind must not share a node.
func apart(pod *kubeflow.Pod) bool {
	affinity := pod.Spec.Affinity
	return affinity != nil && affinity.PodAntiAffinity != nil &&
		slices.ContainsFunc(affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, func(t corev1.PodAffinityTerm) bool { return t.TopologyKey == hostname })
}

func sameNode(uses []volumes.Use) bool {
	node := func(u volumes.Use) string { return u.Pod.Spec.NodeName + u.Pod.Spec.NodeSelector[hostname] }
	return node(uses[0]) != "" && !slices.ContainsFunc(uses[1:], func(u volumes.Use) bool { return node(u) != node(uses[0]) })
}
