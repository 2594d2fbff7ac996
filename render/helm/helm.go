// Package helm renders Helm charts with Helm's own library, without a cluster,
// a network or a helm binary, and finds the way back from a rendered field to
// the line of the chart or of the values that set it.
//
// What it renders is, byte for byte, what helm template --include-crds prints,
// with two differences: random text is the same in every run, and where the
// order of subcharts is left to chance by Helm, it is by name.
package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"

	goyaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// Options of a render; each is the flag of helm template of the same name.
type Options struct {
	ReleaseName string // "release-name" where empty
	Namespace   string // "default" where empty
	KubeVersion string // DefaultKubeVersion where empty
	APIVersions []string

	Values     []Values // already read; they come before the files
	ValueFiles []string // -f
	Set        []string // --set
	SetString  []string
	SetFile    []string
	SetJSON    []string
	SetLiteral []string

	IsUpgrade            bool
	NoCRDs               bool // leaves out crds/
	NoHooks              bool
	SkipTests            bool
	SkipSchemaValidation bool

	// Warnings takes what Helm says beside the result; nil drops it.
	Warnings io.Writer
}

// Values are values that were read elsewhere.
type Values struct {
	Content map[string]any
	Sources []ValuesSource // where they are set, the last word first
}

// A ValuesSource is a place that sets values.
type ValuesSource struct {
	Origin string       // the file
	Node   *goyaml.Node // the mapping of the values in it
	Own    bool         // it belongs to the chart
}

// HasValues reports whether the options say something that is meant for one
// chart.
func (o Options) HasValues() bool {
	return len(o.ValueFiles)+len(o.Set)+len(o.SetString)+len(o.SetFile)+len(o.SetJSON)+len(o.SetLiteral) > 0 || o.ReleaseName != ""
}

// DefaultKubeVersion is the Kubernetes version that charts see where none is
// given: that of Helm's own release, which is that of the libraries it is built
// with. Helm as a library would say v1.20.0.
const DefaultKubeVersion = "v1.37.0"

// A Result is a rendered chart.
type Result struct {
	// Manifest is what helm template prints.
	Manifest []byte

	documents []*document
	places    *places
	namespace string
	warn      func(string)
}

// A document is one rendered YAML document.
type document struct {
	source string // as in "# Source:"
	text   string
	hook   bool

	// A document of a template: what the template wrote, and where in it the
	// document stands.
	record *record
	offset int

	// A document of crds/: the file it is copied from.
	origin string
}

// Render renders the chart in a folder or archive. Errors about the input are
// of type [*input.Error].
func Render(ctx context.Context, fsys FileSystem, at string, opts Options) (*Result, error) {
	r := &renderer{ctx: ctx, opts: opts, at: slashed(at)}
	err := capture(opts.Warnings, func() error {
		loaded, err := load(ctx, fsys, at)
		if err != nil {
			return err
		}
		user, err := readValues(ctx, fsys, opts)
		if err != nil {
			return err
		}
		return r.prepare(loaded, user)
	})
	if err != nil {
		return nil, err
	}
	return r.render()
}

// A Document is one rendered YAML document.
type Document struct {
	Source string // the template, as helm template names it
	Text   string
}

// Documents are what [Result.Manifest] holds, in its order.
func (r *Result) Documents() []Document {
	documents := make([]Document, len(r.documents))
	for i, d := range r.documents {
		documents[i] = Document{d.source, d.text + "\n"}
	}
	return documents
}

// Origin locates the value on one line, from 1, of one of the documents.
func (r *Result) Origin(document, line int) inventory.Origin {
	d := r.documents[document]
	lines := strings.SplitAfter(d.text, "\n")
	start, end, ok := textRange(lines, line)
	if !ok {
		start = offsetOf(lines, line)
		end = start
	}
	return r.places.at(d, start, end, unquote(d.text[start:end])).origin()
}

// Objects renders a chart on disk into located objects.
func Objects(ctx context.Context, at string, opts Options) ([]*inventory.Object, error) {
	result, err := Render(ctx, Disk{}, at, opts)
	if err != nil {
		return nil, err
	}
	return result.Objects()
}

