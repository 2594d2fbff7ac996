package storage

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var claimCannotBind = &checks.Check{
	ID:       "storage/claim-cannot-bind",
	Severity: checks.Error,
	Doc: `claim and the volume made for it do not come together

A claim that names a volume (volumeName), for which one is kept (claimRef), or
whose class has only volumes made by hand, binds if class, size, access modes,
volumeMode and selector agree; else it stays Pending. The rules are the volume
controller's: a volume that names the claim by claimRef needs no equal class,
and if each names the other nothing is compared at all.

Reported too: two claims that name one volume; a volume kept for a claim of
another namespace, or for a claim by its uid, which is another one wherever it
is created anew; a claim copied from a cluster with the mark that it is bound
already, which makes it Lost; a volume that Katib or KServe makes along with a
claim that does not match it; a selector on a class whose driver makes volumes (drivers
refuse selectors), and a claim without a class beside a volume without one: the
default class of the cluster takes the claim, and only storageClassName "" keeps
it from that.

A volume that the render does not hold may exist in the cluster: undecided. So
may one for the empty class, which is a warning.`,
	Fix: "Make the claim and the PersistentVolume agree.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding",
		"https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/volume/persistentvolume/pv_controller.go",
		"kubeflow/kubeflow#2076",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		classes := volumes.ClassesOf(pass.Render, pass.Cluster)
		claims := volumes.Claims(pass.Render)
		if len(claims) == 0 && len(classes.Volumes) == 0 {
			pass.NotApplicable()
		}
		b := &binder{pass: pass, classes: classes, named: map[string]*volumes.Claim{}, taken: map[string]bool{}}
		// Claims that name a volume, or are named by one, come first: the others
		// share what is left.
		var rest []*volumes.Claim
		for _, c := range claims {
			b.copied(c)
			switch {
			case c.Volume != nil:
				b.alongside(c)
			case c.Spec.VolumeName != "":
				b.byName(c)
			case b.kept(c) != nil:
				b.byReference(c, *b.kept(c))
			default:
				rest = append(rest, c)
			}
		}
		for _, c := range rest {
			b.byClass(c)
		}
		b.references()
	},
}

type typedVolume = inventory.Typed[corev1.PersistentVolume]

type binder struct {
	pass    *checks.Pass
	classes *volumes.Classes
	named   map[string]*volumes.Claim // by the volume that it names
	taken   map[string]bool           // volumes that a claim of their class got
}

func (b *binder) volume(name string) *typedVolume {
	for i := range b.classes.Volumes {
		if b.classes.Volumes[i].Key.Name == name {
			return &b.classes.Volumes[i]
		}
	}
	return nil
}

// kept finds the volume whose claimRef names a claim.
func (b *binder) kept(c *volumes.Claim) *typedVolume {
	for i := range b.classes.Volumes {
		if _, mine := volumes.Reserved(b.classes.Volumes[i].Value, c); mine {
			return &b.classes.Volumes[i]
		}
	}
	return nil
}

