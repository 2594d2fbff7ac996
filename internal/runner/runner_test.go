package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// images reports every image, secrets every Secret value, ghosts nothing.
var (
	images = &checks.Check{ID: "test/image", Severity: checks.Error, Doc: "t\n\nd", Fix: "f", Run: func(pass *checks.Pass) {
		for o := range pass.Render.Of(inventory.GroupKind{Group: "apps", Kind: "Deployment"}) {
			for i := range o.List("spec", "template", "spec", "containers") {
				place := o.At("spec", "template", "spec", "containers", i, "image")
				pass.Reportf(place, "image %s of %s", place.Text(), o.Key)
			}
		}
	}}
	documents = &checks.Check{ID: "test/document", Severity: checks.Warning, Doc: "t\n\nd", Fix: "f", Run: func(pass *checks.Pass) {
		for o := range pass.Render.Of(inventory.GroupKind{Kind: "ConfigMap"}, inventory.GroupKind{Kind: "Secret"}) {
			for _, field := range []string{"data", "stringData"} {
				if doc, err := o.At(field, "config.yaml").Document(); err == nil && o.String(field, "config.yaml") != "" {
					pass.Reportf(doc.At("clients", 0, "uri"), "client of %s", o.Key)
				}
			}
		}
	}}
	ghosts = &checks.Check{ID: "other/ghost", Severity: checks.Error, Doc: "t\n\nd", Fix: "f", Run: func(pass *checks.Pass) {
		for range pass.Render.Of(inventory.GroupKind{Group: "ghost.example", Kind: "Ghost"}) {
		}
	}}
	all = append([]*checks.Check{images, documents, ghosts}, Checks...)
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  template:
    spec:
      containers:
      - name: first
        image: registry.example/first:1
      - name: second
        # why
        image: registry.example/second:1
`

func run(t *testing.T, files map[string]string, cfg string, selected ...*checks.Check) *Result {
	t.Helper()
	var objects []*inventory.Object
	for _, name := range []string{"a.yaml", "dir/b.yaml"} {
		found, err := manifest.Parse(name, []byte(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, found...)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	if selected == nil {
		selected = all
	}
	result, err := Run(context.Background(), inv, selected, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ig := Ignores{
		Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Selected: selected, All: all,
		Rel: func(file string) string { return file },
		Lines: func(file string) ([]string, error) {
			if text, ok := files[file]; ok {
				return strings.Split(text, "\n"), nil
			}
			return nil, os.ErrNotExist
		},
	}
	if cfg != "" {
		if ig.Config, err = config.Parse(config.Name, []byte("version: 1\n"+cfg)); err != nil {
			t.Fatal(err)
		}
	}
	result.Ignore(ig)
	return result
}

func texts(r *Result) []string {
	var texts []string
	for _, f := range r.Findings {
		origin := r.Origin(f)
		text := fmt.Sprintf("%s:%d %s", origin.File, origin.Line, f.Check.ID)
		if s := r.Suppressed[f]; s != nil {
			text += " ignored: " + s.Reason
		}
		texts = append(texts, text)
	}
	return texts
}

func TestIgnore(t *testing.T) {
	at := func(line int, comment string) string {
		lines := strings.Split(deployment, "\n")
		lines[line-1] += comment
		return strings.Join(lines, "\n")
	}
	open := []string{"a.yaml:9 test/image", "a.yaml:12 test/image"}
	for _, test := range []struct {
		name, manifest, config string
		want                   []string
	}{
		{"none", deployment, "", open},
		{"by id", deployment, "ignore: [{check: test/image, reason: r}]", []string{"a.yaml:9 test/image ignored: r", "a.yaml:12 test/image ignored: r"}},
		{"by family and object", deployment, "ignore: [{check: test, object: 'Deployment/te*/w?b', reason: r}]", []string{"a.yaml:9 test/image ignored: r", "a.yaml:12 test/image ignored: r"}},
		{"by kind and name", deployment, "ignore: [{check: test/*, object: Deployment.apps/web, reason: r}]", []string{"a.yaml:9 test/image ignored: r", "a.yaml:12 test/image ignored: r"}},
		{"another object", deployment, "ignore: [{check: test, object: Deployment/other/web, reason: r}]", append([]string{".kfpreflight.yaml:2 config/unused-ignore"}, open...)},
		{"by path", deployment, "ignore: [{check: test, path: ./*.yaml, reason: r}]", []string{"a.yaml:9 test/image ignored: r", "a.yaml:12 test/image ignored: r"}},
		{"by folder", deployment, "ignore: [{check: test, path: dir/, reason: r}]", append([]string{".kfpreflight.yaml:2 config/unused-ignore"}, open...)},
		{"expired", deployment, "ignore:\n- check: test\n  reason: r\n  expires: 2026-05-31", append([]string{".kfpreflight.yaml:5 config/expired-ignore"}, open...)},
		{"last day", deployment, "ignore: [{check: test, reason: r, expires: 2026-06-01}]", []string{"a.yaml:9 test/image ignored: r", "a.yaml:12 test/image ignored: r"}},
		{"nothing to look at", deployment, "ignore: [{check: other/ghost, reason: r}]", open},
		{"on the line", at(9, " # kfpreflight:ignore test/image mirrored"), "", []string{"a.yaml:9 test/image ignored: mirrored", "a.yaml:12 test/image"}},
		{"on the line above", at(11, "\n        # kfpreflight:ignore test: mirrored\n        # more"), "", []string{"a.yaml:9 test/image", "a.yaml:14 test/image ignored: mirrored"}},
		{"the line above is no comment line", at(11, "\n# x") + "", "", []string{"a.yaml:9 test/image", "a.yaml:13 test/image"}},
		{"behind the line before", at(8, " # kfpreflight:ignore test/image r"), "", append([]string{"a.yaml:8 config/unused-ignore"}, open...)},
		{"without reason", at(9, " # kfpreflight:ignore test/image"), "", append([]string{"a.yaml:9 config/ignore-without-reason"}, open...)},
		{"without anything", at(9, " # kfpreflight:ignore"), "", append([]string{"a.yaml:9 config/ignore-without-reason"}, open...)},
		{"unknown check", at(9, " # kfpreflight:ignore test/imag r"), "", append([]string{"a.yaml:9 config/ignore-of-unknown-check"}, open...)},
		{"several checks", at(9, " # kfpreflight:ignore other/ghost,test/image r"), "", []string{"a.yaml:9 test/image ignored: r", "a.yaml:12 test/image"}},
		{"switched off", deployment, "ignore: [{check: test, object: X/y, reason: r}]\n", append([]string{".kfpreflight.yaml:2 config/unused-ignore"}, open...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := texts(run(t, map[string]string{"a.yaml": test.manifest}, test.config))
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	// What was not selected may have been what the ignore is for.
	if got := texts(run(t, map[string]string{"a.yaml": deployment}, "ignore: [{check: test, object: X/y, reason: r}]", images, unusedIgnore)); !slices.Equal(got, open) {
		t.Errorf("with one check of the family: %q", got)
	}
	if got := texts(run(t, map[string]string{"a.yaml": deployment}, "ignore: [{check: test, object: X/y, reason: r}]", images, documents)); !slices.Equal(got, open) {
		t.Errorf("with the check disabled: %q", got)
	}
}

func prints(t *testing.T, a, b string) map[string]string {
	t.Helper()
	result := run(t, map[string]string{"a.yaml": a, "dir/b.yaml": b}, "")
	found := map[string]string{}
	for f, print := range result.Fingerprints() {
		if other, dup := found[print]; dup {
			t.Errorf("%q and %q have one fingerprint", other, f.Message)
		}
		found[print] = f.Message
	}
	return found
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for print := range a {
		if _, ok := b[print]; !ok {
			return false
		}
	}
	return true
}

func TestFingerprints(t *testing.T) {
	const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: dex-8c7tg9k2hb, namespace: auth}
data:
  config.yaml: |
    clients:
    - id: web
      uri: https://a.example/callback
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: auth}
stringData:
  config.yaml: |
    clients:
    - id: web
      uri: https://a.example/callback
`
	base := prints(t, deployment, text)
	if len(base) != 4 {
		t.Fatalf("findings: %v", base)
	}
	for name, changed := range map[string][2]string{
		"again":               {deployment, text},
		"lines moved":         {"# one\n# two\n" + deployment, "# one\n" + text},
		"a container before":  {strings.Replace(deployment, "      - name: first\n", "      - name: first\n        ports: []\n", 1), text},
		"order of containers": {strings.NewReplacer("name: first", "name: second", "registry.example/first:1", "registry.example/second:1", "name: second", "name: first", "registry.example/second:1", "registry.example/first:1").Replace(deployment), text},
		"hash suffix":         {deployment, strings.Replace(text, "8c7tg9k2hb", "2222222222", 1)},
		"other file":          {"", deployment + "---\n" + text},
		"a Secret's value":    {deployment, text[:len(text)-40] + strings.Replace(text[len(text)-40:], "a.example", "b.example", 1)},
	} {
		if got := prints(t, changed[0], changed[1]); !same(base, got) {
			t.Errorf("%s: the fingerprints changed:\n%v\n%v", name, base, got)
		}
	}
	for name, changed := range map[string][2]string{
		"value":            {strings.Replace(deployment, "first:1", "first:2", 1), text},
		"name":             {strings.Replace(deployment, "name: web", "name: web2", 1), text},
		"item":             {strings.Replace(deployment, "name: first", "name: third", 1), text},
		"document's value": {deployment, strings.Replace(text, "a.example", "b.example", 1)},
		"not quite a hash": {deployment, strings.Replace(text, "dex-8c7tg9k2hb", "dex-configured", 1)},
		"a second alike":   {strings.Replace(deployment, "name: second", "name: first", 1), text},
	} {
		if got := prints(t, changed[0], changed[1]); same(base, got) {
			t.Errorf("%s: the fingerprints did not change", name)
		}
	}
}

