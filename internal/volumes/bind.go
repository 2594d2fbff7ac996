package volumes

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Mismatch is a reason why a claim and a volume do not come together.
type Mismatch struct {
	Reason        string         // "asks for 20Gi of 10Gi"
	Claim, Volume inventory.Path // the fields that disagree
}

// Reserved reports whether a volume is kept for a claim, and whether for this
// one.
func Reserved(volume *corev1.PersistentVolume, c *Claim) (reserved, mine bool) {
	ref := volume.Spec.ClaimRef
	if ref == nil {
		return false, false
	}
	return true, c.Origin == Given && ref.Namespace == c.Namespace && ref.Name == c.Name
}

// Mismatches compares a claim with a volume as the volume controller does
// (checkVolumeSatisfyClaim), all but the class.
func Mismatches(c *Claim, volume *corev1.PersistentVolume) []Mismatch {
	var found []Mismatch
	want := c.Spec.Resources.Requests[corev1.ResourceStorage]
	have := volume.Spec.Capacity[corev1.ResourceStorage]
	if have.Cmp(want) < 0 {
		found = append(found, Mismatch{
			fmt.Sprintf("%s is requested of a volume of %s", want.String(), have.String()),
			inventory.Path{"spec", "resources", "requests", "storage"}, inventory.Path{"spec", "capacity", "storage"},
		})
	}
	if mode := modeOf(volume.Spec.VolumeMode); mode != c.Mode() {
		found = append(found, Mismatch{
			fmt.Sprintf("volumeMode %s is not %s", c.Mode(), mode),
			inventory.Path{"spec", "volumeMode"}, inventory.Path{"spec", "volumeMode"},
		})
	}
	for _, mode := range c.Spec.AccessModes {
		if !slices.Contains(volume.Spec.AccessModes, mode) {
			found = append(found, Mismatch{
				fmt.Sprintf("access mode %s is not among %v", mode, volume.Spec.AccessModes),
				inventory.Path{"spec", "accessModes"}, inventory.Path{"spec", "accessModes"},
			})
			break
		}
	}
	return found
}

// SelectorMismatch compares a claim's selector with a volume's labels.
func SelectorMismatch(c *Claim, volume *corev1.PersistentVolume) []Mismatch {
	if c.Spec.Selector == nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(c.Spec.Selector)
	if err == nil && selector.Matches(labels.Set(volume.Labels)) {
		return nil
	}
	return []Mismatch{{
		"the selector does not match its labels",
		inventory.Path{"spec", "selector"}, inventory.Path{"metadata", "labels"},
	}}
}