// generatedVolume is how provisioners name their volumes: such a name in a
// manifest was copied from a running cluster.
var generatedVolume = regexp.MustCompile(`^pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (b *binder) byName(c *volumes.Claim) {
	name := c.Spec.VolumeName
	at := c.At("spec", "volumeName")
	if first, twice := b.named[name]; twice && first != c {
		b.pass.Reportf(at, "%s names volume %s, as %s does: one of them stays Pending", c.What, name, first.What).
			See(first.At("spec", "volumeName"), "the other claim")
		return
	}
	b.named[name] = c
	if c.Count > 1 {
		b.pass.Reportf(at, "%s names volume %s for each of %d pods: one volume serves one claim", c.What, name, c.Count)
		return
	}
	volume := b.volume(name)
	if volume == nil {
		switch {
		case generatedVolume.MatchString(name):
			b.pass.Reportf(at, "%s names volume %s, which a provisioner made for a claim of another cluster: here the claim stays Pending", c.What, name).
				As(checks.Warning).WithFix("Remove volumeName from the claim.")
		case len(b.classes.Volumes) > 0:
			b.pass.Reportf(at, "%s names volume %s, which is not among the rendered PersistentVolumes", c.What, name).As(checks.Warning)
		default:
			b.pass.Undecidedf(at, "%s names volume %s, which is not rendered: the cluster's volumes are not known", c.What, name)
		}
		return
	}
	reserved, mine := volumes.Reserved(volume.Value, c)
	if mine {
		return
	}
	if reserved {
		ref := volume.Value.Spec.ClaimRef
		b.pass.Reportf(at, "%s names volume %s, which is kept for claim %s/%s", c.What, name, ref.Namespace, ref.Name).
			See(volume.At("spec", "claimRef"), "the claim that the volume is kept for")
		return
	}
	for _, m := range volumes.Mismatches(c, volume.Value) {
		b.mismatch(c, volume, m)
	}
	b.compareClass(c, volume)
}

func (b *binder) mismatch(c *volumes.Claim, volume *typedVolume, m volumes.Mismatch) *checks.Finding {
	return b.pass.Reportf(c.At(m.Claim), "%s cannot bind to %s: %s", c.What, volume.Key, m.Reason).
		See(volume.At(m.Volume), "the volume's side")
}

// compareClass compares the classes of a claim and the volume that it names.
func (b *binder) compareClass(c *volumes.Claim, volume *typedVolume) {
	have := volumes.VolumeClass(volume.Value)
	volumeAt := volume.At("spec", "storageClassName")
	want, asked := c.Class()
	if asked {
		if want != have {
			b.pass.Reportf(c.ClassAt(), "%s cannot bind to %s: storage class %q is not %q", c.What, volume.Key, want, have).See(volumeAt, "the volume's class")
		}
		return
	}
	switch class, answer := b.classes.Of(c); answer {
	case volumes.Found:
		if class.Name != have {
			b.pass.Reportf(c.ClassAt(), "%s cannot bind to %s: it gets the default storage class %s, and the volume has %q", c.What, volume.Key, class.Name, have).
				See(volumeAt, "the volume's class").WithFix("Set storageClassName: %q on the claim.", have)
		}
	case volumes.NoDefault:
		if have != "" {
			b.pass.Reportf(c.ClassAt(), "%s cannot bind to %s: it has no storage class, and the volume has %q", c.What, volume.Key, have).See(volumeAt, "the volume's class")
		}
	case volumes.Unknown:
		b.pass.Reportf(c.ClassAt(), "%s names no storage class: the default class of a cluster would keep it from %s, which has %q", c.What, volume.Key, have).
			As(checks.Warning).See(volumeAt, "the volume's class").WithFix("Set storageClassName: %q on the claim.", have)
	}
}

// boundMark says on a claim that the controller has bound it.
const boundMark = "pv.kubernetes.io/bind-completed"

// copied judges a claim that carries the mark of being bound: the controller
// looks for the volume and declares the claim Lost where there is none.
func (b *binder) copied(c *volumes.Claim) {
	if _, marked := c.Annotations[boundMark]; !marked || c.Origin != volumes.Given {
		return
	}
	at := c.At("metadata", "annotations", boundMark)
	switch {
	case c.Spec.VolumeName == "":
		b.pass.Reportf(at, "%s is marked as bound and names no volume: it is Lost", c.What).WithFix("Remove the annotations pv.kubernetes.io/* from the claim.")
	case b.volume(c.Spec.VolumeName) == nil:
		b.pass.Reportf(at, "%s is marked as bound to volume %s, which is not rendered: without it the claim is Lost", c.What, c.Spec.VolumeName).
			As(checks.Warning).WithFix("Remove the annotations pv.kubernetes.io/* from the claim.")
	}
}

// alongside judges a claim whose controller makes a volume along with it.
func (b *binder) alongside(c *volumes.Claim) {
	volume := &corev1.PersistentVolume{Spec: *c.Volume}
	for _, m := range volumes.Mismatches(c, volume) {
		b.pass.Reportf(c.At(m.Claim), "%s cannot bind to the volume made along with it: %s", c.What, m.Reason).
			See(c.VolumeAt.At(m.Volume[1:]), "the volume's side")
	}
	want, asked := c.Class()
	have := c.Volume.StorageClassName
	if class, answer := b.classes.Of(c); !asked && answer == volumes.Found {
		want, asked = class.Name, true
	}
	if asked && want != have {
		b.pass.Reportf(c.ClassAt(), "%s cannot bind to the volume made along with it: storage class %q is not %q", c.What, want, have).
			See(c.VolumeAt, "the volume")
	}
}

// byReference judges a claim that a volume is kept for. The class does not
// count.
func (b *binder) byReference(c *volumes.Claim, volume typedVolume) {
	for _, m := range volumes.Mismatches(c, volume.Value) {
		b.mismatch(c, &volume, m)
	}
}

// byClass judges a claim that names no volume.
func (b *binder) byClass(c *volumes.Claim) {
	name, asked := c.Class()
	class, answer := b.classes.Of(c)
	if answer == volumes.Found && !class.Static() {
		if c.Spec.Selector != nil && !b.take(c, class.Name) {
			b.pass.Reportf(c.At("spec", "selector"), "%s has a selector, and storage class %s (%s) makes volumes for claims without one only", c.What, class.Name, class.Provisioner).
				See(class.At("provisioner"), "the provisioner of class %s", class.Name)
		}
		return
	}
	if !asked {
		b.withoutClass(c)
		return
	}
	candidates := b.classes.VolumesOf(name)
	static := answer == volumes.Static || answer == volumes.Found
	if !static && len(candidates) == 0 {
		return // the class is missing or not known: another check says so
	}
	for i := range max(1, c.Count) {
		if b.take(c, name) {
			continue
		}
		if answer == volumes.Unknown {
			// The cluster may have a class of that name that makes volumes: only
			// a free volume that misses the claim is worth a word.
			if _, known := kubeflow.ProvisionerOfClassName(name); !known {
				if f := b.missed(c, candidates); f != nil {
					f.As(checks.Warning)
				}
			}
			return
		}
		b.unserved(c, name, candidates, i)
		return
	}
}

// take gives a claim a volume of a class that no other claim has.
func (b *binder) take(c *volumes.Claim, class string) bool {
	for _, volume := range b.classes.VolumesOf(class) {
		if b.taken[volume.Key.Name] || b.named[volume.Key.Name] != nil || volume.Value.Spec.ClaimRef != nil {
			continue
		}
		if len(volumes.Mismatches(c, volume.Value)) == 0 && len(volumes.SelectorMismatch(c, volume.Value)) == 0 {
			b.taken[volume.Key.Name] = true
			return true
		}
	}
	return false
}

// unserved reports a claim that no volume of its class serves, served counting
// those of its kind that got one.
func (b *binder) unserved(c *volumes.Claim, class string, candidates []typedVolume, served int) {
	what := fmt.Sprintf("storage class %s", class)
	if class == "" {
		what = "no storage class"
	}
	if len(candidates) == 0 && class != "" {
		b.pass.Undecidedf(c.ClassAt(), "%s asks for a volume of %s, which are made by hand: the cluster's volumes are not known", c.What, what)
		return
	}
	if len(candidates) == 0 {
		b.pass.Reportf(c.ClassAt(), "%s asks for a volume of %s, which nothing makes, and the render has none", c.What, what).As(checks.Warning).
			WithFix("Render a PersistentVolume for the claim, or name a class that makes volumes.")
		return
	}
	if b.missed(c, candidates) != nil {
		return
	}
	if c.Count > 1 {
		b.pass.Reportf(c.ClassAt(), "%s makes %d claims of %s, and the render has volumes for %d", c.What, c.Count, what, served)
		return
	}
	f := b.pass.Reportf(c.ClassAt(), "%s asks for a volume of %s, and all of the render's are for other claims", c.What, what)
	for _, volume := range candidates {
		f.See(volume.At("spec"), "a volume of that class")
	}
}

// missed reports the first free volume that a claim misses, and why: that is
// the answer where there is one. It is nil where all volumes are taken.
func (b *binder) missed(c *volumes.Claim, candidates []typedVolume) *checks.Finding {
	for i := range candidates {
		volume := &candidates[i]
		if b.taken[volume.Key.Name] || b.named[volume.Key.Name] != nil || volume.Value.Spec.ClaimRef != nil {
			continue
		}
		if found := append(volumes.Mismatches(c, volume.Value), volumes.SelectorMismatch(c, volume.Value)...); len(found) > 0 {
			return b.mismatch(c, volume, found[0])
		}
	}
	return nil
}

// withoutClass judges a claim without a class where the default is not known or
// does not exist.
func (b *binder) withoutClass(c *volumes.Claim) {
	if c.Spec.Selector == nil {
		return
	}
	for _, volume := range b.classes.VolumesOf("") {
		if volume.Value.Spec.ClaimRef == nil && len(volumes.SelectorMismatch(c, volume.Value)) == 0 && !b.classes.Known {
			b.pass.Reportf(c.ClassAt(), "%s selects %s and names no storage class: the default class of a cluster would keep them apart", c.What, volume.Key).
				As(checks.Warning).See(volume.At("metadata", "labels"), "the labels that it selects").WithFix("Set storageClassName: \"\" on the claim.")
			return
		}
	}
}

// references judges volumes that are kept for a claim that is not there.
func (b *binder) references() {
	v := b.pass.Render
	for _, volume := range b.classes.Volumes {
		ref := volume.Value.Spec.ClaimRef
		if ref != nil && ref.UID != "" {
			b.pass.Reportf(volume.At("spec", "claimRef", "uid"), "%s is kept for the claim with uid %s: a claim that is created anew has another and cannot bind", volume.Key, ref.UID).
				WithFix("Remove uid and resourceVersion from claimRef.")
		}
		if ref == nil || v.Get(claimKind, ref.Namespace, ref.Name) != nil {
			continue
		}
		var others []string
		var other *inventory.Object
		for o := range v.Of(claimKind) {
			if o.Key.Name == ref.Name {
				others = append(others, o.Key.Namespace)
				other = o
			}
		}
		if other != nil {
			b.pass.Reportf(volume.At("spec", "claimRef", "namespace"), "%s is kept for claim %s of namespace %q, and the claim is in %s", volume.Key, ref.Name, ref.Namespace, strings.Join(others, ", ")).
				See(other.At("metadata", "namespace"), "the claim")
		}
	}
}