func TestSelect(t *testing.T) {
	ids := func(list []*checks.Check) string {
		var ids []string
		for _, c := range list {
			if c.Family() != "config" {
				ids = append(ids, c.ID)
			}
		}
		return strings.Join(ids, " ")
	}
	type layer = config.Selection
	for _, test := range []struct {
		layers []layer
		want   string
	}{
		{nil, "test/image test/document other/ghost"},
		{[]layer{{Disable: []string{"test"}}}, "other/ghost"},
		{[]layer{{Disable: []string{"*/*o*"}}}, "test/image"},
		{[]layer{{Only: []string{"t*"}}}, "test/image test/document"},
		{[]layer{{Only: []string{"test/image"}, Enable: []string{"other"}}}, "test/image other/ghost"},
		{[]layer{{Enable: []string{"test/image"}, Disable: []string{"test"}}}, "other/ghost"},
		{[]layer{{Disable: []string{"test"}}, {Enable: []string{"test/image"}}}, "test/image other/ghost"},
		{[]layer{{Disable: []string{"test"}}, {Only: []string{"test/document"}}}, "test/document"},
		{[]layer{{Disable: []string{"**"}}}, ""},
	} {
		got, err := Select(all, test.layers...)
		if err != nil || ids(got) != test.want {
			t.Errorf("%v: %q, %v; want %q", test.layers, ids(got), err, test.want)
		}
	}
	_, err := Select(all, layer{Only: []string{"test/imgae"}})
	var unknown *UnknownCheck
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Near, "test/image") {
		t.Errorf("%v", err)
	}
}

