package quota

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A claim is a PersistentVolumeClaim that will exist, or the template of
// several.
type claim struct {
	name  string
	place inventory.Place // of its spec
	spec  *corev1.PersistentVolumeClaimSpec
	class string // that it is stored with; empty: none, or not known
	count int64
}

var statefulSetKind = inventory.GroupKind{Group: "apps", Kind: "StatefulSet"}

// claimsOf are the claims of a namespace: rendered ones, and those that
// StatefulSets make of their templates.
func claimsOf(pass *checks.Pass, namespace string) []*claim {
	var claims []*claim
	byDefault := defaultClass(pass)
	add := func(name string, place inventory.Place, content any, count int64) {
		m, ok := content.(map[string]any)
		if !ok {
			return
		}
		var spec corev1.PersistentVolumeClaimSpec
		if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &spec) != nil {
			return // not a claim; what decodes objects says so
		}
		c := &claim{name: name, place: place, spec: &spec, count: count, class: byDefault}
		if spec.StorageClassName != nil {
			c.class = *spec.StorageClassName
		}
		claims = append(claims, c)
	}
	for o := range pass.Render.LiveOf(claimKind) {
		if o.Key.Namespace == namespace {
			add(o.Key.String(), o.At("spec"), o.Get("spec"), 1)
		}
	}
	for o := range pass.Render.LiveOf(statefulSetKind) {
		if o.Key.Namespace != namespace {
			continue
		}
		replicas, ok := o.Get("spec", "replicas").(int64)
		if !ok {
			replicas = 1
		}
		for i := range o.List("spec", "volumeClaimTemplates") {
			at := inventory.Path{"spec", "volumeClaimTemplates", i}
			add(fmt.Sprintf("claim %s of %s", o.String(at.Join("metadata", "name")), o.Key), o.At(at, "spec"), o.Get(at, "spec"), replicas)
		}
	}
	return claims
}

// defaultClass is the storage class of claims that name none; empty where it is
// not known.
func defaultClass(pass *checks.Pass) string {
	for o := range pass.Render.Inventory().View().Of(storageClassKind) {
		if o.Annotations()["storageclass.kubernetes.io/is-default-class"] == "true" {
			return o.Key.Name
		}
	}
	for _, c := range pass.Cluster.StorageClasses {
		if c.Default {
			return c.Name
		}
	}
	return ""
}
