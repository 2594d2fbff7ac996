package volumes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kfpreflight/kfpreflight/internal/facts"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// StorageClasses is the kind as its type.
var StorageClasses = inventory.Kind[storagev1.StorageClass]{Group: storagev1.GroupName, Name: "StorageClass"}

// The annotations that make a class the default one, when "true".
const (
	DefaultAnnotation     = "storageclass.kubernetes.io/is-default-class"
	BetaDefaultAnnotation = "storageclass.beta.kubernetes.io/is-default-class"
)

// A Class is a StorageClass of the render or of the cluster.
type Class struct {
	Name        string
	Provisioner string
	Default     bool
	Modes       []corev1.PersistentVolumeAccessMode // what the cluster's facts say it gives; empty: ask the table
	Object      *inventory.Object                   // nil for a class of the cluster
	Value       *storagev1.StorageClass             // likewise
}

// At is a field of a rendered class; the place of no object otherwise.
func (c *Class) At(steps ...any) inventory.Place {
	if c.Object == nil {
		return inventory.Place{}
	}
	return c.Object.At(steps...)
}

// Static reports whether volumes of the class are made by hand.
func (c *Class) Static() bool { return c.Provisioner == kubeflow.NoProvisioner }

// WaitsForConsumer reports whether volumes are bound when a pod is scheduled,
// and whether that is known.
func (c *Class) WaitsForConsumer() (waits, known bool) {
	if c.Value == nil {
		return false, false
	}
	return c.Value.VolumeBindingMode != nil && *c.Value.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer, true
}

// Classes are the classes of the render and of the cluster.
type Classes struct {
	List []*Class
	// Known says that the cluster's classes were given: there are no others.
	Known bool
	// Volumes are the rendered PersistentVolumes: a class may be nothing but
	// the name that they share with their claims.
	Volumes []inventory.Typed[corev1.PersistentVolume]
}

// ClassesOf collects the classes.
func ClassesOf(v *inventory.View, cluster *facts.Cluster) *Classes {
	classes := &Classes{Known: cluster.StorageClasses != nil}
	for class := range StorageClasses.In(v) {
		classes.List = append(classes.List, &Class{
			Name: class.Key.Name, Provisioner: class.Value.Provisioner, Object: class.Object, Value: class.Value,
			Default: class.Value.Annotations[DefaultAnnotation] == "true" || class.Value.Annotations[BetaDefaultAnnotation] == "true",
		})
	}
	for _, given := range cluster.StorageClasses {
		if _, rendered := classes.Get(given.Name); rendered {
			continue
		}
		class := &Class{Name: given.Name, Provisioner: given.Provisioner, Default: given.Default}
		for _, mode := range given.AccessModes {
			class.Modes = append(class.Modes, corev1.PersistentVolumeAccessMode(mode))
		}
		classes.List = append(classes.List, class)
	}
	for volume := range PersistentVolumes.In(v) {
		classes.Volumes = append(classes.Volumes, volume)
	}
	return classes
}

// Get finds a class by name.
func (cs *Classes) Get(name string) (*Class, bool) {
	i := slices.IndexFunc(cs.List, func(c *Class) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return cs.List[i], true
}

// Names are the names of the classes.
func (cs *Classes) Names() []string {
	var names []string
	for _, class := range cs.List {
		names = append(names, class.Name)
	}
	return names
}

// Defaults are the default classes.
func (cs *Classes) Defaults() []*Class {
	var defaults []*Class
	for _, class := range cs.List {
		if class.Default {
			defaults = append(defaults, class)
		}
	}
	return defaults
}

// VolumesOf are the rendered PersistentVolumes of a class.
func (cs *Classes) VolumesOf(class string) []inventory.Typed[corev1.PersistentVolume] {
	var volumes []inventory.Typed[corev1.PersistentVolume]
	for _, volume := range cs.Volumes {
		if VolumeClass(volume.Value) == class {
			volumes = append(volumes, volume)
		}
	}
	return volumes
}

// VolumeClass is the class of a PersistentVolume.
func VolumeClass(volume *corev1.PersistentVolume) string {
	if class, ok := volume.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return class
	}
	return volume.Spec.StorageClassName
}

// An Answer says what is known about the class of a claim.
type Answer int

const (
	Unknown   Answer = iota // the cluster may have it, or a default
	Found                   // the class is there
	Missing                 // there is no class of that name
	NoDefault               // none is asked for, and there is no default
	Static                  // no class: a volume made by hand
)

// Of finds the class that a claim will get.
func (cs *Classes) Of(c *Claim) (*Class, Answer) {
	name, asked := c.Class()
	switch {
	case !asked:
		defaults := cs.Defaults()
		switch {
		case len(defaults) == 1:
			return defaults[0], Found
		case len(defaults) > 1:
			return nil, Unknown // the youngest, which manifests do not tell
		case cs.Known:
			return nil, NoDefault
		}
		return nil, Unknown
	case name == "":
		return nil, Static
	}
	if class, ok := cs.Get(name); ok {
		return class, Found
	}
	if cs.Known {
		return nil, Missing
	}
	return nil, Unknown
}

// A Provider is what is known about what will serve a claim.
type Provider struct {
	kubeflow.Provisioner
	Class *Class // nil where only its name is known
	// Guessed says that the name of the class told it, which is usual but not
	// certain.
	Guessed bool
}

// ProviderOf finds what will make a claim's volume.
func (cs *Classes) ProviderOf(c *Claim) (Provider, bool) {
	class, answer := cs.Of(c)
	switch answer {
	case Found:
		if class.Provisioner == "" && class.Object == nil {
			p, ok := kubeflow.ProvisionerOfClassName(class.Name)
			return Provider{Provisioner: p, Class: class, Guessed: true}, ok
		}
		p, ok := kubeflow.ProvisionerOf(class.Provisioner)
		return Provider{Provisioner: p, Class: class}, ok
	case Unknown:
		name, _ := c.Class()
		p, ok := kubeflow.ProvisionerOfClassName(name)
		return Provider{Provisioner: p, Guessed: true}, ok
	}
	return Provider{}, false
}
