package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	"sigs.k8s.io/yaml"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// TestMistakes makes one mistake at a time in the objects of a release, and
// compares the server's verdict with that of the strategies and schemas when
// they are asked without it. Where an object is refused, the mistake must be
// shown: a verdict without a place is of little use.
func TestMistakes(t *testing.T) {
	root := os.Getenv("KFPREFLIGHT_KUBEFLOW")
	if root == "" {
		t.Skip("KFPREFLIGHT_KUBEFLOW does not name a folder with Kubeflow's releases")
	}
	inv, _, err := render.Inventory(context.Background(), []string{filepath.Join(root, "v1.10.2", "example")}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server, oracle := New(inv), newOracle(t, inv)
	for _, o := range inv.Objects() {
		if problems, known := server.Create(o); (len(problems) > 0 || !known) && !strings.Contains(o.Key.Name, "$(") {
			t.Errorf("%s is refused as it is: %v", o.Key, problems)
		}
	}
	made := mistakes(inv)
	inParallel(len(made), func(i int) {
		m := &made[i]
		o := inventory.NewObject(m.content, nil)
		problems, known := server.Create(o)
		m.problems = problems
		m.refused = !known || slices.ContainsFunc(problems, func(p checks.Problem) bool { return p.Kind != checks.Undeterminable })
		m.wanted = oracle.refusal(m.content)
		m.shown = m.judge(o)
		if m.shown == exactly && i%3 == 0 {
			m.lines = m.compareLines()
		}
	})

	kinds, classes := map[string]tally{}, map[string]tally{}
	var all tally
	var onLine, offLine int
	for _, m := range made {
		all = all.add(&m)
		kinds[m.kind.String()] = kinds[m.kind.String()].add(&m)
		classes[m.class] = classes[m.class].add(&m)
		if m.refused != (m.wanted != nil) {
			t.Errorf("%s: refused is %v: %v; asked directly: %v", &m, m.refused, m.problems, m.wanted)
		}
		switch {
		case m.lines == nil:
		case m.lines.shown >= m.lines.first && m.lines.shown <= m.lines.last:
			onLine++
		default:
			offLine++
			t.Logf("%s: shown on line %d, changed are %d to %d: %v", &m, m.lines.shown, m.lines.first, m.lines.last, m.problems)
		}
		if m.refused && (m.shown == elsewhere || m.shown == nowhere) {
			t.Logf("%s: shown %s: %v", &m, m.shown, m.problems)
		}
	}
	for _, table := range []map[string]tally{classes, kinds} {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			t.Logf("%-60s %s", name, table[name])
		}
	}
	t.Logf("%-60s %s", "all", all)
	t.Logf("written as YAML, %d are shown on the lines that differ, %d beside them", onLine, offLine)
	if onLine < 500 || offLine*20 > onLine {
		t.Errorf("%d mistakes are shown on the lines that differ, %d beside them", onLine, offLine)
	}
	for _, kind := range inv.Kinds() {
		if kinds[kind.String()].refused == 0 {
			t.Errorf("%s: no mistake was made that is refused", kind)
		}
	}
	if all.refused < 500 {
		t.Errorf("%d mistakes were refused, fewer than 500", all.refused)
	}
	if placed := all.refused - all.shown[nowhere]; placed*100 < all.refused*95 {
		t.Errorf("%d of %d refusals name a field", placed, all.refused)
	} else if right := placed - all.shown[elsewhere]; right*100 < placed*95 {
		t.Errorf("%d of %d refusals that name a field show the mistake", right, placed)
	}
}

// A mistake is an object with one thing wrong, or at least changed.
type mistake struct {
	object  *inventory.Object
	kind    inventory.GroupKind
	class   string
	path    inventory.Path // of what was changed
	also    inventory.Path // where a key was before it was renamed
	before  any
	content map[string]any

	problems []checks.Problem
	refused  bool
	wanted   error // the refusal of those that were asked directly
	shown    shown
	lines    *lines
}

// lines are those of a file that a mistake changes, and the one that a finding
// names. What is missing shows the line of what should hold it.
type lines struct{ first, last, shown int }