func TestPanic(t *testing.T) {
	inv, err := inventory.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := &checks.Check{ID: "test/broken", Run: func(*checks.Pass) { panic("oh") }}
	if _, err := Run(context.Background(), inv, []*checks.Check{broken}, Options{}); err == nil || !strings.Contains(err.Error(), "running check test/broken: internal error: oh") {
		t.Errorf("%v", err)
	}
}

func TestOwnChecks(t *testing.T) {
	for _, check := range Checks {
		if err := check.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// TestUnreadable holds that an object that does not decode leaves every check
// that asked for it undecided, and is reported once.
func TestUnreadable(t *testing.T) {
	objects, err := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {n: 3}\n"))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	read := func(pass *checks.Pass) {
		for range (inventory.Kind[corev1.ConfigMap]{Name: "ConfigMap"}).In(pass.Render) {
			t.Error("it decodes")
		}
	}
	list := []*checks.Check{{ID: "test/a", Run: read}, {ID: "test/b", Run: read}}
	result, err := Run(context.Background(), inv, list, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Findings) != 1 || !result.Findings[0].Undecided || !strings.Contains(result.Findings[0].Message, "ConfigMap default/c cannot be read") {
		t.Errorf("%d findings", len(result.Findings))
	}
	for _, c := range result.Coverage {
		if c.State != Undecided {
			t.Errorf("%s: %s", c.Check.ID, c.State)
		}
	}
}
