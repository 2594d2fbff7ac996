package workload

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

var missingConfigMap = &checks.Check{
	ID:       "workload/missing-config-map",
	Severity: checks.Error,
	Doc: `pod takes a ConfigMap that nobody makes

A pod that mounts a ConfigMap which is not there stays in ContainerCreating
(` + "`configmap \"x\" not found`" + `); one that takes a variable from it stays in
CreateContainerConfigError. A ConfigMap is found only in the pod's own namespace,
and only under its whole name: generators of kustomize add a hash, which only
references in places that kustomize knows follow.

Optional references are left out, and ConfigMaps that something makes at run time:
` + "`istio-ca-root-cert`" + `, ` + "`kube-root-ca.crt`" + `, the bundles of trust-manager, what the
profile controllers make in a Profile's namespace. In such a namespace, where
users make ConfigMaps too, and in one that is not rendered, it is a warning.`,
	Fix: "Render the ConfigMap in the pod's namespace, or name the one that is there.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#restrictions",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		checked := false
		for ref := range refs.All(pass.Render) {
			if ref.Kind != refs.ConfigMap || ref.Optional {
				continue
			}
			checked = true
			search := lookFor(pass.Render, ref)
			if search.exists {
				continue
			}
			home := pass.Render.Get(namespaceKind, "", ref.Pod.Namespace)
			var f *checks.Finding
			switch {
			case home != nil && home.Made != nil:
				f = pass.Reportf(ref.Place, "%s %s, which is not rendered in the namespace of %s%s", ref.What, ref, home.Made.By.Key, search.hint).As(checks.Warning)
			case home != nil || search.hashed != nil || ref.Pod.Namespace == inventory.DefaultNamespace:
				f = pass.Reportf(ref.Place, "%s %s, which nobody makes%s", ref.What, ref, search.hint)
			default:
				f = pass.Reportf(ref.Place, "%s %s, which is not rendered%s", ref.What, ref, search.hint).As(checks.Warning)
			}
			search.see(f)
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// A search tells what is known of the object that a reference names.
type search struct {
	exists bool
	// hashed has the name with a generator's hash (or the name without its),
	// elsewhere has it in another namespace.
	hashed, elsewhere *inventory.Object
	hint              string
	slip              bool // another name is surely meant
}

// lookFor looks for what a reference names.
func lookFor(v *inventory.View, ref refs.Ref) search {
	if v.Get(ref.Kind, ref.Pod.Namespace, ref.Name) != nil {
		return search{exists: true}
	}
	if _, ok := kubeflow.MakesConfig(v, ref.Kind.Kind, ref.Pod.Namespace, ref.Name); ok {
		return search{exists: true}
	}
	var s search
	var names []string
	for o := range v.LiveOf(ref.Kind) {
		switch {
		case o.Key.Namespace != ref.Pod.Namespace:
			if o.Key.Name == ref.Name && s.elsewhere == nil {
				s.elsewhere = o
			}
		case hashOf(o.Key.Name, ref.Name) || hashOf(ref.Name, o.Key.Name) || withoutHash(o.Key.Name) != o.Key.Name && withoutHash(o.Key.Name) == withoutHash(ref.Name):
			s.hashed = o
			s.hint = "; the one that is rendered is called " + o.Key.Name
		default:
			names = append(names, o.Key.Name)
		}
	}
	if s.hint == "" {
		slices.Sort(names)
		s.hint = near.Hint(ref.Name, names)
		for _, word := range near.Words(ref.Name, names) {
			s.slip = s.slip || near.Close(ref.Name, word)
		}
	}
	return s
}

// see names the objects that may be meant.
func (s search) see(f *checks.Finding) {
	if s.hashed != nil {
		f.See(s.hashed.At("metadata", "name"), "a generator gave it this name; what kustomize does not know as a reference keeps the old one")
	} else if s.elsewhere != nil {
		f.See(s.elsewhere.At("metadata", "namespace"), "%s is in another namespace", s.elsewhere.Key)
	}
}

// generated is the hash that kustomize adds: ten letters and digits, without
// vowels and what looks like another letter.
var generated = regexp.MustCompile(`^(.+)-[2456789bcdfghkmt]{10}$`)

func hashOf(name, plain string) bool {
	m := generated.FindStringSubmatch(name)
	return m != nil && m[1] == plain
}

func withoutHash(name string) string {
	if m := generated.FindStringSubmatch(name); m != nil {
		return strings.TrimSuffix(m[1], "-")
	}
	return name
}
