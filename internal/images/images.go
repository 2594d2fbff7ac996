// Package images finds the container images that a platform will pull: those
// of pods, and those that stand where other programs read them, in custom
// resources, environment variables, arguments and configuration files.
//
// Two kinds of places are told apart. Where a field is an image by its type, a
// container's, it counts whatever it holds. Elsewhere a text counts only if its
// name says that it is an image and it can be one, or if it names registry,
// repository and tag and so can be hardly anything else.
package images

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// A Use is one place that names an image.
type Use struct {
	// Image is what will be pulled, as it is written there or put together
	// from several fields.
	Image string
	// Place is where it is written.
	Place inventory.Place
	// What says what names the image, for messages: "container x of
	// Deployment a/b".
	What string
	// Container says that the field is a container's: the kubelet gets it as
	// it is.
	Container bool
	// Sometimes images are pulled only if somebody asks for what they are for.
	Sometimes bool
	// Builtin images stand in the controller's program: the place is that of
	// the controller, and nothing in the manifests says another one.
	Builtin bool
}

// A Reference is a name that a container runtime can pull.
type Reference struct {
	Registry string // docker.io where none is written
	Path     string // library/x where the registry is docker.io and the name is one word
	Tag      string // empty where none is written
	Digest   string
}

// Parse reads an image's name as the kubelet does.
func Parse(image string) (Reference, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return Reference{}, err
	}
	r := Reference{Registry: reference.Domain(named), Path: reference.Path(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		r.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		r.Digest = digested.Digest().String()
	}
	return r, nil
}

// Name is registry and path.
func (r Reference) Name() string { return r.Registry + "/" + r.Path }

// String is the whole name, latest where neither tag nor digest is written.
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	if r.Tag == "" && r.Digest == "" {
		s += ":latest"
	}
	return s
}

