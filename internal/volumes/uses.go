package volumes

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// A Use is a place that names a claim: a volume of a pod, or a field of a
// custom resource that will end in one.
type Use struct {
	Owner *inventory.Object
	// Pod is the pod whose volume it is; nil for custom resources whose pods
	// their controllers put together.
	Pod       *kubeflow.Pod
	Volume    *corev1.Volume // of the pod
	Namespace string
	Claim     string
	ReadOnly  bool
	Place     inventory.Place // that names the claim
}

// Uses are all places that name a claim. Names that something fills in at run
// time are left out.
func Uses(v *inventory.View) []Use {
	var uses []Use
	for pod := range kubeflow.Pods(v) {
		uses = append(uses, UsesOf(pod)...)
	}
	podKinds := kubeflow.PodKinds()
	inv := v.Inventory()
	for _, o := range inv.Objects() {
		if !holdsPods(o) || slices.Contains(podKinds, o.Key.GroupKind) || inv.ClusterScoped(o.Key.GroupKind) {
			continue
		}
		uses = append(uses, usesIn(o)...)
	}
	return uses
}

// UsesOf are the claims that a pod's volumes name.
func UsesOf(pod *kubeflow.Pod) []Use {
	var uses []Use
	templates := TemplateNames(pod.Owner)
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		source := volume.PersistentVolumeClaim
		// A StatefulSet's template takes the place of a volume of its name.
		if source == nil || !FilledIn(source.ClaimName) || slices.Contains(templates, volume.Name) {
			continue
		}
		uses = append(uses, Use{
			Owner: pod.Owner, Pod: pod, Volume: volume, Namespace: pod.Namespace, Claim: source.ClaimName, ReadOnly: source.ReadOnly,
			Place: pod.At("spec", "volumes", i, "persistentVolumeClaim", "claimName"),
		})
	}
	return uses
}

// TemplateNames are the names of a StatefulSet's volumeClaimTemplates.
func TemplateNames(o *inventory.Object) []string {
	var names []string
	if o.Key.Group != "apps" || o.Key.Kind != "StatefulSet" {
		return nil
	}
	for i := range o.List("spec", "volumeClaimTemplates") {
		names = append(names, o.String("spec", "volumeClaimTemplates", i, "metadata", "name"))
	}
	return names
}

// usesIn finds the claims that a custom resource names.
func usesIn(o *inventory.Object) []Use {
	var uses []Use
	add := func(claim string, readOnly bool, place inventory.Place) {
		if FilledIn(claim) {
			uses = append(uses, Use{Owner: o, Namespace: o.Key.Namespace, Claim: claim, ReadOnly: readOnly, Place: place})
		}
	}
	walk(o.Get("spec"), inventory.Path{"spec"}, func(path inventory.Path, key string, value any) bool {
		switch value := value.(type) {
		case map[string]any:
			if key == "persistentVolumeClaim" {
				if claim, ok := value["claimName"].(string); ok {
					readOnly, _ := value["readOnly"].(bool)
					add(claim, readOnly, o.At(path, "claimName"))
				}
			}
		case string:
			if claim, ok := strings.CutPrefix(value, "pvc://"); ok && readsClaimURLs(o) {
				claim, _, _ = strings.Cut(claim, "/")
				add(claim, true, o.At(path))
			}
			if key == "pvc" && o.Key.Group == "kubeflow.org" && o.Key.Kind == "PVCViewer" && len(path) == 2 {
				add(value, false, o.At(path))
			}
		}
		return true
	})
	return uses
}

// readsClaimURLs reports whether an object's controller understands pvc://:
// the storageUri of KServe and the logspath of Tensorboards.
func readsClaimURLs(o *inventory.Object) bool {
	return o.Key.Group == "serving.kserve.io" || o.Key.Group == "tensorboard.kubeflow.org"
}

// A Mount is a volume in a container.
type Mount struct {
	Container *corev1.Container
	Place     inventory.Place // the container
	Path      string
	SubPath   string
	ReadOnly  bool
	Index     int // among volumeMounts
}

// MountsOf are the mounts of a pod's volume, init containers included.
func MountsOf(pod *kubeflow.Pod, volume string) []Mount {
	var mounts []Mount
	for place, c := range pod.Containers() {
		for i, mount := range c.VolumeMounts {
			if mount.Name == volume {
				mounts = append(mounts, Mount{c, place, mount.MountPath, mount.SubPath + mount.SubPathExpr, mount.ReadOnly, i})
			}
		}
	}
	return mounts
}
