// Package storage checks where data lives: storage classes, claims and the
// pods that mount them.
package storage

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

// Checks of the family.
var Checks = []*checks.Check{
	danglingClaim,
	danglingSecretProviderClass,
	missingStorageClass,
	noDefaultClass,
	severalDefaultClasses,
	defaultClassAnnotationIgnored,
	annotationOverridesClass,
	unusableProvisioner,
	missingClassParameter,
	invalidClassParameter,
	accessModeNotOffered,
	blockModeNotOffered,
	volumeModeMismatch,
	claimCannotBind,
	bindingBeforeScheduling,
	volumeOutOfReach,
	removedVolumeType,
	nfsServerInClusterDNS,
	claimSharedAcrossNodes,
	rolloutWaitsForVolume,
	templateHidesVolume,
	volumeNotWritable,
	storeWithoutPersistence,
	storeMountedReadOnly,
	storeDeletedWithClaim,
	databaseAtVolumeRoot,
	unusableNotebookVolume,
	viewerWithoutClaim,
	unreadableSchedulingSwitch,
	knativeClaimsDisabled,
}

var (
	namespaceKind = inventory.GroupKind{Kind: "Namespace"}
	claimKind     = inventory.GroupKind{Kind: "PersistentVolumeClaim"}
	configMapKind = inventory.GroupKind{Kind: "ConfigMap"}
)

// oldestKubernetes is the oldest minor version that anybody still supports,
// the extended support of the clouds included: what went before it is gone
// wherever the render is applied.
const oldestKubernetes = 29

// minor reads the minor version of "1.34"; 0 is unknown.
func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(after)
	return n
}

// goneIn reports whether the target lacks what a minor version removed, and
// whether that can be told.
func goneIn(pass *checks.Pass, removed string) (gone, known bool) {
	if target := minor(pass.Target.Kubernetes); target > 0 {
		return target >= minor(removed), true
	}
	return true, minor(removed) <= oldestKubernetes
}

// claimOf finds the claim behind a use: a rendered one, or a StatefulSet's
// template of the volume's name.
func claimOf(v *inventory.View, use volumes.Use) (*volumes.Claim, bool) {
	return volumes.GivenClaim(v, use.Namespace, use.Claim)
}

// templatesOf are the claims that a StatefulSet's templates make, by the name
// of the volume.
func templatesOf(claims []*volumes.Claim, pod *kubeflow.Pod) map[string]*volumes.Claim {
	found := map[string]*volumes.Claim{}
	for _, c := range claims {
		if c.Object == pod.Owner && c.Origin == volumes.Template {
			found[c.Name] = c
		}
	}
	return found
}

// ephemeralOf finds the claim that a pod's own volume makes.
func ephemeralOf(claims []*volumes.Claim, pod *kubeflow.Pod, volume string) *volumes.Claim {
	for _, c := range claims {
		if c.Object == pod.Owner && c.Origin == volumes.Ephemeral && strings.HasPrefix(c.What, "ephemeral volume "+volume+" of ") {
			return c
		}
	}
	return nil
}

// A mounted is a volume of a pod with the claim behind it.
type mounted struct {
	pod    *kubeflow.Pod
	volume string
	claim  *volumes.Claim // nil where nobody renders it
	use    *volumes.Use   // nil for templates and ephemeral volumes
}

// mountedClaims are the volumes of a pod that have a claim.
func mountedClaims(v *inventory.View, claims []*volumes.Claim, pod *kubeflow.Pod) []mounted {
	var found []mounted
	for _, use := range volumes.UsesOf(pod) {
		claim, _ := claimOf(v, use)
		found = append(found, mounted{pod, use.Volume.Name, claim, &use})
	}
	templates := templatesOf(claims, pod)
	for _, name := range volumes.TemplateNames(pod.Owner) {
		if claim := templates[name]; claim != nil {
			found = append(found, mounted{pod, name, claim, nil})
		}
	}
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].Ephemeral != nil {
			if claim := ephemeralOf(claims, pod, pod.Spec.Volumes[i].Name); claim != nil {
				found = append(found, mounted{pod, pod.Spec.Volumes[i].Name, claim, nil})
			}
		}
	}
	return found
}

// staticVolume finds the rendered PersistentVolume that a claim is made for:
// the one that it names, one that is kept for it, or one of its class.
func staticVolume(classes *volumes.Classes, c *volumes.Claim) (inventory.Typed[corev1.PersistentVolume], bool) {
	if c.Volume != nil {
		// Made along with the claim, and not an object of the render.
		return inventory.Typed[corev1.PersistentVolume]{Object: c.Object, Value: &corev1.PersistentVolume{Spec: *c.Volume}}, true
	}
	name, _ := c.Class()
	for _, volume := range classes.Volumes {
		_, mine := volumes.Reserved(volume.Value, c)
		if mine || (c.Spec.VolumeName != "" && volume.Key.Name == c.Spec.VolumeName) {
			return volume, true
		}
	}
	for _, volume := range classes.VolumesOf(name) {
		if volume.Value.Spec.ClaimRef == nil && len(volumes.Mismatches(c, volume.Value)) == 0 && len(volumes.SelectorMismatch(c, volume.Value)) == 0 {
			if _, found := classes.Get(name); name == "" || !found {
				return volume, true
			}
		}
	}
	return inventory.Typed[corev1.PersistentVolume]{}, false
}