var (
	configMapKind = inventory.GroupKind{Kind: "ConfigMap"}
	secretKind    = inventory.GroupKind{Kind: "Secret"}
	crdKind       = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

// Find lists the images of a render, in the order of its objects; each place
// once.
func Find(v *inventory.View) []Use {
	f := &finder{view: v, seen: map[string]bool{}}
	for o := range v.All() {
		if o.Key.GroupKind == crdKind || o.Key.GroupKind == secretKind || isPolicy(o) {
			continue
		}
		f.object = o
		if o.Key.GroupKind == configMapKind {
			f.configMap(o)
			continue
		}
		content := o.Content()
		for _, key := range sortedKeys(content) {
			if key != "status" && key != "metadata" {
				f.value(content[key], scope{place: o.At(key), at: o.At, path: inventory.Path{key}, what: o.Key.String()})
			}
		}
	}
	f.profileImages()
	f.proxyImages()
	f.builtinImages()
	return f.uses
}

// isPolicy reports whether an object holds patterns of images, not images.
func isPolicy(o *inventory.Object) bool {
	switch o.Key.Group {
	case "kyverno.io", "policies.kyverno.io", "constraints.gatekeeper.sh", "templates.gatekeeper.sh", "policy.sigstore.dev", "admissionregistration.k8s.io":
		return true
	}
	return false
}

type finder struct {
	view   *inventory.View
	object *inventory.Object
	seen   map[string]bool
	uses   []Use
}

// A scope is where the walk through an object, or a document inside one, is.
type scope struct {
	place inventory.Place
	at    func(...any) inventory.Place
	path  inventory.Path
	what  string // who names it
	named bool   // a key above says that this is about an image
	inner bool   // inside a document
}

func (s scope) down(step any) scope {
	s.path = s.path.Join(step)
	s.place = s.at(s.path)
	return s
}

func (f *finder) add(u Use) {
	key := u.Place.Object.Key.GroupKind.String() + u.Place.Object.Key.String() + "\x00" + u.Place.Field() + "\x00" + u.Image
	if !f.seen[key] {
		f.seen[key] = true
		f.uses = append(f.uses, u)
	}
}

// value walks through maps, lists and texts.
func (f *finder) value(value any, s scope) {
	switch value := value.(type) {
	case map[string]any:
		f.mapping(value, s)
	case []any:
		for i, item := range value {
			f.value(item, s.down(i))
		}
	case string:
		if s.named && plausible(value) || whole.MatchString(value) {
			f.add(Use{Image: value, Place: s.place, What: s.what})
		}
	}
}

func (f *finder) mapping(m map[string]any, s scope) {
	// An entry of a container's environment.
	if name, ok := m["name"].(string); ok && len(s.path) > 1 && s.path[len(s.path)-2] == "env" {
		f.env(name, m, s)
		return
	}
	inList := len(s.path) > 1 && isContainerList(s.path[len(s.path)-2])
	isOne := len(s.path) > 0 && (s.path[len(s.path)-1] == "container" || s.path[len(s.path)-1] == "script")
	if name, _ := m["name"].(string); name != "" && (inList || isOne) {
		s.what = "container " + name + " of " + s.what
	}
	for _, key := range sortedKeys(m) {
		below := s.down(key)
		value := m[key]
		text, isText := value.(string)
		switch {
		case key == "image" && isText && inList && !s.inner:
			if text != "" && !s.filledIn(f.object, text) {
				f.add(Use{Image: text, Place: below.place, What: s.what, Container: true})
			}
			continue
		case key == "image" && isText:
			if m["monitors"] != nil {
				continue // a disk of Ceph
			}
			if version, ok := m["defaultImageVersion"].(string); ok && version != "" && plausible(text+":"+version) {
				f.add(Use{Image: text + ":" + version, Place: below.place, What: s.what, Sometimes: true})
				continue
			}
			if plausibleAlone(text) {
				f.add(Use{Image: text, Place: below.place, What: s.what})
			}
			continue
		case (key == "args" || key == "command") && s.isContainer(m):
			if list, ok := value.([]any); ok {
				f.arguments(list, below)
				continue
			}
		case key == "annotations":
			if annotations, ok := value.(map[string]any); ok {
				if image, ok := annotations["sidecar.istio.io/proxyImage"].(string); ok && plausible(image) {
					f.add(Use{Image: image, Place: below.down("sidecar.istio.io/proxyImage").place, What: "the sidecar of " + s.what})
				}
			}
			continue
		case key == "labels" || key == "matchLabels" || key == "defaultImageVersion" || key == "description":
			continue
		}
		below.named = naming(key) || s.named && !excluded.MatchString(key)
		f.value(value, below)
	}
}

// isContainer reports whether a mapping looks like a container.
func (s scope) isContainer(m map[string]any) bool { return m["image"] != nil || m["name"] != nil }

// filledIn reports whether a text is one that another controller completes:
// Argo's and KServe's templates, the trials of Katib.
func (s scope) filledIn(o *inventory.Object, text string) bool {
	switch o.Key.Group {
	case "argoproj.io", "serving.kserve.io":
		return strings.Contains(text, "{{")
	}
	return slices.Contains(s.path, any("trialSpec")) && strings.Contains(text, "${trialParameters.")
}

func isContainerList(step any) bool {
	return step == "containers" || step == "initContainers" || step == "ephemeralContainers" || step == "sidecars"
}

// env reads one entry of a container's environment.
func (f *finder) env(name string, m map[string]any, s scope) {
	if value, ok := m["value"].(string); ok {
		if naming(name) && plausible(value) || whole.MatchString(value) {
			f.add(Use{Image: value, Place: s.down("value").place, What: name + " of " + s.what})
		}
		return
	}
	if !naming(name) || s.inner {
		return
	}
	ref, _ := inventory.Lookup(m, inventory.Path{"valueFrom", "configMapKeyRef"})
	from, _ := ref.(map[string]any)
	source, _ := from["name"].(string)
	key, _ := from["key"].(string)
	if o := f.view.Get(configMapKind, f.object.Key.Namespace, source); o != nil && key != "" {
		if value := o.String("data", key); plausible(value) {
			f.add(Use{Image: value, Place: o.At("data", key), What: name + " of " + s.what})
		}
	}
}

var imageFlag = regexp.MustCompile(`^--?([a-zA-Z0-9_.-]*[iI]mage[a-zA-Z0-9_.-]*)(?:=(.*))?$`)

// arguments reads images from flags.
func (f *finder) arguments(list []any, s scope) {
	for i, item := range list {
		arg, ok := item.(string)
		if !ok {
			continue
		}
		if m := imageFlag.FindStringSubmatch(arg); m != nil {
			switch {
			case !naming(m[1]):
			case strings.Contains(arg, "="):
				if plausible(m[2]) {
					f.add(Use{Image: m[2], Place: s.down(i).place, What: "--" + m[1] + " of " + s.what})
				}
			case i+1 < len(list):
				if next, ok := list[i+1].(string); ok && plausible(next) {
					f.add(Use{Image: next, Place: s.down(i + 1).place, What: "--" + m[1] + " of " + s.what})
				}
			}
			continue
		}
		if flag, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(flag, "-") {
			arg = value
		}
		if whole.MatchString(arg) {
			f.add(Use{Image: arg, Place: s.down(i).place, What: "an argument of " + s.what})
		}
	}
}

// notRead are keys of ConfigMaps that are there for people: examples, and
// values that the installer keeps.
var notRead = map[string]bool{"_example": true, "merged-values": true, "original-values": true}

// configMap reads the files and values of a ConfigMap.
func (f *finder) configMap(o *inventory.Object) {
	data := o.Map("data")
	for _, key := range sortedKeys(data) {
		text, ok := data[key].(string)
		if !ok || notRead[key] {
			continue
		}
		place := o.At("data", key)
		what := key + " of " + o.Key.String()
		if !strings.ContainsAny(strings.TrimSpace(text), "\n{") {
			if value := strings.TrimSpace(text); naming(key) && plausible(value) || whole.MatchString(value) {
				f.add(Use{Image: value, Place: place, What: what})
			}
			continue
		}
		if !mentions(text) {
			continue
		}
		if isInjector(o) {
			if key != "values" { // see proxyImages
				f.lines(text, place, what)
			}
			continue
		}
		doc, err := place.Document()
		var content any
		if err == nil {
			content, err = doc.Content()
		}
		if err != nil || !isCollection(content) {
			f.lines(text, place, what)
			continue
		}
		f.value(content, scope{place: place, at: doc.At, what: what, inner: true})
	}
}

// isInjector reports whether a ConfigMap is that of Istio's sidecar injector; a
// revision's name follows.
func isInjector(o *inventory.Object) bool {
	return o.Key.Name == "istio-sidecar-injector" || strings.HasPrefix(o.Key.Name, "istio-sidecar-injector-")
}

func isCollection(content any) bool {
	switch content.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// mentions is quick: most files name no image.
func mentions(text string) bool {
	return strings.Contains(text, "image") || strings.Contains(text, "Image") || strings.Contains(text, "IMAGE") || within.MatchString(text)
}

var imageLine = regexp.MustCompile(`^\s*(?:- )?["']?image["']?\s*:\s*["']?([^"'\s{}$,]+)["']?,?\s*$`)

// lines reads a file that is no document: a template, a script.
func (f *finder) lines(text string, place inventory.Place, what string) {
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if m := imageLine.FindStringSubmatch(line); m != nil && plausibleAlone(m[1]) {
			f.add(Use{Image: m[1], Place: place.AtLine(i + 1), What: what, Sometimes: true})
			continue
		}
		for _, m := range within.FindAllStringSubmatch(line, -1) {
			f.add(Use{Image: m[1], Place: place.AtLine(i + 1), What: what, Sometimes: true})
		}
	}
}

const (
	host   = `(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::[0-9]+)?`
	folder = `(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+`
	end    = `(?::[\w][\w.-]{0,127})?@sha256:[0-9a-f]{64}|:[\w][\w.-]{0,127}`
)

var (
	// whole is registry, repository and tag or digest, and nothing else.
	whole = regexp.MustCompile(`^` + host + folder + `(?:` + end + `)$`)
	// within finds the same between quotes or blanks.
	within = regexp.MustCompile(`(?:^|[\s"'=])(` + host + folder + `(?:` + end + `))(?:$|[\s"',])`)
	// excluded are the words that make a name with "image" one of something
	// else.
	excluded = regexp.MustCompile(`(?i)pull|policy|secret|tag|version|repo|registry|digest|hash|size|type|format|regex|prefix|icon|logo|url|uri|allow|hide|name$|path|dir|title|text|alt|arch|credential|key`)
	imageKey = regexp.MustCompile(`(?i)image`)
)

// naming reports whether a name says that its value is an image.
func naming(name string) bool { return imageKey.MatchString(name) && !excluded.MatchString(name) }

// templated reports whether a text is to be filled in by somebody.
func templated(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "${") || strings.Contains(text, "$(") || strings.HasPrefix(text, "$")
}

