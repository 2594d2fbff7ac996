// Package refs reads what pods take from ConfigMaps and Secrets, and knows
// which of those will exist.
package refs

import (
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// The kinds that references name.
var (
	ConfigMap = inventory.GroupKind{Kind: "ConfigMap"}
	Secret    = inventory.GroupKind{Kind: "Secret"}
)

// A Ref is a place of a pod that names a ConfigMap or a Secret.
type Ref struct {
	Pod  *kubeflow.Pod
	Kind inventory.GroupKind
	Name string
	// Key is the key that is taken; empty where all are.
	Key string
	// Optional references may lead nowhere.
	Optional bool
	// Place names the object, KeyPlace the key.
	Place, KeyPlace inventory.Place
	// What says who takes it: "container main of Deployment kubeflow/web takes
	// variable X from".
	What string
}

// String is the object as messages call it: "ConfigMap kubeflow/x".
func (r Ref) String() string {
	return inventory.Key{GroupKind: r.Kind, Namespace: r.Pod.Namespace, Name: r.Name}.String()
}

// All are the references of all pods of a view, those that controllers make of
// custom resources included: training jobs, inference services, workflows.
func All(v *inventory.View) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for pod := range kubeflow.Pods(v) {
			for _, ref := range OfPod(pod) {
				if !yield(ref) {
					return
				}
			}
		}
		loads, _ := kubeflow.Loads(v, func(string) bool { return true })
		for _, load := range loads {
			if slices.Contains(kubeflow.PodKinds(), load.Owner.Key.GroupKind) || load.Spec == nil {
				continue
			}
			for _, ref := range OfPod(load.Pod) {
				ref.Place, ref.KeyPlace = inPlace(load.Pod, ref.Place), inPlace(load.Pod, ref.KeyPlace)
				if !yield(ref) {
					return
				}
			}
		}
	}
}

// inPlace leaves out the step to the spec of a pod that is written out where a
// template would be, as that of an InferenceService's predictor.
func inPlace(pod *kubeflow.Pod, place inventory.Place) inventory.Place {
	n := len(pod.Path)
	if len(place.Path) <= n || place.Path[n] != "spec" || pod.Owner.Get(pod.Path, "spec") != nil {
		return place
	}
	place.Path = append(slices.Clone(place.Path[:n]), place.Path[n+1:]...)
	return place
}

// OfPod are the references of one pod in the order of its template. Pull
// secrets are not among them: a pod starts without them. Names that something
// fills in at run time are left out.
func OfPod(pod *kubeflow.Pod) []Ref {
	var found []Ref
	add := func(kind inventory.GroupKind, name string, optional *bool, place inventory.Place, what string) *Ref {
		if !Filled(name) {
			return &Ref{}
		}
		found = append(found, Ref{
			Pod: pod, Kind: kind, Name: name, Optional: optional != nil && *optional,
			Place: place, KeyPlace: place, What: what,
		})
		return &found[len(found)-1]
	}
	key := func(r *Ref, key string, place inventory.Place) { r.Key, r.KeyPlace = key, place }
	items := func(kind inventory.GroupKind, name string, optional *bool, list []corev1.KeyToPath, at inventory.Place, field, what string) {
		if len(list) == 0 {
			add(kind, name, optional, at.At(field), what)
			return
		}
		for i, item := range list {
			key(add(kind, name, optional, at.At(field), what), item.Key, at.At("items", i, "key"))
		}
	}
	for at, c := range pod.Containers() {
		who := fmt.Sprintf("container %s of %s takes", c.Name, pod.Owner.Key)
		for i, e := range c.EnvFrom {
			at := at.At("envFrom", i)
			if r := e.ConfigMapRef; r != nil {
				add(ConfigMap, r.Name, r.Optional, at.At("configMapRef", "name"), who+" its environment from")
			}
			if r := e.SecretRef; r != nil {
				add(Secret, r.Name, r.Optional, at.At("secretRef", "name"), who+" its environment from")
			}
		}
		for i, e := range c.Env {
			if e.ValueFrom == nil {
				continue
			}
			at := at.At("env", i, "valueFrom")
			what := fmt.Sprintf("%s variable %s from", who, e.Name)
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				at := at.At("configMapKeyRef")
				key(add(ConfigMap, r.Name, r.Optional, at.At("name"), what), r.Key, at.At("key"))
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				at := at.At("secretKeyRef")
				key(add(Secret, r.Name, r.Optional, at.At("name"), what), r.Key, at.At("key"))
			}
		}
	}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		at := pod.At("spec", "volumes", i)
		what := fmt.Sprintf("volume %s of %s holds", volume.Name, pod.Owner.Key)
		if s := volume.ConfigMap; s != nil {
			items(ConfigMap, s.Name, s.Optional, s.Items, at.At("configMap"), "name", what)
		}
		if s := volume.Secret; s != nil {
			items(Secret, s.SecretName, s.Optional, s.Items, at.At("secret"), "secretName", what)
		}
		if volume.Projected != nil {
			for j := range volume.Projected.Sources {
				source, at := &volume.Projected.Sources[j], at.At("projected", "sources", j)
				if s := source.ConfigMap; s != nil {
					items(ConfigMap, s.Name, s.Optional, s.Items, at.At("configMap"), "name", what)
				}
				if s := source.Secret; s != nil {
					items(Secret, s.Name, s.Optional, s.Items, at.At("secret"), "name", what)
				}
			}
		}
		if s := volume.CSI; s != nil && s.NodePublishSecretRef != nil {
			add(Secret, s.NodePublishSecretRef.Name, nil, at.At("csi", "nodePublishSecretRef", "name"), what+" what its driver reads with")
		}
	}
	return found
}

