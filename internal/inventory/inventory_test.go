package inventory_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

var (
	roles      = inventory.Kind[rbacv1.ClusterRole]{Group: rbacv1.GroupName, Name: "ClusterRole"}
	configMaps = inventory.Kind[corev1.ConfigMap]{Name: "ConfigMap"}
	services   = inventory.Kind[corev1.Service]{Name: "Service"}
)

func load(t *testing.T, text string) *inventory.Inventory {
	t.Helper()
	objects, err := manifest.Parse("all.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

const platform = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: a, namespace: ignored}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, labels: {app: x}}
data:
  config.yaml: |
    # a comment
    issuer: http://dex
    clients:
    - id: one
      uris: [a, b]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: other, labels: {app: x, tier: high}}
data: {count: 3}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: s}
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {ports: [{port: 80}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Thing, plural: things}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: t, namespace: nowhere}
`

func TestKeys(t *testing.T) {
	inv := load(t, platform)
	for _, key := range []inventory.Key{
		{GroupKind: inventory.GroupKind{Group: rbacv1.GroupName, Kind: "ClusterRole"}, Name: "a"},
		{GroupKind: inventory.GroupKind{Kind: "ConfigMap"}, Namespace: "default", Name: "c"},
		{GroupKind: inventory.GroupKind{Group: "example.com", Kind: "Thing"}, Name: "t"},
		{GroupKind: inventory.GroupKind{Group: "serving.knative.dev", Kind: "Service"}, Namespace: "default", Name: "s"},
	} {
		if inv.Get(key) == nil {
			t.Errorf("no %v", key)
		}
	}
	if n := inv.Len(); n != 7 {
		t.Errorf("%d objects", n)
	}
}

func TestDuplicate(t *testing.T) {
	objects, err := manifest.Parse("all.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: default}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = inventory.New(objects)
	var dup *inventory.Duplicate
	if !errors.As(err, &dup) || err.Error() != "all.yaml:7: ConfigMap default/c is given twice; the other one is at all.yaml:3" {
		t.Errorf("got %v", err)
	}
}

func TestViewRecords(t *testing.T) {
	view := load(t, platform).View()
	if !view.Found() {
		t.Error("a view that was asked nothing has found what it wanted")
	}
	for range (inventory.Kind[corev1.Secret]{Name: "Secret"}).In(view) {
		t.Error("there is no Secret")
	}
	if view.Found() {
		t.Error("nothing of what was asked is there")
	}
	n := 0
	for c := range configMaps.In(view) {
		n++
		if c.Key.Namespace != "default" {
			t.Errorf("%s decodes, though a value is a number", c.Key)
		}
	}
	if broken := view.Broken(); n != 1 || len(broken) != 1 || broken[0].Object.Key.Namespace != "other" {
		t.Errorf("%d read, broken: %v", n, broken)
	}
	if !view.Found() || len(view.Asked()) != 2 {
		t.Errorf("asked: %v", view.Asked())
	}
}

func TestSelect(t *testing.T) {
	view := load(t, platform).View()
	count := func(namespace, selector string) int {
		s, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		return len(view.Select(configMaps.GroupKind(), namespace, s))
	}
	for _, c := range []struct {
		namespace, selector string
		want                int
	}{{"", "app=x", 2}, {"other", "app=x", 1}, {"", "app=x,tier=high", 1}, {"", "app in (x,z)", 2}, {"", "!tier", 1}, {"", "app=z", 0}, {"", "tier!=high", 1}} {
		if got := count(c.namespace, c.selector); got != c.want {
			t.Errorf("%q in %q: %d, want %d", c.selector, c.namespace, got, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	inv := load(t, platform)
	view := inv.View()
	c, ok := configMaps.Get(view, "default", "c")
	if !ok {
		t.Fatal("no ConfigMap")
	}
	doc, err := c.At("data", "config.yaml").Document()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		place inventory.Place
		field string
		line  int
	}{
		{c.At("metadata", "name"), "metadata.name", 9},
		{c.At("metadata", "annotations", "x"), "metadata.annotations.x", 9},
		{c.At("data", "config.yaml"), "data[config.yaml]", 11},
		{doc.At("issuer"), "data[config.yaml].issuer", 13},
		{doc.At("clients", 0, "id"), "data[config.yaml].clients[0].id", 15},
		{doc.At("clients", 0, "uris", 1), "data[config.yaml].clients[0].uris[1]", 16},
		{doc.At("clients", 0, "missing"), "data[config.yaml].clients[0].missing", 15},
		{c.At("data", "config.yaml").AtLine(1), "data[config.yaml]", 12},
	} {
		origin := p.place.Origin()
		if got := p.place.Field(); got != p.field || origin.Line != p.line || origin.File != "all.yaml" {
			t.Errorf("got %s at %s:%d, want %s at line %d", got, origin.File, origin.Line, p.field, p.line)
		}
	}
}

func TestMade(t *testing.T) {
	inv := load(t, platform)
	makeMap := func(name string) *inventory.Object {
		o := inventory.NewObject(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}}, nil)
		o.Made = &inventory.Made{Controller: "test"}
		return o
	}
	more := inv.WithMade([]*inventory.Object{makeMap("c"), makeMap("new"), makeMap("new")})
	view := more.View()
	var rendered, live int
	for range view.Of(configMaps.GroupKind()) {
		rendered++
	}
	for range view.LiveOf(configMaps.GroupKind()) {
		live++
	}
	if rendered != 2 || live != 3 {
		t.Errorf("%d rendered, %d live", rendered, live)
	}
	if o := view.Get(configMaps.GroupKind(), "default", "c"); o.Made != nil {
		t.Error("the rendered object must win")
	}
	if more.Len() != inv.Len() {
		t.Error("made objects are not rendered ones")
	}
}

func TestPairs(t *testing.T) {
	old := load(t, platform)
	changed := load(t, strings.ReplaceAll(strings.ReplaceAll(platform, "name: s}\nspec", "name: s2}\nspec"), "port: 80", "port: 81"))
	var got []string
	for before, after := range services.Pairs(old.View(), changed.View()) {
		switch {
		case after == nil:
			got = append(got, "-"+before.Key.Name)
		case before == nil:
			got = append(got, "+"+after.Key.Name)
		default:
			got = append(got, "="+before.Key.Name)
		}
	}
	if strings.Join(got, " ") != "-s +s2" {
		t.Errorf("got %v", got)
	}
	n := 0
	for before, after := range roles.Pairs(old.View(), changed.View()) {
		if before == nil || after == nil || len(after.Value.Rules) != 1 {
			t.Error("the role stands on both sides")
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d pairs", n)
	}
}

func TestScalars(t *testing.T) {
	o := load(t, "apiVersion: v1\nkind: X\nmetadata: {name: nn}\nspec: {a: yes, b: 'yes', c: 0644, d: 1e3, e: 2020-01-02, f: ~, g: 99999999999999999999, h: <<, i: off}\n").Objects()[0]
	want := map[string]any{"a": true, "b": "yes", "c": int64(420), "d": 1000.0, "e": "2020-01-02", "f": nil, "g": 1e20, "h": "<<", "i": false}
	for key, value := range want {
		if got := o.Get("spec", key); got != value {
			t.Errorf("%s: got %#v, want %#v", key, got, value)
		}
	}
}

// TestScalarsAsKubectl holds our reading of plain scalars against that of the
// library that kubectl reads YAML with.
func TestScalarsAsKubectl(t *testing.T) {
	for _, text := range []string{"y", "Y", "yes", "on", "On", "n", "no", "off", "true", "True", "~", "null", "", "0644", "0o644", "0x1f", "1e3", "1_000", "1.", ".5", "+1", "-0", ".inf", "'y'", `"no"`, "12:30:45", "2020-01-02", "!!str 1", "=", "1.10"} {
		var want map[string]any
		if err := sigsyaml.Unmarshal([]byte("a: "+text), &want); err != nil {
			continue // not JSON, as .inf
		}
		var node yaml.Node
		if err := yaml.Unmarshal([]byte("a: "+text), &node); err != nil {
			t.Fatal(err)
		}
		got, err := inventory.DecodeManifest(&node)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		value := got.(map[string]any)["a"]
		if i, ok := value.(int64); ok {
			value = float64(i)
		}
		if !reflect.DeepEqual(value, want["a"]) {
			t.Errorf("%q: we read %#v, kubectl %#v", text, value, want["a"])
		}
	}
}

func TestMergeKeys(t *testing.T) {
	o := load(t, "apiVersion: v1\nkind: X\nmetadata: {name: nn}\nspec:\n  base: &base\n    a: 1\n    b: 2\n  derived:\n    <<: *base\n    b: 3\n").Objects()[0]
	if o.Get("spec", "derived", "a") != int64(1) || o.Get("spec", "derived", "b") != int64(3) {
		t.Errorf("got %v", o.Get("spec", "derived"))
	}
	if line := o.At("spec", "derived", "a").Origin().Line; line != 6 {
		t.Errorf("line %d", line)
	}
}
