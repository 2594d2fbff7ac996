// Package volumes models where data will live: the claims that will exist, the
// classes and volumes that can serve them, and the pods that mount them.
//
// It follows the volume controller of Kubernetes (pkg/controller/volume and
// component-helpers/storage), without its client.
package volumes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// PersistentVolumeClaims and PersistentVolumes are the kinds as their types.
var (
	PersistentVolumeClaims = inventory.Kind[corev1.PersistentVolumeClaim]{Name: "PersistentVolumeClaim"}
	PersistentVolumes      = inventory.Kind[corev1.PersistentVolume]{Name: "PersistentVolume"}
)

// An Origin says how a claim comes into being.
type Origin int

const (
	Given      Origin = iota // a PersistentVolumeClaim of the render
	Template                 // volumeClaimTemplates, one claim for each pod
	Ephemeral                // a volume of a pod that makes its own claim
	Configured               // Kubeflow makes it when users ask for something
)

// A Claim is a claim that will exist.
type Claim struct {
	Origin Origin
	Object *inventory.Object
	// What names the claim in messages.
	What string
	// Namespace is empty where users' namespaces will hold it.
	Namespace string
	// Name is empty where it is made up at run time; for a template it is the
	// template's.
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	Spec        corev1.PersistentVolumeClaimSpec
	// Count is how many such claims there will be.
	Count int
	// Optional claims are made only for users of one feature: the platform
	// works without them.
	Optional bool
	// Volume is the PersistentVolume that is made along with the claim, with
	// the place of its specification; nil where none is.
	Volume   *corev1.PersistentVolumeSpec
	VolumeAt inventory.Place

	at func(steps ...any) inventory.Place
}

// At names a field of the claim: "metadata" and "spec" are below.
func (c *Claim) At(steps ...any) inventory.Place { return c.at(steps...) }

// Class is the name of the class that the claim asks for, and whether it asks
// for one at all: the empty name asks for a volume that has none. The old
// annotation goes before the field.
func (c *Claim) Class() (name string, asked bool) {
	if name, asked := c.Annotations[corev1.BetaStorageClassAnnotation]; asked {
		return name, true
	}
	if c.Spec.StorageClassName != nil {
		return *c.Spec.StorageClassName, true
	}
	return "", false
}

// ClassAt is the place that names the class, or where it should.
func (c *Claim) ClassAt() inventory.Place {
	if _, asked := c.Annotations[corev1.BetaStorageClassAnnotation]; asked {
		return c.At("metadata", "annotations", corev1.BetaStorageClassAnnotation)
	}
	return c.At("spec", "storageClassName")
}

// Mode is the claim's volume mode.
func (c *Claim) Mode() corev1.PersistentVolumeMode { return modeOf(c.Spec.VolumeMode) }

func modeOf(mode *corev1.PersistentVolumeMode) corev1.PersistentVolumeMode {
	if mode == nil {
		return corev1.PersistentVolumeFilesystem
	}
	return *mode
}

// Once reports whether the volume may be used from one node only, or by one
// pod only.
func (c *Claim) Once() bool {
	for _, mode := range c.Spec.AccessModes {
		if mode == corev1.ReadWriteMany || mode == corev1.ReadOnlyMany {
			return false
		}
	}
	return len(c.Spec.AccessModes) > 0
}

// OncePerPod reports whether one pod only may use the volume.
func (c *Claim) OncePerPod() bool {
	return slices.Contains(c.Spec.AccessModes, corev1.ReadWriteOncePod)
}