// compareLines writes the object with and without the mistake. Nil is returned
// where the file cannot be read at all, or the mistake takes a line away.
func (m *mistake) compareLines() *lines {
	before, err := yaml.Marshal(m.object.Content())
	if err != nil {
		return nil
	}
	after, err := yaml.Marshal(m.content)
	if err != nil || m.class == "field left out" {
		return nil
	}
	parsed, err := manifest.Parse("object.yaml", after)
	if err != nil || len(parsed) != 1 {
		return nil
	}
	old, new := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
	var head, foot int
	for head < min(len(old), len(new)) && old[head] == new[head] {
		head++
	}
	for foot < min(len(old), len(new))-head && old[len(old)-1-foot] == new[len(new)-1-foot] {
		foot++
	}
	at := &lines{first: head + 1, last: len(new) - foot}
	if head > 0 && strings.HasSuffix(new[head-1], ":") {
		at.first = head // the key of the value that follows
	}
	for _, p := range m.problems {
		if line := parsed[0].At(p.Path).Origin().Line; at.shown == 0 || line >= at.first && line <= at.last {
			at.shown = line
		}
	}
	return at
}

func (m *mistake) String() string {
	return fmt.Sprintf("%s: %s at %s", m.object.Key, m.class, m.path)
}

// shown is how near the place of a finding is to the mistake.
type shown string

const (
	exactly   shown = "exactly"   // the field, or what is below it
	above     shown = "above"     // the map or list that holds it
	far       shown = "far above" // further up
	related   shown = "related"   // the other side of a disagreement: what refers to the value
	elsewhere shown = "elsewhere"
	nowhere   shown = "nowhere"
)

var nearest = []shown{exactly, above, far, related, elsewhere, nowhere}

func (m *mistake) judge(o *inventory.Object) shown {
	best := len(nearest) - 1
	for _, p := range m.problems {
		for _, path := range []inventory.Path{m.path, m.also} {
			if path == nil {
				continue
			}
			best = min(best, slices.Index(nearest, nearness(o, p.Path, path, m.before)))
		}
	}
	return nearest[best]
}

func nearness(o *inventory.Object, place, changed inventory.Path, before any) shown {
	n := 0
	for n < len(place) && n < len(changed) && fmt.Sprint(place[n]) == fmt.Sprint(changed[n]) {
		n++
	}
	value := o.Get(place)
	switch {
	case len(place) == 0:
		return nowhere
	case n == len(changed):
		return exactly
	case n == len(place) && n == len(changed)-1:
		return above
	case n == len(changed)-1 && value == nil:
		return above // a sibling that is missing shows the parent
	case n == len(place):
		return far
	case value != nil && reflect.DeepEqual(value, before):
		return related
	}
	return elsewhere
}

// A tally counts mistakes.
type tally struct {
	made, refused int
	shown         map[shown]int
}

func (c tally) add(m *mistake) tally {
	if c.shown == nil {
		c.shown = map[shown]int{}
	}
	c.made++
	if m.refused {
		c.refused++
		c.shown[m.shown]++
	}
	return c
}

func (c tally) String() string {
	text := fmt.Sprintf("made %4d, refused %4d", c.made, c.refused)
	for _, s := range nearest {
		text += fmt.Sprintf(", %s %d", s, c.shown[s])
	}
	return text
}

// mistakes chooses of all that can be done to the objects: of each kind some of
// each class, at different fields.
func mistakes(inv *inventory.Inventory) []mistake {
	random := rand.New(rand.NewPCG(1, 10))
	byKind := map[inventory.GroupKind][]*inventory.Object{}
	for _, o := range inv.Objects() {
		if strings.Contains(o.Key.Name, "$(") {
			// A name that is refused already would hide the mistakes.
			content := kruntime.DeepCopyJSON(o.Content())
			replace(content, inventory.Path{"metadata", "name"}, "expanded")
			o = inventory.NewObject(content, nil)
		}
		byKind[o.Key.GroupKind] = append(byKind[o.Key.GroupKind], o)
	}
	var made []mistake
	for _, kind := range slices.SortedFunc(maps.Keys(byKind), func(a, b inventory.GroupKind) int { return strings.Compare(a.String(), b.String()) }) {
		objects, each := byKind[kind], 6
		if kind == crdKind {
			// Their validation compiles every rule in them.
			objects = slices.DeleteFunc(slices.Clone(objects), func(o *inventory.Object) bool { return len(fmt.Sprint(o.Content())) > 12000 })
			each = 3
		}
		random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
		byClass := map[string][]edit{}
		for _, o := range objects[:min(len(objects), 6)] {
			edits(o, func(e edit) { byClass[e.class] = append(byClass[e.class], e) })
		}
		for _, class := range slices.Sorted(maps.Keys(byClass)) {
			list := byClass[class]
			random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			seen := map[string]bool{}
			for _, e := range list {
				pattern := position.ReplaceAllString(e.path.String(), "[]")
				if seen[pattern] || len(seen) == each {
					continue
				}
				seen[pattern] = true
				content := kruntime.DeepCopyJSON(e.object.Content())
				e.apply(content)
				made = append(made, mistake{object: e.object, kind: kind, class: class, path: e.path, also: e.also, before: e.before, content: content})
			}
		}
	}
	return made
}

