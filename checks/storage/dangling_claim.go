package storage

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var danglingClaim = &checks.Check{
	ID:       "storage/dangling-claim",
	Severity: checks.Error,
	Doc: `pod names a volume claim that nobody makes

The pod stays Pending: ` + "`persistentvolumeclaim \"x\" not found`" + `. A claim is
found only in the pod's own namespace, so a claim that a namespace transformer
moved, or that stands in another namespace, does not help.

Claims are looked for among the rendered ones, those of StatefulSets
(` + "`template-set-0`" + `) and those that operators make under their object's name.
Places in custom resources that end in a pod count too: a Tensorboard's or
InferenceService's pvc:// address, the volumes of training jobs, and the claims
that the notebook form mounts by default, which every Profile's namespace needs.

In a namespace that a Profile makes, users make claims at run time: there it is
a warning. In a namespace that is not part of the render it is undecided, unless
the render holds the claim elsewhere or one with nearly that name.`,
	Fix: "Render the claim in the pod's namespace, or name the one that is there.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#claims-as-volumes",
		"kubeflow/manifests#3258",
		"kubeflow/pipelines#11965",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		uses := volumes.Uses(v)
		if len(uses) == 0 {
			pass.NotApplicable() // unless a claim is to be cloned, or a form says so
		}
		ofTemplates := templatedNames(v)
		notebookSources(pass, ofTemplates)
		for _, use := range uses {
			if claimMade(v, ofTemplates, use.Namespace, use.Claim) {
				continue
			}
			reportDangling(pass, use.Place, fmt.Sprintf("%s mounts claim %s", use.Owner.Key, use.Claim), use.Namespace, use.Claim)
		}
		for pvc := range volumes.PersistentVolumeClaims.In(v) {
			source := pvc.Value.Spec.DataSource
			if source != nil && source.Kind == claimKind.Kind && (source.APIGroup == nil || *source.APIGroup == "") &&
				!claimMade(v, ofTemplates, pvc.Key.Namespace, source.Name) {
				reportDangling(pass, pvc.At("spec", "dataSource", "name"), fmt.Sprintf("%s is to be cloned from claim %s", pvc.Key, source.Name), pvc.Key.Namespace, source.Name)
			}
		}
	},
}

// notebookSources judges the claims that the notebook form mounts by default:
// every user's namespace must have them.
func notebookSources(pass *checks.Pass, ofTemplates map[string][]*regexp.Regexp) {
	v := pass.Render
	for o := range v.Of(inventory.GroupKind{Kind: "ConfigMap"}) {
		if o.String("data", kubeflow.SpawnerConfigKey) == "" {
			continue
		}
		for _, volume := range volumes.NotebookVolumes(o) {
			path := inventory.Path{"existingSource", "persistentVolumeClaim", "claimName"}
			value, _ := inventory.Lookup(volume.Content, path)
			claim, _ := value.(string)
			if !volumes.FilledIn(claim) {
				continue
			}
			for profile := range v.Of(inventory.GroupKind{Group: "kubeflow.org", Kind: "Profile"}) {
				if volumes.FilledIn(profile.Key.Name) && !claimMade(v, ofTemplates, profile.Key.Name, claim) {
					reportDangling(pass, volume.At(path), "the "+volume.What+" mounts claim "+claim, profile.Key.Name, claim)
				}
			}
		}
	}
}

func reportDangling(pass *checks.Pass, place inventory.Place, what, namespace, claim string) {
	v := pass.Render
	var elsewhere *inventory.Object
	var names []string
	for o := range v.Of(claimKind) {
		if o.Key.Name == claim && elsewhere == nil {
			elsewhere = o
		}
		if o.Key.Namespace == namespace {
			names = append(names, o.Key.Name)
		}
	}
	home := v.Get(namespaceKind, "", namespace)
	hint := near.Hint(claim, names)
	var f *checks.Finding
	switch {
	case home != nil && home.Made == nil:
		f = pass.Reportf(place, "%s, which nobody makes in namespace %s%s", what, namespace, hint)
	case home != nil:
		f = pass.Reportf(place, "%s, which is not rendered in namespace %s of %s%s", what, namespace, home.Made.By.Key, hint).As(checks.Warning)
	case elsewhere != nil || hint != "":
		f = pass.Reportf(place, "%s, which is not rendered in namespace %s%s", what, namespace, hint).As(checks.Warning)
	default:
		f = pass.Undecidedf(place, "%s, which is not rendered, in namespace %s, which is not rendered either", what, namespace)
	}
	if elsewhere != nil {
		f.See(elsewhere.At("metadata", "namespace"), "the claim of that name is in namespace %s", elsewhere.Key.Namespace)
	}
}

// templatedNames are the claims of StatefulSets, as patterns: the number of
// replicas may grow.
func templatedNames(v *inventory.View) map[string][]*regexp.Regexp {
	found := map[string][]*regexp.Regexp{}
	for o := range v.LiveOf(inventory.GroupKind{Group: "apps", Kind: "StatefulSet"}) {
		for _, name := range volumes.TemplateNames(o) {
			pattern := regexp.MustCompile("^" + regexp.QuoteMeta(name+"-"+o.Key.Name) + `-\d+$`)
			found[o.Key.Namespace] = append(found[o.Key.Namespace], pattern)
		}
	}
	return found
}

func claimMade(v *inventory.View, ofTemplates map[string][]*regexp.Regexp, namespace, name string) bool {
	if v.Get(claimKind, namespace, name) != nil {
		return true
	}
	for _, kind := range kubeflow.ClaimMakers() {
		if v.Get(kind, namespace, name) != nil {
			return true
		}
	}
	for _, pattern := range ofTemplates[namespace] {
		if pattern.MatchString(name) {
			return true
		}
	}
	// Generated names are not known beforehand.
	return strings.HasSuffix(name, "-")
}
