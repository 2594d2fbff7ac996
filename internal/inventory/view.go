package inventory

import (
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// A View is one check's reading of an inventory. It records which kinds were
// asked for and which objects could not be decoded, so that silence can be told
// from having nothing to look at. A View is for one goroutine.
type View struct {
	inv    *Inventory
	asked  map[GroupKind]bool
	broken []Broken
	seen   map[*Object]bool // broken ones, each once
}

// Broken is an object that does not decode into the type that a check needs.
type Broken struct {
	Object *Object
	Err    error
}

// View starts a reading of the inventory.
func (inv *Inventory) View() *View {
	return &View{inv: inv, asked: map[GroupKind]bool{}, seen: map[*Object]bool{}}
}

// Asked reports the kinds that were asked for, sorted.
func (v *View) Asked() []GroupKind {
	var kinds []GroupKind
	for gk := range v.asked {
		kinds = append(kinds, gk)
	}
	slices.SortFunc(kinds, func(a, b GroupKind) int { return Key{GroupKind: a}.Compare(Key{GroupKind: b}) })
	return kinds
}

// Found reports whether any kind that was asked for has an object in the
// render, or nothing was asked.
func (v *View) Found() bool {
	for gk := range v.asked {
		for _, o := range v.inv.byKind[gk] {
			if o.Made == nil {
				return true
			}
		}
	}
	return len(v.asked) == 0
}

// Broken are the objects that could not be decoded as they were asked for.
func (v *View) Broken() []Broken { return slices.Clone(v.broken) }

// Inventory is what the view reads. Reading it directly leaves no record:
// mechanisms that several checks share do so, checks do not.
func (v *View) Inventory() *Inventory { return v.inv }

// All yields every rendered object.
func (v *View) All() iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		for _, o := range v.inv.objects {
			v.asked[o.Key.GroupKind] = true
			if !yield(o) {
				return
			}
		}
	}
}

// Of yields the rendered objects of the kinds, kind by kind.
func (v *View) Of(kinds ...GroupKind) iter.Seq[*Object] {
	return v.of(false, kinds)
}

// LiveOf yields the objects of the kinds that will exist in the cluster: the
// rendered ones and those that controllers make of them.
func (v *View) LiveOf(kinds ...GroupKind) iter.Seq[*Object] {
	return v.of(true, kinds)
}

func (v *View) of(made bool, kinds []GroupKind) iter.Seq[*Object] {
	for _, gk := range kinds {
		v.asked[gk] = true
	}
	return func(yield func(*Object) bool) {
		for _, gk := range kinds {
			for _, o := range v.inv.byKind[gk] {
				if (made || o.Made == nil) && !yield(o) {
					return
				}
			}
		}
	}
}

// Get finds an object that will exist, rendered or made; nil where none will.
// The namespace of cluster-scoped kinds is empty.
func (v *View) Get(gk GroupKind, namespace, name string) *Object {
	return v.inv.byKey[Key{gk, namespace, name}]
}

// Select returns the objects, made ones included, that a selector matches. An
// empty namespace means all.
func (v *View) Select(gk GroupKind, namespace string, selector labels.Selector) []*Object {
	v.asked[gk] = true
	return v.inv.selecting(gk, namespace, selector)
}

// Namespace returns the labels of a namespace, and whether it will exist.
// Every namespace carries its name as a label.
func (v *View) Namespace(name string) (labels.Set, bool) {
	set := labels.Set{"kubernetes.io/metadata.name": name}
	for k, value := range v.inv.added[name] {
		set[k] = value
	}
	o := v.Get(namespaceKind, "", name)
	if o == nil {
		return set, false
	}
	for k, value := range o.Labels() {
		set[k] = value
	}
	return set, true
}

// A Kind is a kind of objects and the Go type to read them as. Objects of any
// version of the kind are read as that type: fields that differ are lost, so
// choose the version that all of them share.
type Kind[T any] struct {
	Group, Name string
}

// A Typed is an object and its decoded value. Neither may be changed.
type Typed[T any] struct {
	*Object
	Value *T
}

// GroupKind names the kind.
func (k Kind[T]) GroupKind() GroupKind { return GroupKind{k.Group, k.Name} }

// In yields the rendered objects of the kind. One that does not decode is left
// out and recorded in the view: the check that asked is undecided about it.
func (k Kind[T]) In(v *View) iter.Seq[Typed[T]] { return k.typed(v, v.Of(k.GroupKind())) }

// Live yields the objects of the kind that will exist in the cluster.
func (k Kind[T]) Live(v *View) iter.Seq[Typed[T]] { return k.typed(v, v.LiveOf(k.GroupKind())) }

// Get finds one object of the kind, rendered or made.
func (k Kind[T]) Get(v *View, namespace, name string) (Typed[T], bool) {
	o := v.Get(k.GroupKind(), namespace, name)
	if o == nil {
		return Typed[T]{}, false
	}
	return k.As(v, o)
}

// As reads an object as this kind's type.
func (k Kind[T]) As(v *View, o *Object) (Typed[T], bool) {
	value, err := decodeAs[T](o)
	if err != nil {
		if !v.seen[o] {
			v.seen[o] = true
			v.broken = append(v.broken, Broken{o, err})
		}
		return Typed[T]{}, false
	}
	return Typed[T]{o, value}, true
}

func (k Kind[T]) typed(v *View, objects iter.Seq[*Object]) iter.Seq[Typed[T]] {
	return func(yield func(Typed[T]) bool) {
		for o := range objects {
			if typed, ok := k.As(v, o); ok && !yield(typed) {
				return
			}
		}
	}
}

// Pairs yields the objects of a kind on two sides by key, the old side's order
// first: an added object has no old value, a removed one no new.
func (k Kind[T]) Pairs(old, new *View) iter.Seq2[*Typed[T], *Typed[T]] {
	return func(yield func(before, after *Typed[T]) bool) {
		matched := map[Key]bool{}
		for before := range k.In(old) {
			matched[before.Key] = true
			var other *Typed[T]
			if o := new.Get(before.Key.GroupKind, before.Key.Namespace, before.Key.Name); o != nil && o.Made == nil {
				after, ok := k.As(new, o)
				if !ok {
					continue
				}
				other = &after
			}
			if !yield(&before, other) {
				return
			}
		}
		for after := range k.In(new) {
			if !matched[after.Key] && !yield(nil, &after) {
				return
			}
		}
	}
}