// logging guards the standard logger, which Helm writes its warnings to.
var logging sync.Mutex

// capture runs f and takes what Helm logs meanwhile.
func capture(warnings io.Writer, f func() error) error {
	logging.Lock()
	defer logging.Unlock()
	out, flags, prefix := log.Writer(), log.Flags(), log.Prefix()
	defer func() {
		log.SetOutput(out)
		log.SetFlags(flags)
		log.SetPrefix(prefix)
	}()
	if warnings == nil {
		warnings = io.Discard
	}
	log.SetOutput(warnings)
	log.SetFlags(0)
	log.SetPrefix("")
	return f()
}

type renderer struct {
	ctx    context.Context
	opts   Options
	at     string
	loaded *loaded
	places *places
	values chartutil.Values
}

func (r *renderer) warn(text string) {
	if r.opts.Warnings != nil {
		fmt.Fprintln(r.opts.Warnings, "warning: "+text)
	}
}

// prepare does what helm template does before it renders.
func (r *renderer) prepare(l *loaded, user *userValues) error {
	c := l.chart
	r.loaded = l
	values := &valuePlaces{loaded: l, user: user, parsed: map[*chart.File]*valuesFile{}}
	r.places = &places{values: values}
	metadata := l.chartOrigin(c, "Chart.yaml")
	if r.opts.ReleaseName == "" {
		r.opts.ReleaseName = "release-name"
	}
	if r.opts.Namespace == "" {
		r.opts.Namespace = "default"
	}
	if r.opts.KubeVersion == "" {
		r.opts.KubeVersion = DefaultKubeVersion
	}
	if c.Metadata.Type != "" && c.Metadata.Type != "application" {
		return input.Errorf(metadata, r.lineOf(c, "type"), "%s charts are not installable", c.Metadata.Type)
	}
	if c.Metadata.Deprecated {
		r.warn(fmt.Sprintf("%s: this chart is deprecated", metadata))
	}
	if dependencies := c.Metadata.Dependencies; dependencies != nil {
		if err := action.CheckDependencies(c, dependencies); err != nil {
			return input.Errorf(metadata, r.lineOf(c, "dependencies"), "dependencies %w; fetch them with helm dependency build", err)
		}
	}
	if err := chartutil.ValidateReleaseName(r.opts.ReleaseName); err != nil {
		return input.Errorf(r.at, 0, "release name %q: %w", r.opts.ReleaseName, err)
	}
	kubeVersion, err := chartutil.ParseKubeVersion(r.opts.KubeVersion)
	if err != nil {
		return input.Errorf(r.at, 0, "invalid Kubernetes version %q: %w", r.opts.KubeVersion, err)
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, user.merged); err != nil {
		return values.errorf(nil, "%w", err)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kubeVersion
	capabilities.APIVersions = append(capabilities.APIVersions[:len(capabilities.APIVersions):len(capabilities.APIVersions)], r.opts.APIVersions...)
	r.values, err = chartutil.ToRenderValuesWithSchemaValidation(c, user.merged, chartutil.ReleaseOptions{
		Name:      r.opts.ReleaseName,
		Namespace: r.opts.Namespace,
		Revision:  1,
		IsInstall: !r.opts.IsUpgrade,
		IsUpgrade: r.opts.IsUpgrade,
	}, capabilities, true)
	if err != nil {
		return values.errorf(nil, "%w", err)
	}
	if !r.opts.SkipSchemaValidation {
		final, _ := r.values["Values"].(chartutil.Values)
		if err := checkSchema(values, c, final, nil, r.warn); err != nil {
			return err
		}
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, capabilities.KubeVersion.String()) {
		return input.Errorf(metadata, r.lineOf(c, "kubeVersion"),
			"the chart requires kubeVersion %s, which is incompatible with Kubernetes %s", want, capabilities.KubeVersion.String())
	}
	return nil
}

// lineOf is the line of a field of Chart.yaml; 0 where it is missing.
func (r *renderer) lineOf(c *chart.Chart, field string) int {
	if file := r.places.values.chartFile(c, "Chart.yaml"); file != nil {
		if node := exactly(file.doc, inventory.Path{field}); node != nil {
			return node.Line
		}
	}
	return 0
}

func (r *renderer) render() (*Result, error) {
	written, trace, err := render(r.ctx, r.loaded, r.values)
	r.places.trace = trace
	if err != nil {
		return nil, r.renderError(trace, err)
	}
	r.places.final, _ = r.values["Values"].(chartutil.Values)
	for name := range written {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(written, name)
		}
	}
	var hooks []*release.Hook
	var manifests []releaseutil.Manifest
	err = capture(r.opts.Warnings, func() (err error) {
		hooks, manifests, err = releaseutil.SortManifests(written, nil, releaseutil.InstallOrder)
		return err
	})
	if err != nil {
		return nil, r.sortError(written, err)
	}
	result := &Result{places: r.places, namespace: r.opts.Namespace, warn: r.warn}
	var body bytes.Buffer
	if !r.opts.NoCRDs {
		for _, crd := range r.loaded.chart.CRDObjects() {
			fmt.Fprintf(&body, "---\n# Source: %s\n%s\n", crd.Filename, crd.File.Data)
			result.documents = append(result.documents, &document{source: crd.Filename, text: string(crd.File.Data), origin: r.loaded.files[crd.File]})
		}
	}
	offsets := documentOffsets(written)
	add := func(name, text string, hook bool) {
		d := &document{source: name, text: text, hook: hook, record: trace.files[name]}
		key := [2]string{name, text}
		if known := offsets[key]; len(known) > 0 {
			d.offset, offsets[key] = known[0], known[1:]
		}
		result.documents = append(result.documents, d)
	}
	for _, m := range manifests {
		fmt.Fprintf(&body, "---\n# Source: %s\n%s\n", m.Name, m.Content)
		add(m.Name, m.Content, false)
	}
	var out bytes.Buffer
	fmt.Fprintln(&out, strings.TrimSpace(body.String()))
	if !r.opts.NoHooks {
		for _, hook := range hooks {
			if r.opts.SkipTests && isTest(hook) {
				continue
			}
			fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
			add(hook.Path, hook.Manifest, true)
		}
	}
	result.Manifest = out.Bytes()
	return result, nil
}