// Filled reports whether a name is written out, and not filled in at run time.
func Filled(name string) bool { return name != "" && !strings.ContainsAny(name, "${}<>") }

// Keys are the keys of a ConfigMap or Secret. They are not known of one that
// holds nothing: a controller fills it, as Knative does with the Secrets of its
// certificates.
func Keys(o *inventory.Object) (keys []string, known bool) {
	for _, field := range []string{"data", "binaryData", "stringData"} {
		if field == "binaryData" && o.Key.GroupKind == Secret || field == "stringData" && o.Key.GroupKind == ConfigMap {
			continue
		}
		for key := range o.Map(field) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if o.Key.GroupKind == Secret && o.String("type") == string(corev1.SecretTypeServiceAccountToken) {
		keys = append(keys, corev1.ServiceAccountTokenKey, corev1.ServiceAccountRootCAKey, corev1.ServiceAccountNamespaceKey)
	}
	if o.Made != nil && o.Made.By != nil && o.Made.By.Key.Kind == "Certificate" {
		keys = append(keys, certificateKeys(o.Made.By)...)
	}
	return keys, len(keys) > 0
}

// certificateKeys are those that a Certificate adds to tls.crt, tls.key and
// ca.crt.
func certificateKeys(o *inventory.Object) []string {
	var keys []string
	for store, names := range map[string][]string{
		"jks": {"keystore.jks", "truststore.jks"}, "pkcs12": {"keystore.p12", "truststore.p12"},
	} {
		if o.Map("spec", "keystores", store) != nil {
			keys = append(keys, names...)
		}
	}
	for i := range o.List("spec", "additionalOutputFormats") {
		switch o.String("spec", "additionalOutputFormats", i, "type") {
		case "CombinedPEM":
			keys = append(keys, "tls-combined.pem")
		case "DER":
			keys = append(keys, "key.der")
		}
	}
	slices.Sort(keys)
	return keys
}

// A File is what a volume of ConfigMaps and Secrets puts at a path.
type File struct {
	Path string // below the volume's root
	Key  string
	From *inventory.Object
}

// Files are the files of a volume that holds nothing but ConfigMaps and
// Secrets. They are not known where one of these is not there, is filled at run
// time, or may be changed by something else.
func Files(v *inventory.View, pod *kubeflow.Pod, volume *corev1.Volume) (files []File, known bool) {
	add := func(kind inventory.GroupKind, name string, items []corev1.KeyToPath) bool {
		o := v.Get(kind, pod.Namespace, name)
		if o == nil {
			return false
		}
		keys, ok := Keys(o)
		if !ok {
			return false
		}
		if len(items) == 0 {
			for _, key := range keys {
				files = append(files, File{key, key, o})
			}
			return true
		}
		for _, item := range items {
			files = append(files, File{path.Clean(item.Path), item.Key, o})
		}
		return true
	}
	switch {
	case volume.ConfigMap != nil:
		return files, add(ConfigMap, volume.ConfigMap.Name, volume.ConfigMap.Items) && files != nil
	case volume.Secret != nil:
		return files, add(Secret, volume.Secret.SecretName, volume.Secret.Items) && files != nil
	case volume.Projected != nil:
		for _, s := range volume.Projected.Sources {
			switch {
			case s.ConfigMap != nil && !add(ConfigMap, s.ConfigMap.Name, s.ConfigMap.Items):
				return nil, false
			case s.Secret != nil && !add(Secret, s.Secret.Name, s.Secret.Items):
				return nil, false
			case s.ServiceAccountToken != nil:
				files = append(files, File{Path: path.Clean(s.ServiceAccountToken.Path)})
			case s.DownwardAPI != nil:
				for _, item := range s.DownwardAPI.Items {
					files = append(files, File{Path: path.Clean(item.Path)})
				}
			case s.ClusterTrustBundle != nil:
				files = append(files, File{Path: path.Clean(s.ClusterTrustBundle.Path)})
			}
		}
		return files, files != nil
	}
	return nil, false
}