// claimBody is what a claim and a template of one have in common.
type claimBody struct {
	Metadata struct {
		Name        string            `json:"name"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec corev1.PersistentVolumeClaimSpec `json:"spec"`
}

func decodeClaim(content any) (*claimBody, bool) {
	fields, ok := content.(map[string]any)
	if !ok {
		return nil, false
	}
	body := &claimBody{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, body); err != nil {
		return nil, false
	}
	return body, true
}

// Claims are all claims that the objects of the view will lead to: rendered
// ones, those of templates in whatever kind, and those that Kubeflow's
// configuration describes.
func Claims(v *inventory.View) []*Claim {
	var claims []*Claim
	for pvc := range PersistentVolumeClaims.In(v) {
		claims = append(claims, given(pvc))
	}
	for _, o := range v.Inventory().Objects() {
		if !holdsPods(o) {
			continue
		}
		claims = append(claims, templatesIn(o)...)
	}
	return append(claims, configured(v)...)
}

func given(pvc inventory.Typed[corev1.PersistentVolumeClaim]) *Claim {
	return &Claim{
		Origin: Given, Object: pvc.Object, What: pvc.Key.String(), Namespace: pvc.Key.Namespace, Name: pvc.Key.Name,
		Labels: pvc.Value.Labels, Annotations: pvc.Value.Annotations, Spec: pvc.Value.Spec, Count: 1, at: pvc.At,
	}
}

// GivenClaim finds a rendered claim.
func GivenClaim(v *inventory.View, namespace, name string) (*Claim, bool) {
	pvc, ok := PersistentVolumeClaims.Get(v, namespace, name)
	if !ok {
		return nil, false
	}
	return given(pvc), true
}

// noPods are the kinds, many and large, whose objects hold no pod templates.
var noPods = []string{
	"CustomResourceDefinition", "ConfigMap", "Secret", "Service", "ServiceAccount", "Namespace",
	"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "NetworkPolicy", "PodDisruptionBudget",
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "PersistentVolume", "PersistentVolumeClaim",
	"StorageClass", "VirtualService", "AuthorizationPolicy", "Gateway", "Certificate", "APIService",
}

func holdsPods(o *inventory.Object) bool { return !slices.Contains(noPods, o.Key.Kind) }

// templatesIn finds templates of claims wherever an object holds them: a
// StatefulSet's volumeClaimTemplates, an ephemeral volume's
// volumeClaimTemplate, and the same fields in custom resources.
func templatesIn(o *inventory.Object) []*Claim {
	var claims []*Claim
	add := func(path inventory.Path, content any, origin Origin, what string) {
		body, ok := decodeClaim(content)
		if !ok || len(body.Spec.AccessModes) == 0 {
			return
		}
		count := 1
		if n, ok := o.Get("spec", "replicas").(int64); ok && origin == Template {
			count = int(n)
		}
		name := body.Metadata.Name
		if name != "" {
			what += " " + name
		}
		claims = append(claims, &Claim{
			Origin: origin, Object: o, What: what + " of " + o.Key.String(), Namespace: o.Key.Namespace, Name: name,
			Labels: body.Metadata.Labels, Annotations: body.Metadata.Annotations, Spec: body.Spec, Count: count,
			at: func(steps ...any) inventory.Place { return o.At(path, inventory.MakePath(steps...)) },
		})
	}
	walk(o.Content(), nil, func(path inventory.Path, key string, value any) bool {
		switch key {
		case "volumeClaimTemplates":
			list, _ := value.([]any)
			for i, content := range list {
				add(path.Join(i), content, Template, "volume claim template")
			}
			return false
		case "persistentVolumeClaimSpec":
			// KServe's LocalModelNodeGroup, with the volume beside it.
			before := len(claims)
			add(path, map[string]any{"spec": value}, Template, "claim")
			if len(claims) > before {
				c := claims[before]
				c.at = withoutSpec(func(steps ...any) inventory.Place { return o.At(path, inventory.MakePath(steps...)) })
				beside := path[:len(path)-1].Join("persistentVolumeSpec")
				content, _ := inventory.Lookup(o.Content(), beside)
				c.Volume, c.VolumeAt = decodeVolume(content), o.At(beside)
			}
			return false
		case "volumeClaimTemplate":
			origin, what := Template, "volume claim template"
			if len(path) > 1 && path[len(path)-2] == "ephemeral" {
				origin, what = Ephemeral, "ephemeral volume"
				if name, ok := inventory.Lookup(o.Content(), path[:len(path)-2].Join("name")); ok {
					what = fmt.Sprintf("ephemeral volume %v", name)
				}
			}
			add(path, value, origin, what)
			return false
		}
		return true
	})
	return claims
}

// walk visits every field of decoded content in order; visit says whether to
// go on below it.
func walk(content any, path inventory.Path, visit func(path inventory.Path, key string, value any) bool) {
	switch content := content.(type) {
	case map[string]any:
		keys := make([]string, 0, len(content))
		for key := range content {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			if at := path.Join(key); visit(at, key, content[key]) {
				walk(content[key], at, visit)
			}
		}
	case []any:
		for i, item := range content {
			walk(item, path.Join(i), visit)
		}
	}
}

var configMaps = inventory.GroupKind{Kind: "ConfigMap"}

// configured reads the claims that Kubeflow's configuration describes.
func configured(v *inventory.View) []*Claim {
	var claims []*Claim
	for o := range v.Of(configMaps) {
		if o.String("data", kubeflow.SpawnerConfigKey) != "" {
			for _, volume := range NotebookVolumes(o) {
				if volume.Claim != nil {
					claims = append(claims, volume.Claim)
				}
			}
		}
		if o.String("data", kubeflow.KatibConfigKey) != "" {
			claims = append(claims, suggestionClaims(o)...)
		}
	}
	return claims
}

// A NotebookVolume is a volume that the notebook form offers by default.
type NotebookVolume struct {
	What    string
	Content map[string]any // nil where it is no mapping
	Claim   *Claim         // the one that it will make; nil where none
	At      func(steps ...any) inventory.Place
}

// NotebookVolumes reads the workspace and data volumes of the notebook form
// (components/crud-web-apps/jupyter/backend/apps/common/volumes.py). A form
// that does not parse has none.
func NotebookVolumes(o *inventory.Object) []NotebookVolume {
	doc, err := o.At("data", kubeflow.SpawnerConfigKey).Document()
	if err != nil {
		return nil
	}
	content, err := doc.Content()
	if err != nil {
		return nil
	}
	var volumes []NotebookVolume
	add := func(what string, path inventory.Path, value any) {
		fields, _ := value.(map[string]any)
		at := func(steps ...any) inventory.Place { return doc.At(path, inventory.MakePath(steps...)) }
		volume := NotebookVolume{What: what, Content: fields, At: at}
		if body, ok := decodeClaim(fields["newPvc"]); ok && fields["newPvc"] != nil {
			volume.Claim = &Claim{
				Origin: Configured, Object: o, What: "the claim of the " + what + " in " + o.Key.String(), Name: body.Metadata.Name,
				Labels: body.Metadata.Labels, Annotations: body.Metadata.Annotations, Spec: body.Spec, Count: 1,
				at: func(steps ...any) inventory.Place { return at("newPvc", inventory.MakePath(steps...)) },
			}
		}
		volumes = append(volumes, volume)
	}
	defaults := inventory.Path{"spawnerFormDefaults"}
	workspace := defaults.Join("workspaceVolume", "value")
	if value, ok := inventory.Lookup(content, workspace); ok && value != nil {
		add("workspace volume of new notebooks", workspace, value)
	}
	data := defaults.Join("dataVolumes", "value")
	value, _ := inventory.Lookup(content, data)
	list, _ := value.([]any)
	for i, item := range list {
		add(fmt.Sprintf("data volume %d of new notebooks", i+1), data.Join(i), item)
	}
	return volumes
}

// suggestionClaims reads what Katib's configuration says about the volumes of
// algorithms (pkg/apis/config/v1beta1/types.go). An algorithm without a
// specification gets a claim of Katib's own making.
func suggestionClaims(o *inventory.Object) []*Claim {
	doc, err := o.At("data", kubeflow.KatibConfigKey).Document()
	if err != nil {
		return nil
	}
	content, err := doc.Content()
	if err != nil {
		return nil
	}
	var claims []*Claim
	list, _ := inventory.Lookup(content, inventory.Path{"runtime", "suggestions"})
	suggestions, _ := list.([]any)
	for i, item := range suggestions {
		suggestion, _ := item.(map[string]any)
		spec, _ := suggestion["persistentVolumeClaimSpec"].(map[string]any)
		body, ok := decodeClaim(map[string]any{"spec": spec})
		if spec == nil || !ok {
			continue
		}
		if len(body.Spec.AccessModes) == 0 {
			body.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		}
		path := inventory.Path{"runtime", "suggestions", i, "persistentVolumeClaimSpec"}
		claims = append(claims, &Claim{
			Origin: Configured, Object: o, Spec: body.Spec, Count: 1, Optional: true,
			What:     fmt.Sprintf("the claim of suggestions by algorithm %v in %s", suggestion["algorithmName"], o.Key),
			Volume:   decodeVolume(suggestion["persistentVolumeSpec"]),
			VolumeAt: doc.At("runtime", "suggestions", i, "persistentVolumeSpec"),
			at:       withoutSpec(func(steps ...any) inventory.Place { return doc.At(path, inventory.MakePath(steps...)) }),
		})
	}
	return claims
}

// withoutSpec makes places for a specification that stands where a claim has
// spec.
func withoutSpec(at func(steps ...any) inventory.Place) func(steps ...any) inventory.Place {
	return func(steps ...any) inventory.Place {
		path := inventory.MakePath(steps...)
		if len(path) > 0 && path[0] == "spec" {
			path = path[1:]
		}
		return at(path)
	}
}

func decodeVolume(content any) *corev1.PersistentVolumeSpec {
	fields, ok := content.(map[string]any)
	if !ok {
		return nil
	}
	spec := &corev1.PersistentVolumeSpec{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, spec); err != nil {
		return nil
	}
	return spec
}

// FilledIn reports whether a name is complete, not a place that something
// else fills in at run time.
func FilledIn(name string) bool {
	for _, mark := range kubeflow.ReservedClaimNames() {
		if strings.Contains(name, mark) {
			return false
		}
	}
	return name != ""
}