func isTest(hook *release.Hook) bool {
	for _, event := range hook.Events {
		if event == release.HookTest {
			return true
		}
	}
	return false
}

// documentOffsets finds where the documents stand that Helm cuts out of what
// the templates wrote, by template and text. One text may stand there twice.
func documentOffsets(written map[string]string) map[[2]string][]int {
	offsets := map[[2]string][]int{}
	for name, text := range written {
		for _, d := range splitManifests(text) {
			key := [2]string{name, d.text}
			offsets[key] = append(offsets[key], d.offset)
		}
	}
	return offsets
}

type part struct {
	text   string
	offset int
}

// splitManifests cuts as Helm does and keeps the places.
func splitManifests(text string) []part {
	split := releaseutil.SplitManifests(text)
	var parts []part
	at := 0
	for i := range len(split) {
		d := split[fmt.Sprintf("manifest-%d", i)]
		if found := strings.Index(text[at:], d); found >= 0 {
			at += found
		}
		parts = append(parts, part{d, at})
		at += len(d)
	}
	return parts
}

// keptText is how much stays of each end of a long message.
const keptText = 400

// renderError gives a failure of a template its place.
func (r *renderer) renderError(trace *tracer, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var known *input.Error
	if errors.As(err, &known) {
		return known
	}
	text := strings.ReplaceAll(oneLine(err.Error()), " | "+callValue, "")
	if len(text) > 3*keptText { // it names every template in between
		text = strings.ToValidUTF8(text[:keptText], "") + " … " + strings.ToValidUTF8(text[len(text)-keptText:], "")
	}
	var failed *templateError
	if errors.As(err, &failed) {
		if origin := trace.origins[failed.name]; origin != "" {
			return input.Errorf(origin, failed.line, "%s", text)
		}
	}
	// A limit: the place is where the templates were at that moment.
	for i := len(trace.frames) - 1; i >= 0; i-- {
		if s := trace.frames[i].site; s != nil && !s.nested {
			return input.Errorf(trace.origins[s.template], s.line, "%s", text)
		}
	}
	return input.Errorf(r.at, 0, "%s", text)
}