var position = regexp.MustCompile(`\[\d+\]`)

// An edit is a mistake that could be made.
type edit struct {
	object     *inventory.Object
	class      string
	path, also inventory.Path
	before     any
	apply      func(content map[string]any)
}

// edits proposes mistakes for each field of an object.
func edits(o *inventory.Object, propose func(edit)) {
	visitAll(o.Content(), nil, func(path inventory.Path, value any) {
		if len(path) == 0 || path[0] == "status" || path[0] == "kind" || path.String() == "metadata.creationTimestamp" {
			return
		}
		set := func(class string, to any) {
			propose(edit{o, class, path, nil, value, func(content map[string]any) { replace(content, path, to) }})
		}
		key, named := path[len(path)-1].(string)
		if path[0] == "apiVersion" {
			group, _ := inventory.SplitAPIVersion(o.APIVersion)
			set("unserved version", strings.TrimPrefix(group+"/v9", "/"))
			return
		}
		if named {
			renamed := append(path[:len(path)-1:len(path)-1], any(key+"s"))
			propose(edit{o, "misspelt field", renamed, path, value, func(content map[string]any) {
				drop(content, path)
				replace(content, renamed, value)
			}})
			propose(edit{o, "field left out", path, nil, value, func(content map[string]any) { drop(content, path) }})
		}
		switch value := value.(type) {
		case string:
			set("text to number", int64(5))
			set("text to list", []any{value})
			set("text to map", map[string]any{"value": value})
			set("text emptied", "")
			switch parent, _ := parentName(path); {
			case key == "name" || key == "namespace" || strings.HasSuffix(key, "Name"):
				set("bad name", "Not_A name")
				set("long name", strings.Repeat("long", 70))
			case parent == "labels" || parent == "matchLabels":
				set("bad label", "no label/value!")
				set("selector that does not match", value+"-2")
			case slices.Contains(quantityParents, parent) || key == "sizeLimit" || key == "storage":
				set("bad quantity", "1 GiB")
				set("negative quantity", "-1")
			default:
				set("bad value", "No-Such_Value !")
			}
		case bool:
			set("bool to text", "yes")
		case int64, float64:
			set("number to text", "many")
			set("number to list", []any{value})
			set("negative number", int64(-7))
			set("large number", int64(70000))
		case []any:
			set("list to text", "one")
			set("list to map", map[string]any{"item": "one"})
			set("list emptied", []any{})
			if len(value) > 0 {
				last := path.Join(len(value))
				propose(edit{o, "item twice", last, nil, value[0], func(content map[string]any) {
					replace(content, path, append(slices.Clone(value), kruntime.DeepCopyJSONValue(value[0])))
				}})
				first := path.Join(0)
				propose(edit{o, "null item", first, nil, value[0], func(content map[string]any) { replace(content, first, nil) }})
			}
		case map[string]any:
			set("map to text", "one")
			set("map to list", []any{"one"})
			set("map emptied", map[string]any{})
			propose(edit{o, "field added", path.Join("surplus"), nil, nil, func(content map[string]any) { replace(content, path.Join("surplus"), "one") }})
		}
	})
	for _, r := range broken[o.Key.GroupKind] {
		path := inventory.MakePath(r.path...)
		propose(edit{o, "rule broken", path, path[:1], nil, func(content map[string]any) { replace(content, path, r.value) }})
	}
}

