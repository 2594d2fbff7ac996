package login

import (
	"encoding/base64"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var (
	configMapKind = inventory.GroupKind{Group: "", Kind: "ConfigMap"}
	secretKind    = inventory.GroupKind{Group: "", Kind: "Secret"}
)

// A Setting is one configured value and where it stands. A nil Setting is one
// that nobody set.
type Setting struct {
	Text string
	// Place is where the value stands; where it could not be followed, the
	// reference to it.
	Place inventory.Place
	// Via is the reference that leads from a container to the value, if any.
	Via inventory.Place
	// Unknown says why the value is not known, empty where it is.
	Unknown string
	// Missing is set where the value is unknown because a rendered object
	// lacks it: the container will not start.
	Missing bool
	// Secret is set on values that stand in a Secret.
	Secret bool
}

// Known reports whether there is a value and the render holds it.
func (s *Setting) Known() bool { return s != nil && s.Unknown == "" }

// Value is the text of a known setting, and empty for any other.
func (s *Setting) Value() string {
	if !s.Known() {
		return ""
	}
	return s.Text
}

// Or returns the value, or the default where nothing is set.
func (s *Setting) Or(value string) string {
	if s == nil {
		return value
	}
	return s.Text
}

// Env is the environment of a container by name.
type Env map[string]*Setting

// containerEnv reads the environment as the kubelet would build it: envFrom in
// order, then env in order, each later entry over the earlier ones.
func containerEnv(v *inventory.View, pod *kubeflow.Pod, place inventory.Place, c *corev1.Container) Env {
	env := Env{}
	for i, from := range c.EnvFrom {
		at := place.At("envFrom", i)
		var gk inventory.GroupKind
		var name string
		switch {
		case from.ConfigMapRef != nil:
			gk, name = configMapKind, from.ConfigMapRef.Name
		case from.SecretRef != nil:
			gk, name = secretKind, from.SecretRef.Name
		}
		source := v.Get(gk, pod.Namespace, name)
		if source == nil {
			continue // what it holds is not known: see Env.from
		}
		for _, key := range keys(source) {
			s := keyOf(source, key)
			s.Via = at
			env[from.Prefix+key] = s
		}
	}
	for i := range c.Env {
		e := &c.Env[i]
		at := place.At("env", i)
		if e.ValueFrom == nil {
			env[e.Name] = &Setting{Text: expand(e.Value, env), Place: at.At("value")}
			continue
		}
		switch from := e.ValueFrom; {
		case from.ConfigMapKeyRef != nil:
			ref := from.ConfigMapKeyRef
			setRef(env, e.Name, followKey(v, configMapKind, pod.Namespace, ref.Name, ref.Key, isTrue(ref.Optional), at.At("valueFrom", "configMapKeyRef")))
		case from.SecretKeyRef != nil:
			ref := from.SecretKeyRef
			setRef(env, e.Name, followKey(v, secretKind, pod.Namespace, ref.Name, ref.Key, isTrue(ref.Optional), at.At("valueFrom", "secretKeyRef")))
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
			env[e.Name] = &Setting{Text: pod.Namespace, Place: at.At("valueFrom")}
		default:
			env[e.Name] = &Setting{Place: at.At("valueFrom"), Unknown: "it is taken from the running pod"}
		}
	}
	return env
}

func setRef(env Env, name string, s *Setting) {
	if s == nil {
		delete(env, name)
		return
	}
	env[name] = s
}

func isTrue(b *bool) bool { return b != nil && *b }

// followKey reads one key of a ConfigMap or Secret; nil where an optional
// reference leads nowhere.
func followKey(v *inventory.View, gk inventory.GroupKind, namespace, name, key string, optional bool, ref inventory.Place) *Setting {
	source := v.Get(gk, namespace, name)
	if source == nil {
		if optional {
			return nil
		}
		return &Setting{Place: ref, Unknown: fmt.Sprintf("%s %s/%s is not in the render", gk.Kind, namespace, name)}
	}
	s := keyOf(source, key)
	if s == nil {
		if optional {
			return nil
		}
		// A controller fills what it makes: only a rendered object is known to lack a key.
		missing := source.Made == nil
		return &Setting{Place: ref, Unknown: fmt.Sprintf("%s has no key %s", source.Key, key), Missing: missing}
	}
	s.Via = ref
	return s
}

// keys are the keys of a ConfigMap or Secret, in no order.
func keys(o *inventory.Object) []string {
	var names []string
	seen := map[string]bool{}
	for _, field := range []string{"stringData", "data", "binaryData"} {
		for name := range o.Map(field) {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// keyOf reads one key as a container would see it: stringData over data, and
// data of a Secret decoded. It is nil where there is no such key.
func keyOf(o *inventory.Object, key string) *Setting {
	secret := o.Key.GroupKind == secretKind
	if secret {
		if text, ok := o.Map("stringData")[key].(string); ok {
			return &Setting{Text: text, Place: o.At("stringData", key), Secret: true}
		}
	}
	for _, field := range []string{"data", "binaryData"} {
		value, ok := o.Map(field)[key]
		if !ok {
			continue
		}
		text, isText := value.(string)
		s := &Setting{Text: text, Place: o.At(field, key), Secret: secret}
		if o.Made != nil {
			s.Text, s.Unknown = "", "it is made by "+o.Made.Controller
			return s
		}
		if value != nil && !isText {
			s.Unknown = "it is not a string"
			return s
		}
		if secret || field == "binaryData" {
			decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				s.Text, s.Unknown = "", "it is not base64"
				return s
			}
			s.Text = string(decoded)
		}
		return s
	}
	return nil
}

var reference = regexp.MustCompile(`\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)`)

// expand replaces $(NAME) as the kubelet does; names that are not set stay.
func expand(text string, env Env) string {
	return reference.ReplaceAllStringFunc(text, func(m string) string {
		if m == "$$" {
			return "$"
		}
		if s, set := env[m[2:len(m)-1]]; set && s.Known() {
			return s.Text
		}
		return m
	})
}

// opaqueFrom names an envFrom source of a container that the render does not
// hold: a variable that is not in the environment might come from there.
func opaqueFrom(v *inventory.View, pod *kubeflow.Pod, c *corev1.Container) (what string) {
	for _, from := range c.EnvFrom {
		switch {
		case from.ConfigMapRef != nil && v.Get(configMapKind, pod.Namespace, from.ConfigMapRef.Name) == nil:
			return fmt.Sprintf("ConfigMap %s/%s", pod.Namespace, from.ConfigMapRef.Name)
		case from.SecretRef != nil && v.Get(secretKind, pod.Namespace, from.SecretRef.Name) == nil:
			return fmt.Sprintf("Secret %s/%s", pod.Namespace, from.SecretRef.Name)
		}
	}
	return ""
}

// mountedFile reads a file of a container out of the ConfigMap or Secret that
// is mounted there. It is nil where no volume covers the path: then the image
// may hold it.
func mountedFile(v *inventory.View, pod *kubeflow.Pod, place inventory.Place, c *corev1.Container, file string) *Setting {
	file = path.Clean(file)
	var mount *corev1.VolumeMount
	var at inventory.Place
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		if _, under := below(path.Clean(m.MountPath), file); under && (mount == nil || len(m.MountPath) > len(mount.MountPath)) {
			mount, at = m, place.At("volumeMounts", i)
		}
	}
	if mount == nil {
		return nil
	}
	rest, _ := below(path.Clean(mount.MountPath), file)
	inVolume := path.Join(mount.SubPath, rest)
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.Name != mount.Name {
			continue
		}
		vp := pod.At("spec", "volumes", i)
		switch {
		case volume.ConfigMap != nil:
			return volumeFile(v, pod, configMapKind, volume.ConfigMap.Name, volume.ConfigMap.Items, isTrue(volume.ConfigMap.Optional), inVolume, vp.At("configMap"), at)
		case volume.Secret != nil:
			return volumeFile(v, pod, secretKind, volume.Secret.SecretName, volume.Secret.Items, isTrue(volume.Secret.Optional), inVolume, vp.At("secret"), at)
		case volume.Projected != nil:
			var last *Setting
			for j, source := range volume.Projected.Sources {
				sp := vp.At("projected", "sources", j)
				var s *Setting
				switch {
				case source.ConfigMap != nil:
					s = volumeFile(v, pod, configMapKind, source.ConfigMap.Name, source.ConfigMap.Items, isTrue(source.ConfigMap.Optional), inVolume, sp.At("configMap"), at)
				case source.Secret != nil:
					s = volumeFile(v, pod, secretKind, source.Secret.Name, source.Secret.Items, isTrue(source.Secret.Optional), inVolume, sp.At("secret"), at)
				default:
					continue
				}
				if s.Known() {
					return s
				}
				last = s
			}
			return last
		}
		return &Setting{Place: at, Unknown: "it is in volume " + volume.Name + ", whose content is not in the render"}
	}
	return &Setting{Place: at, Unknown: "the pod has no volume " + mount.Name}
}

func volumeFile(v *inventory.View, pod *kubeflow.Pod, gk inventory.GroupKind, name string, items []corev1.KeyToPath, optional bool, file string, ref, mount inventory.Place) *Setting {
	key := file
	if len(items) > 0 {
		key = ""
		for i, item := range items {
			if path.Clean(item.Path) == file {
				key = item.Key
				ref = ref.At("items", i)
			}
		}
		if key == "" {
			return &Setting{Place: ref, Unknown: fmt.Sprintf("the volume has no file %s", file), Missing: true}
		}
	}
	s := followKey(v, gk, pod.Namespace, name, key, false, ref)
	if !s.Known() && optional {
		s.Missing = false
	}
	if s.Known() {
		s.Via = mount
	}
	return s
}

// below reports whether a path is a directory or lies under it, and where.
func below(dir, file string) (rest string, ok bool) {
	if dir == file {
		return "", true
	}
	if dir == "/" {
		return strings.TrimPrefix(file, "/"), true
	}
	return strings.CutPrefix(file, dir+"/")
}

// arguments are the words that start a container, each with its place. The
// command of the image, where the template gives none, is not known.
func arguments(place inventory.Place, c *corev1.Container, env Env) []Setting {
	var words []Setting
	for i, word := range c.Command {
		words = append(words, Setting{Text: expand(word, env), Place: place.At("command", i)})
	}
	for i, word := range c.Args {
		words = append(words, Setting{Text: expand(word, env), Place: place.At("args", i)})
	}
	return words
}

// ImageName is the last part of an image's repository, without tag or digest,
// and the tag.
func ImageName(image string) (name, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, '/'); i >= 0 {
		image = image[i+1:]
	}
	name, tag, _ = strings.Cut(image, ":")
	return name, tag
}

// Show is the value for a message: quoted, or where it is kept if that is a
// Secret.
func (s *Setting) Show() string {
	switch {
	case s == nil:
		return "nothing"
	case s.Unknown != "":
		return "an unknown value (" + s.Unknown + ")"
	case s.Secret:
		if s.Place.Object != nil {
			return "what " + s.Place.Object.Key.String() + " holds"
		}
		return "a secret value"
	}
	return strconv.Quote(s.Text)
}