// plausible reports whether a text can be an image: at least two words of a
// name, or a name with a tag.
func plausible(text string) bool {
	if templated(text) || len(text) > 400 || strings.ContainsAny(text, " \t\n*<>()\"'") || strings.Contains(text, "://") ||
		strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasPrefix(text, "data:") || !strings.ContainsAny(text, "/:@") {
		return false
	}
	return !isPicture(text)
}

// isPicture reports whether a text is the name of a file, which "image" often means.
func isPicture(text string) bool {
	switch path.Ext(text) {
	case ".png", ".svg", ".jpg", ".jpeg", ".gif", ".ico", ".json", ".yaml", ".yml":
		return true
	}
	return false
}

// plausibleAlone is plausible for a field that is called image: one word may be
// a name of Docker Hub.
func plausibleAlone(text string) bool {
	if plausible(text) {
		return true
	}
	_, err := reference.ParseNormalizedNamed(text)
	return err == nil && !templated(text) && !isPicture(text)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// profileImages adds what the profile controller of Kubeflow Pipelines puts
// together: the user interface of each profile's artifacts, from FRONTEND_IMAGE
// and FRONTEND_TAG or KFP_VERSION (pipelines-profile-controller/sync.py).
func (f *finder) profileImages() {
	quiet := f.view.Inventory().View()
	for pod := range kubeflow.Pods(quiet) {
		if pod.Owner.Made != nil {
			continue
		}
		for at, c := range pod.Containers() {
			if !slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "KFP_VERSION" }) || !slices.ContainsFunc(slices.Concat(c.Command, c.Args), func(word string) bool { return strings.HasSuffix(word, "sync.py") }) {
				continue
			}
			version, versionAt, known := kubeflow.EnvAt(quiet, pod, at, c, "KFP_VERSION")
			if tag, tagAt, ok := kubeflow.EnvAt(quiet, pod, at, c, "FRONTEND_TAG"); ok && tag != "" {
				version, versionAt, known = tag, tagAt, true
			}
			if !known || version == "" {
				continue
			}
			name, place := kubeflow.FrontendImage(version), versionAt
			if image, imageAt, ok := kubeflow.EnvAt(quiet, pod, at, c, "FRONTEND_IMAGE"); ok && image != "" {
				name, place = image, imageAt
				// The bare name was found as an image of its own.
				f.uses = slices.DeleteFunc(f.uses, func(u Use) bool {
					return u.Image == image && u.Place.Object == imageAt.Object && u.Place.Field() == imageAt.Field()
				})
			}
			f.add(Use{Image: name + ":" + version, Place: place, What: "the artifact interface that " + pod.Owner.Key.String() + " makes for each profile"})
		}
	}
}