// broken are values that break rules over several fields, in CEL for the
// custom resources.
var broken = map[inventory.GroupKind][]struct {
	path  []any
	value any
}{
	{Group: "security.istio.io", Kind: "AuthorizationPolicy"}: {
		{[]any{"spec", "targetRef"}, map[string]any{"kind": "Service", "name": "one"}},
		{[]any{"spec", "targetRefs"}, []any{map[string]any{"kind": "Service", "name": "one"}}},
		{[]any{"spec", "selector"}, map[string]any{"matchLabels": map[string]any{"a*b": "c"}}},
	},
	{Group: "security.istio.io", Kind: "PeerAuthentication"}: {
		{[]any{"spec", "portLevelMtls"}, map[string]any{"0": map[string]any{"mode": "STRICT"}}},
		{[]any{"spec", "selector"}, map[string]any{"matchLabels": map[string]any{"": "c"}}},
	},
	{Group: "security.istio.io", Kind: "RequestAuthentication"}: {
		{[]any{"spec", "jwtRules"}, []any{map[string]any{"issuer": "a", "jwksUri": "no address"}}},
		{[]any{"spec", "jwtRules"}, []any{map[string]any{"issuer": "a", "jwks": "{}", "jwksUri": "https://a"}}},
	},
	{Group: "networking.istio.io", Kind: "DestinationRule"}: {
		{[]any{"spec", "workloadSelector"}, map[string]any{"matchLabels": map[string]any{"a*b": "c"}}},
		{[]any{"spec", "trafficPolicy", "connectionPool"}, map[string]any{"tcp": map[string]any{"connectTimeout": "soon"}}},
	},
	{Group: "networking.istio.io", Kind: "VirtualService"}: {
		{[]any{"spec", "http", 0, "timeout"}, "soon"},
	},
	{Group: "policy", Kind: "PodDisruptionBudget"}: {
		{[]any{"spec", "maxUnavailable"}, "half"},
	},
}

// quantityParents are fields whose values are quantities.
var quantityParents = []string{"requests", "limits", "hard", "capacity", "min", "max"}

func parentName(path inventory.Path) (string, bool) {
	if len(path) < 2 {
		return "", false
	}
	name, ok := path[len(path)-2].(string)
	return name, ok
}

func visitAll(value any, path inventory.Path, visit func(inventory.Path, any)) {
	visit(path, value)
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			visitAll(value[key], path.Join(key), visit)
		}
	case []any:
		for i, item := range value {
			visitAll(item, path.Join(i), visit)
		}
	}
}

func replace(content map[string]any, path inventory.Path, to any) {
	parent, _ := inventory.Lookup(content, path[:len(path)-1])
	switch parent := parent.(type) {
	case map[string]any:
		parent[path[len(path)-1].(string)] = to
	case []any:
		parent[path[len(path)-1].(int)] = to
	case nil:
		replace(content, path[:len(path)-1], map[string]any{path[len(path)-1].(string): to})
	}
}

func drop(content map[string]any, path inventory.Path) {
	parent, _ := inventory.Lookup(content, path[:len(path)-1])
	delete(parent.(map[string]any), path[len(path)-1].(string))
}

// An oracle asks the strategies and schemas directly: it shares with the server
// under test only the table of strategies.
type oracle struct {
	builtin, definitions kruntime.Decoder
	crds                 map[schema.GroupKind]*apiextv1.CustomResourceDefinition
	mu                   sync.Mutex
	served               map[schema.GroupVersionKind]*servedVersion
}

// A servedVersion is what custom resources of one version are validated with.
type servedVersion struct {
	structural *structural.Structural
	validator  schemavalidation.SchemaValidator
	rules      *cel.Validator
	status     bool
}

func newOracle(t *testing.T, inv *inventory.Inventory) *oracle {
	t.Helper()
	o := &oracle{
		builtin:     serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder(),
		definitions: serializer.NewCodecFactory(crdScheme, serializer.EnableStrict).UniversalDecoder(),
		crds:        map[schema.GroupKind]*apiextv1.CustomResourceDefinition{},
		served:      map[schema.GroupVersionKind]*servedVersion{},
	}
	for _, object := range inv.Objects() {
		if object.Key.GroupKind != crdKind {
			continue
		}
		data, err := json.Marshal(object.Content())
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextv1.CustomResourceDefinition{}
		if err := json.Unmarshal(data, crd); err != nil {
			t.Fatal(err)
		}
		o.crds[schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}] = crd
	}
	return o
}

