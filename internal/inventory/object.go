package inventory

import (
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// An Object is one Kubernetes object. Nothing in it may be changed: all checks
// share it.
type Object struct {
	Key        Key
	APIVersion string

	// Source is the index of the source (of several given to one run) that the
	// object was rendered from.
	Source int

	// Made is set on objects that the manifests do not hold and a controller
	// will create; the locator of such an object leads to what causes it.
	Made *Made

	content map[string]any
	decode  func() map[string]any
	once    sync.Once

	locator Locator
	typed   sync.Map // reflect.Type → typedResult
}

// Made says why an object will exist that nobody rendered.
type Made struct {
	By         *Object // the object that asks for it; nil where none does
	Controller string  // who creates it: "profile controller"
}

// NewObject makes an object of decoded content. Its key's namespace is as the
// content has it; [New] settles the scope.
func NewObject(content map[string]any, locator Locator) *Object {
	return NewLazyObject(identify(content), stringAt(content, "apiVersion"), func() map[string]any { return content }, locator)
}

// NewLazyObject makes an object whose content is decoded when it is first
// asked for: most of a platform's bytes are CRDs that few checks read.
func NewLazyObject(key Key, apiVersion string, decode func() map[string]any, locator Locator) *Object {
	return &Object{Key: key, APIVersion: apiVersion, decode: decode, locator: locator}
}

func identify(content map[string]any) Key {
	group, _ := SplitAPIVersion(stringAt(content, "apiVersion"))
	return Key{
		GroupKind: GroupKind{group, stringAt(content, "kind")},
		Namespace: stringAt(content, "metadata", "namespace"),
		Name:      stringAt(content, "metadata", "name"),
	}
}

// Version is the API version without its group: "v1beta1".
func (o *Object) Version() string {
	_, version := SplitAPIVersion(o.APIVersion)
	return version
}

// Content is the object as decoded JSON. It must not be changed.
func (o *Object) Content() map[string]any {
	o.once.Do(func() { o.content = o.decode() })
	return o.content
}

// Get returns the value at a field path, nil where there is none.
func (o *Object) Get(path ...any) any {
	v, _ := Lookup(o.Content(), MakePath(path...))
	return v
}

// String returns the string at a field path, empty where there is none.
func (o *Object) String(path ...any) string {
	s, _ := o.Get(path...).(string)
	return s
}

// List returns the list at a field path, nil where there is none.
func (o *Object) List(path ...any) []any {
	l, _ := o.Get(path...).([]any)
	return l
}

// Map returns the mapping at a field path, nil where there is none.
func (o *Object) Map(path ...any) map[string]any {
	m, _ := o.Get(path...).(map[string]any)
	return m
}

// Labels returns metadata.labels.
func (o *Object) Labels() labels.Set { return stringMap(o.Map("metadata", "labels")) }

// Annotations returns metadata.annotations.
func (o *Object) Annotations() map[string]string {
	return stringMap(o.Map("metadata", "annotations"))
}

// At names a field of the object.
func (o *Object) At(steps ...any) Place {
	return Place{Object: o, Path: MakePath(steps...)}
}

// typedResult is the outcome of decoding an object into one Go type.
type typedResult struct {
	value any
	err   error
}

// decodeAs decodes the object into a new T, once for all checks.
func decodeAs[T any](o *Object) (*T, error) {
	t := reflect.TypeFor[T]()
	if known, ok := o.typed.Load(t); ok {
		result := known.(typedResult)
		value, _ := result.value.(*T)
		return value, result.err
	}
	value := new(T)
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Content(), value)
	known, _ := o.typed.LoadOrStore(t, typedResult{value, err})
	result := known.(typedResult)
	return result.value.(*T), result.err
}

func stringAt(content map[string]any, path ...any) string {
	v, _ := Lookup(content, path)
	s, _ := v.(string)
	return s
}

func stringMap(m map[string]any) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}
