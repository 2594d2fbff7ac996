package storage

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var viewerWithoutClaim = &checks.Check{
	ID:       "storage/viewer-without-claim",
	Severity: checks.Error,
	Doc: `PVC viewer does not mount the claim that it shows

The webhook of the PVC viewer controller refuses a viewer whose podSpec has no
volume with the claim of spec.pvc (` + "`PVC x must be used in the podSpec`" + `). The
volumes web app makes every viewer of viewer-spec.yaml, so that a mistake there
breaks all of them. Without a podSpec the controller takes its own, which is
right. $NAME and $PVC_NAME are the same claim.`,
	Fix: "Give the podSpec a volume whose claimName equals pvc.",
	Refs: []string{
		"https://github.com/kubeflow/kubeflow/blob/master/components/pvcviewer-controller/api/v1alpha1/pvcviewer_webhook.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		for o := range pass.Render.Of(configMapKind) {
			if o.String("data", kubeflow.ViewerSpecKey) == "" {
				continue
			}
			found = true
			doc, err := o.At("data", kubeflow.ViewerSpecKey).Document()
			if err != nil {
				pass.Reportf(o.At("data", kubeflow.ViewerSpecKey), "the viewer of %s is not YAML: %s", o.Key, strings.TrimPrefix(err.Error(), "yaml: "))
				continue
			}
			content, err := doc.Content()
			if err != nil {
				continue
			}
			judgeViewer(pass, "the viewer of "+o.Key.String(), content, doc.At)
		}
		for o := range pass.Render.Of(inventory.GroupKind{Group: "kubeflow.org", Kind: "PVCViewer"}) {
			found = true
			judgeViewer(pass, o.Key.String(), o.Get("spec"), func(steps ...any) inventory.Place { return o.At("spec", inventory.MakePath(steps...)) })
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func judgeViewer(pass *checks.Pass, what string, content any, at func(...any) inventory.Place) {
	get := func(path ...any) any {
		value, _ := inventory.Lookup(content, inventory.MakePath(path...))
		return value
	}
	claim, _ := get("pvc").(string)
	if claim == "" {
		pass.Reportf(at("pvc"), "%s names no claim", what)
		return
	}
	if podSpec, _ := get("podSpec").(map[string]any); len(podSpec) == 0 {
		return
	}
	list, _ := get("podSpec", "volumes").([]any)
	var others []int
	for i := range list {
		named, ok := get("podSpec", "volumes", i, "persistentVolumeClaim", "claimName").(string)
		if ok && sameClaim(named, claim) {
			return
		}
		if ok {
			others = append(others, i)
		}
	}
	place := at("podSpec", "volumes")
	if len(others) == 1 {
		place = at("podSpec", "volumes", others[0], "persistentVolumeClaim", "claimName")
	}
	pass.Reportf(place, "%s shows claim %s, and its podSpec has no volume with it", what, claim).See(at("pvc"), "the claim that it shows")
}

// sameClaim compares names in which the volumes web app puts the claim's.
func sameClaim(a, b string) bool {
	variables := strings.NewReplacer("${", "$", "}", "", "PVC_NAME", "NAME")
	return variables.Replace(a) == variables.Replace(b)
}