// refusal is why an object would not be created, nil if it would.
func (o *oracle) refusal(content map[string]any) error {
	apiVersion, _ := content["apiVersion"].(string)
	kind, _ := content["kind"].(string)
	gvk := schema.FromAPIVersionAndKind(apiVersion, kind)
	if crd := o.crds[gvk.GroupKind()]; crd != nil {
		return o.customRefusal(crd, gvk, content)
	}
	decoder, strategy := o.builtin, strategies[gvk.GroupKind()]
	if gvk.Group == crdKind.Group {
		decoder, strategy = o.definitions, crdStrategy
	}
	if strategy == nil {
		return fmt.Errorf("nothing serves %s", gvk)
	}
	data, err := yaml.Marshal(content)
	if err != nil {
		return err
	}
	obj, _, err := decoder.Decode(data, nil, nil)
	if err != nil {
		return err
	}
	if service, ok := obj.(*core.Service); ok && len(service.Spec.ClusterIPs) == 0 && service.Spec.ClusterIP != "" {
		service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	if !strategy.NamespaceScoped() {
		accessor.SetNamespace("")
	} else if accessor.GetNamespace() == "" {
		accessor.SetNamespace("default")
	}
	ctx := genericapirequest.WithNamespace(context.Background(), accessor.GetNamespace())
	ctx = genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{IsResourceRequest: true, APIGroup: gvk.Group, APIVersion: gvk.Version, Verb: "create"})
	rest.FillObjectMetaSystemFields(accessor)
	return rest.BeforeCreate(strategy, ctx, obj)
}

func (o *oracle) customRefusal(crd *apiextv1.CustomResourceDefinition, gvk schema.GroupVersionKind, content map[string]any) error {
	v, err := o.version(crd, gvk)
	if err != nil {
		return err
	}
	content = kruntime.DeepCopyJSON(content)
	var metadata metav1.ObjectMeta
	data, err := json.Marshal(content["metadata"])
	if err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&metadata); err != nil {
		return err
	}
	namespaced := crd.Spec.Scope == apiextv1.NamespaceScoped
	switch {
	case !namespaced:
		metadata.Namespace = ""
	case metadata.Namespace == "":
		metadata.Namespace = "default"
	}
	errs := validation.ValidateObjectMeta(&metadata, namespaced, validation.NameIsDNSSubdomain, field.NewPath("metadata"))
	pruned := kruntime.DeepCopyJSON(content)
	pruning.Prune(pruned, v.structural, true)
	if !reflect.DeepEqual(pruned, content) {
		return fmt.Errorf("there are fields that are not in the schema")
	}
	if v.status {
		delete(content, "status")
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(content, v.structural)
	defaulting.Default(content, v.structural)
	errs = append(errs, schemavalidation.ValidateCustomResource(nil, content, v.validator)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, v.structural, content)...)
	errs = append(errs, objectmeta.Validate(context.Background(), nil, content, v.structural, false)...)
	if len(errs) == 0 && v.rules != nil {
		more, _ := v.rules.Validate(context.Background(), nil, v.structural, content, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, more...)
	}
	return errs.ToAggregate()
}

func (o *oracle) version(crd *apiextv1.CustomResourceDefinition, gvk schema.GroupVersionKind) (*servedVersion, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if v := o.served[gvk]; v != nil {
		return v, nil
	}
	for _, version := range crd.Spec.Versions {
		if version.Name != gvk.Version || !version.Served {
			continue
		}
		internal := &apiext.CustomResourceValidation{}
		if err := apiextv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, internal, nil); err != nil {
			return nil, err
		}
		v := &servedVersion{status: version.Subresources != nil && version.Subresources.Status != nil}
		var err error
		if v.structural, err = structural.NewStructural(internal.OpenAPIV3Schema); err != nil {
			return nil, err
		}
		if v.validator, _, err = schemavalidation.NewSchemaValidator(internal.OpenAPIV3Schema); err != nil {
			return nil, err
		}
		v.rules = cel.NewValidator(v.structural, true, celconfig.PerCallLimit)
		o.served[gvk] = v
		return v, nil
	}
	return nil, fmt.Errorf("%s does not serve %s", crd.Name, gvk)
}

// inParallel calls f for each number below n.
func inParallel(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