// builtinImages adds what controllers run where nobody tells them another
// image.
func (f *finder) builtinImages() {
	quiet := f.view.Inventory().View()
	for pod := range kubeflow.Pods(quiet) {
		if pod.Owner.Made != nil {
			continue
		}
		for at, c := range pod.Containers() {
			r, err := Parse(c.Image)
			if err != nil {
				continue
			}
			for _, b := range kubeflow.BuiltinImages(path.Base(r.Path), r.Tag) {
				if b.Flag != "" && slices.ContainsFunc(slices.Concat(c.Command, c.Args), func(arg string) bool {
					return strings.HasPrefix(strings.TrimLeft(arg, "-"), b.Flag)
				}) {
					continue
				}
				if value, _, known := kubeflow.EnvAt(quiet, pod, at, c, b.Env); b.Env != "" && (known && value != "" || !known && len(c.EnvFrom) > 0) {
					continue
				}
				f.add(Use{Image: b.Image, Place: at.At("image"), What: "the " + b.Flag + b.Env + " built into container " + c.Name + " of " + pod.Owner.Key.String(), Sometimes: true, Builtin: true})
			}
		}
	}
}

// proxyImages adds the sidecars that Istio injects: hub, name and tag in the
// injector's values.
func (f *finder) proxyImages() {
	for o := range f.view.Inventory().View().Of(configMapKind) {
		if !isInjector(o) {
			continue
		}
		doc, err := o.At("data", "values").Document()
		if err != nil {
			continue
		}
		var values struct {
			Global struct {
				Hub     string `yaml:"hub"`
				Tag     string `yaml:"tag"`
				Variant string `yaml:"variant"`
				Proxy   struct {
					Image string `yaml:"image"`
				} `yaml:"proxy"`
				ProxyInit struct {
					Image string `yaml:"image"`
				} `yaml:"proxy_init"`
			} `yaml:"global"`
		}
		if doc.Decode(&values) != nil {
			continue
		}
		g := values.Global
		for _, field := range [][2]string{{"proxy", g.Proxy.Image}, {"proxy_init", g.ProxyInit.Image}} {
			key, name := field[0], field[1]
			if name == "" {
				continue
			}
			// A name without a slash is completed (pkg/kube/inject, ProxyImage).
			image := name
			place := doc.At("global", key, "image")
			if !strings.Contains(name, "/") {
				if g.Hub == "" {
					continue
				}
				image = g.Hub + "/" + name
				if g.Tag != "" {
					image += ":" + g.Tag
				}
				if g.Variant != "" && g.Tag != "" {
					image += "-" + g.Variant
				}
				place = doc.At("global", "hub")
			}
			f.add(Use{Image: image, Place: place, What: "the sidecar of " + o.Key.String()})
		}
	}
}
