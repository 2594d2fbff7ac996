package rbac

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var bindingBesidePurpose = &checks.Check{
	ID:       "rbac/binding-beside-purpose",
	Severity: checks.Warning,
	Doc: `binding does not grant what its name says

A binding is called pipeline-runner-pvc-access, or its annotation says that it
lets steps create volumes, and it binds view, which only reads: the run fails
with "persistentvolumeclaims is forbidden". The words of the binding's name and
of its describing annotations are held against what its role grants on the
resources that they stand for.

A binding whose words say that it reads (view, read, list, get, watch, monitor)
need only read. Words that are the name of the subject or of the role are no
purpose: the roles of upstream's components are called after the components.
It is a warning, because names may lie.`,
	Fix:   "Bind a role that may create, update and delete what the binding is for, or rename the binding.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles", "kubeflow/pipelines#6530"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		for _, b := range policy.Bindings() {
			if !rendered(b.Object) || b.Role == nil {
				continue
			}
			text, place := purposeOf(b)
			reads := slices.ContainsFunc(text, func(w string) bool { return slices.Contains(readingWords, w) })
			writes := slices.ContainsFunc(text, func(w string) bool { return slices.Contains(writingWords, w) })
			for _, p := range purposes {
				word := ""
				for _, w := range text {
					if slices.Contains(p.words, w) {
						word = w
					}
				}
				if word == "" {
					continue
				}
				may := func(verb string) bool {
					return b.Role.Allows(access.Attributes{Verb: verb, Group: p.group, Resource: p.resource})
				}
				name := access.ResourceName(p.group, p.resource)
				switch {
				case !may("get") && !may("list") && !may("create"):
					if p.sure || writes || reads {
						pass.Reportf(place, "%s speaks of %s, and %s grants nothing on %s", b, word, b.Role, name).
							See(b.Object.At("roleRef", "name"), "the role that it binds")
					}
				case !may("create") && (!reads || writes):
					pass.Reportf(place, "%s speaks of %s, and %s may only read %s", b, word, b.Role, name).
						See(b.Object.At("roleRef", "name"), "the role that it binds")
				}
			}
		}
	},
}

var (
	readingWords = []string{"view", "viewer", "viewers", "read", "reader", "readers", "readonly", "list", "lister", "get", "watch", "watcher", "monitor", "monitoring", "observe", "metrics", "scrape"}
	writingWords = []string{"create", "creates", "creator", "write", "writer", "edit", "editor", "manage", "manager", "provision", "provisioner", "make", "mount"}
)

// purposes are the words for resources. sure says that the word is hardly ever
// used for anything else.
var purposes = []struct {
	words           []string
	group, resource string
	sure            bool
}{
	{[]string{"pvc", "pvcs", "persistentvolumeclaim", "persistentvolumeclaims", "volumeclaim", "volumeclaims"}, "", "persistentvolumeclaims", true},
	{[]string{"configmap", "configmaps"}, "", "configmaps", true},
	{[]string{"inferenceservice", "inferenceservices", "isvc"}, "serving.kserve.io", "inferenceservices", true},
	{[]string{"notebook", "notebooks"}, "kubeflow.org", "notebooks", false},
	{[]string{"experiment", "experiments"}, "kubeflow.org", "experiments", false},
	{[]string{"pytorchjob", "pytorchjobs"}, "kubeflow.org", "pytorchjobs", true},
	{[]string{"tfjob", "tfjobs"}, "kubeflow.org", "tfjobs", true},
	{[]string{"workflow", "workflows"}, "argoproj.io", "workflows", false},
	{[]string{"sparkapplication", "sparkapplications"}, "sparkoperator.k8s.io", "sparkapplications", true},
}

// purposeOf are the words of a binding's name and description, without those
// of its subjects and role, and where they stand.
func purposeOf(b *access.Binding) (words []string, place inventory.Place) {
	// What the binding is named after says nothing about what it is for.
	without := wordsOf(b.RoleRef.Name)
	for _, s := range b.Subjects {
		without = append(without, wordsOf(s.Name)...)
	}
	place = b.Object.At("roleRef", "name")
	for _, w := range wordsOf(b.Name) {
		if !slices.Contains(without, w) {
			words = append(words, w)
		}
	}
	for _, key := range sortedKeys(b.Object.Annotations()) {
		_, name, _ := strings.Cut("/"+key, "/")
		name = name[strings.LastIndex(name, "/")+1:]
		if slices.Contains([]string{"description", "purpose", "comment", "note", "reason", "why"}, strings.ToLower(name)) {
			words = append(words, wordsOf(b.Object.Annotations()[key])...)
		}
	}
	return words, place
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !(r >= 'a' && r <= 'z') })
}
