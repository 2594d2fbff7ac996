package inventory

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// An Inventory is the indexed objects of one render.
type Inventory struct {
	objects []*Object
	made    []*Object
	byKey   map[Key]*Object
	byKind  map[GroupKind][]*Object // in order of the render, made ones last
	byLabel map[[2]string][]*Object // label name and value
	kinds   map[string][]GroupKind  // by kind, to find the group of a name

	// added are the labels that controllers give to rendered namespaces.
	added map[string]labels.Set
}

// A Duplicate is the same object given twice.
type Duplicate struct {
	First, Second *Object
}

func (d *Duplicate) Error() string {
	at := func(o *Object) string {
		origin := o.At("metadata", "name").Origin()
		return fmt.Sprintf("%s:%d", origin.File, origin.Line)
	}
	return fmt.Sprintf("%s: %s is given twice; the other one is at %s", at(d.Second), d.Second.Key, at(d.First))
}

// New indexes the objects of a render. The same object twice is an error of
// type [*Duplicate]: apply would keep only one of them.
func New(objects []*Object) (*Inventory, error) {
	inv := &Inventory{objects: slices.Clone(objects)}
	if err := inv.index(); err != nil {
		return nil, err
	}
	return inv, nil
}

// WithMade returns an inventory of the rendered objects and of those that
// controllers will create; ones made before are not kept. One that the render
// holds already is left out, but a namespace gets the labels of the made one
// that it does not have itself: the profile controller adds those.
func (inv *Inventory) WithMade(made []*Object) *Inventory {
	more := &Inventory{objects: inv.objects, added: map[string]labels.Set{}}
	for _, o := range made {
		inv.settleScope(o)
		if o.Key.GroupKind == namespaceKind {
			more.added[o.Key.Name] = o.Labels()
		}
		if known := inv.byKey[o.Key]; known == nil || known.Made != nil {
			more.made = append(more.made, o)
		}
	}
	slices.SortStableFunc(more.made, func(a, b *Object) int { return a.Key.Compare(b.Key) })
	if err := more.index(); err != nil {
		// Two controllers make the same object: the first stands.
		seen := map[Key]bool{}
		more.made = slices.DeleteFunc(more.made, func(o *Object) bool {
			again := seen[o.Key]
			seen[o.Key] = true
			return again
		})
		if err := more.index(); err != nil {
			panic("inventory: made objects cannot collide: " + err.Error())
		}
	}
	return more
}

func (inv *Inventory) index() error {
	inv.byKey = make(map[Key]*Object, len(inv.objects)+len(inv.made))
	inv.byKind = map[GroupKind][]*Object{}
	inv.byLabel = map[[2]string][]*Object{}
	inv.kinds = map[string][]GroupKind{}
	for _, o := range inv.objects {
		if o.Key.GroupKind == crd {
			inv.byKind[crd] = append(inv.byKind[crd], o)
		}
	}
	for _, o := range inv.objects {
		inv.settleScope(o)
	}
	delete(inv.byKind, crd)
	for _, o := range slices.Concat(inv.objects, inv.made) {
		if first, dup := inv.byKey[o.Key]; dup {
			return &Duplicate{First: first, Second: o}
		}
		inv.byKey[o.Key] = o
		if len(inv.byKind[o.Key.GroupKind]) == 0 {
			inv.kinds[o.Key.Kind] = append(inv.kinds[o.Key.Kind], o.Key.GroupKind)
		}
		inv.byKind[o.Key.GroupKind] = append(inv.byKind[o.Key.GroupKind], o)
		if o.Key.GroupKind != crd {
			for name, value := range o.Labels() {
				label := [2]string{name, value}
				inv.byLabel[label] = append(inv.byLabel[label], o)
			}
		}
	}
	return nil
}

var namespaceKind = GroupKind{"", "Namespace"}

var crd = GroupKind{"apiextensions.k8s.io", "CustomResourceDefinition"}

// settleScope makes the key's namespace what the API server would make it.
func (inv *Inventory) settleScope(o *Object) {
	if inv.ClusterScoped(o.Key.GroupKind) {
		o.Key.Namespace = ""
	} else if o.Key.Namespace == "" {
		o.Key.Namespace = DefaultNamespace
	}
}

// ClusterScoped reports whether a kind lives outside namespaces, by the CRDs of
// the render and the built-in kinds.
func (inv *Inventory) ClusterScoped(gk GroupKind) bool {
	for _, o := range inv.byKind[crd] {
		if o.String("spec", "group") == gk.Group && o.String("spec", "names", "kind") == gk.Kind {
			return o.String("spec", "scope") == "Cluster"
		}
	}
	return clusterScoped[gk]
}

// Len is the number of rendered objects.
func (inv *Inventory) Len() int { return len(inv.objects) }

// Objects are the rendered objects, in the order of the render.
func (inv *Inventory) Objects() []*Object { return slices.Clone(inv.objects) }

// Get finds an object by key, made ones included.
func (inv *Inventory) Get(key Key) *Object { return inv.byKey[key] }

// Kinds are the kinds of the objects, made ones included, sorted.
func (inv *Inventory) Kinds() []GroupKind {
	var kinds []GroupKind
	for gk := range inv.byKind {
		kinds = append(kinds, gk)
	}
	slices.SortFunc(kinds, func(a, b GroupKind) int { return Key{GroupKind: a}.Compare(Key{GroupKind: b}) })
	return kinds
}

// selecting returns the objects of a kind and namespace that a label selector
// matches. An empty namespace means all.
func (inv *Inventory) selecting(gk GroupKind, namespace string, selector labels.Selector) []*Object {
	candidates := inv.byKind[gk]
	requirements, _ := selector.Requirements()
	for _, r := range requirements {
		if values := r.Values(); values.Len() == 1 && (r.Operator() == "=" || r.Operator() == "in" || r.Operator() == "==") {
			if labelled := inv.byLabel[[2]string{r.Key(), values.UnsortedList()[0]}]; len(labelled) < len(candidates) {
				candidates = labelled
			}
		}
	}
	var selected []*Object
	for _, o := range candidates {
		if o.Key.GroupKind == gk && (namespace == "" || o.Key.Namespace == namespace) && selector.Matches(o.Labels()) {
			selected = append(selected, o)
		}
	}
	return selected
}