// sortError finds the document that Helm could not read, and its line.
func (r *renderer) sortError(written map[string]string, err error) error {
	for _, name := range slices.Sorted(maps.Keys(written)) {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		for _, part := range splitManifests(written[name]) {
			var head releaseutil.SimpleHead
			failure := yaml.Unmarshal([]byte(part.text), &head)
			if failure == nil {
				continue
			}
			d := &document{source: name, text: part.text, record: r.places.trace.files[name], offset: part.offset}
			line := 0
			text := oneLine(failure.Error())
			var doc goyaml.Node
			if syntax := goyaml.Unmarshal([]byte(part.text), &doc); syntax != nil {
				var at *input.Error
				if errors.As(input.YAMLError(name, []byte(part.text), syntax), &at) {
					line, text = at.Line, at.Err.Error()
				}
			} else if line = badHead(&doc); line == 0 {
				if m := yamlLine.FindStringSubmatch(text); m != nil {
					fmt.Sscanf(m[1], "%d", &line)
				}
			}
			if line == 0 {
				line = 1
			}
			return r.places.errorAt(d, line, "the rendered document cannot be read: %s", text)
		}
	}
	return input.Errorf(r.at, 0, "%s", oneLine(err.Error()))
}

// badHead finds what Helm cannot read in a document that is valid YAML.
func badHead(doc *goyaml.Node) int {
	for _, path := range []inventory.Path{{"apiVersion"}, {"kind"}, {"metadata", "name"}} {
		if node := exactly(doc, path); node != nil && node.ShortTag() != "!!str" && node.ShortTag() != "!!null" {
			return node.Line
		}
	}
	if node := exactly(doc, inventory.Path{"metadata", "annotations"}); node != nil {
		for i := 1; i < len(node.Content); i += 2 {
			if tag := node.Content[i].ShortTag(); tag != "!!str" && tag != "!!null" {
				return node.Content[i].Line
			}
		}
	}
	return 0
}

// Objects reads the rendered objects. An object that names no namespace gets
// that of the release in its key, as helm install would put it there.
func (r *Result) Objects() ([]*inventory.Object, error) {
	var objects []*inventory.Object
	first := map[inventory.Key]bool{}
	for _, d := range r.documents {
		found, err := r.objects(d)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			if o.Key.Namespace == "" {
				o.Key.Namespace = r.namespace
			}
			// Helm runs hooks apart from the rest and may delete them before:
			// one object may well be given as a hook and again.
			if d.hook && first[o.Key] {
				r.warn(fmt.Sprintf("%s is given again as a hook in %s; the first one is checked", o.Key, d.source))
				continue
			}
			first[o.Key] = true
			objects = append(objects, o)
		}
	}
	return objects, nil
}

func (r *Result) objects(d *document) ([]*inventory.Object, error) {
	// Helm cuts the last line end off and puts it back.
	docs, err := manifest.Documents(d.source, []byte(d.text+"\n"))
	if err != nil {
		return nil, r.places.relocate(d, err)
	}
	var objects []*inventory.Object
	for _, doc := range docs {
		manifest.DropDuplicateKeys(doc, func(key *goyaml.Node) {
			at := r.places.errorAt(d, key.Line, "the key %q is given twice; Helm takes the last one", key.Value)
			r.warn(at.Error())
		})
		found, err := manifest.Unroll(d.source, doc, func(prefix inventory.Path) inventory.Locator {
			if d.record == nil {
				return &manifest.Locator{File: d.origin, Node: doc, Prefix: prefix}
			}
			return &locator{places: r.places, document: d, node: doc, prefix: prefix}
		})
		if err != nil {
			return nil, r.places.relocate(d, err)
		}
		objects = append(objects, found...)
	}
	return objects, nil
}
