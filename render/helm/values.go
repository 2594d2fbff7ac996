package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"

	goyaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// userValues are the values that the user gives beside the chart.
type userValues struct {
	merged map[string]any
	set    map[string]any // of them, those of --set and its kin
	files  []*valuesFile  // the last one has the last word
}

// A valuesFile is a file of values and the lines of its fields.
type valuesFile struct {
	origin string
	doc    *goyaml.Node
	own    bool // it belongs to the chart
}

// readValues merges values files and settings as Helm does, in its order.
func readValues(ctx context.Context, fsys FileSystem, opts Options) (*userValues, error) {
	v := &userValues{merged: map[string]any{}, set: map[string]any{}}
	for _, values := range opts.Values {
		for _, source := range slices.Backward(values.Sources) {
			v.files = append(v.files, &valuesFile{source.Origin, source.Node, source.Own})
		}
		v.merged = mergeMaps(v.merged, values.Content)
	}
	for _, file := range opts.ValueFiles {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		data, err := opts.readExtra(fsys, file)
		if err != nil {
			return nil, err
		}
		origin := slashed(file)
		if err := checkYAML(origin, data); err != nil {
			return nil, err
		}
		values := map[string]any{}
		if err := yaml.Unmarshal(data, &values); err != nil {
			return nil, input.YAMLError(origin, data, err)
		}
		var doc goyaml.Node
		if err := goyaml.Unmarshal(data, &doc); err != nil {
			return nil, input.YAMLError(origin, data, err)
		}
		v.files = append(v.files, &valuesFile{origin: origin, doc: &doc})
		v.merged = mergeMaps(v.merged, values)
	}
	read := func(path []rune) (any, error) {
		data, err := opts.readExtra(fsys, string(path))
		return string(data), err
	}
	for _, group := range []struct {
		flag   string
		values []string
		parse  func(string, map[string]any) error
	}{
		{"--set-json", opts.SetJSON, strvals.ParseJSON},
		{"--set", opts.Set, strvals.ParseInto},
		{"--set-string", opts.SetString, strvals.ParseIntoString},
		{"--set-file", opts.SetFile, func(s string, into map[string]any) error { return strvals.ParseIntoFile(s, into, read) }},
		{"--set-literal", opts.SetLiteral, strvals.ParseLiteralInto},
	} {
		for _, value := range group.values {
			err := group.parse(value, v.merged)
			if err == nil {
				err = group.parse(value, v.set)
			}
			var known *input.Error
			if errors.As(err, &known) {
				return nil, err
			}
			if err != nil {
				return nil, input.Errorf(group.flag, 0, "%q: %w", value, err)
			}
		}
	}
	return v, nil
}

// readExtra reads a file that an option names.
func (o Options) readExtra(fsys FileSystem, name string) ([]byte, error) {
	if name == "-" {
		return nil, input.Errorf(name, 0, "values are not read from standard input")
	}
	if u, err := url.Parse(name); err == nil && len(u.Scheme) > 1 {
		return nil, input.Errorf(name, 0, "values are not fetched from the network")
	}
	data, err := fsys.ReadFile(name)
	if err != nil {
		return nil, asInputError(slashed(name), err)
	}
	return data, nil
}

func mergeMaps(a, b map[string]any) map[string]any {
	merged := maps.Clone(a)
	for key, value := range b {
		if inner, ok := value.(map[string]any); ok {
			if known, ok := merged[key].(map[string]any); ok {
				merged[key] = mergeMaps(known, inner)
				continue
			}
		}
		merged[key] = value
	}
	return merged
}

// valuePlaces finds the line that sets a value.
type valuePlaces struct {
	loaded *loaded
	user   *userValues

	mu     sync.Mutex
	parsed map[*chart.File]*valuesFile
}

// find names the last file that sets the value at a path of the top chart's
// values, and the node that does. user says that it is one that the user gave
// beside the chart; nothing is found where --set has the last word.
func (v *valuePlaces) find(path inventory.Path) (file *valuesFile, node *goyaml.Node, user bool) {
	if len(path) == 0 {
		return nil, nil, false
	}
	aliases := v.aliases(path)
	for _, alias := range aliases {
		if _, ok := inventory.Lookup(v.user.set, alias); ok {
			return nil, nil, true
		}
	}
	for _, file := range slices.Backward(v.user.files) {
		for _, alias := range aliases {
			if node := exactly(file.doc, alias); node != nil {
				return file, node, !file.own
			}
		}
	}
	c := v.loaded.chart
	for {
		if file := v.values(c); file != nil {
			for _, alias := range aliases {
				if node := exactly(file.doc, alias); node != nil {
					return file, node, false
				}
			}
		}
		name, _ := path[0].(string)
		i := slices.IndexFunc(c.Dependencies(), func(sub *chart.Chart) bool { return sub.Name() == name })
		if i < 0 || len(path) == 1 {
			return nil, nil, false
		}
		c, path = c.Dependencies()[i], path[1:]
		aliases = v.aliases(path)
	}
}

// aliases are the paths at which a value may be set: a global one of a
// subchart also in the charts above it.
func (v *valuePlaces) aliases(path inventory.Path) []inventory.Path {
	paths := []inventory.Path{path}
	if i := slices.Index([]any(path), any(chartutil.GlobalKey)); i > 0 {
		for j := i - 1; j >= 0; j-- {
			paths = append(paths, slices.Concat(path[:j], path[i:]))
		}
	}
	return paths
}

func exactly(doc *goyaml.Node, path inventory.Path) *goyaml.Node {
	if node, reached := inventory.NodeAt(doc, path); reached == len(path) {
		return node
	}
	return nil
}

// values parses a chart's values.yaml for its lines.
func (v *valuePlaces) values(c *chart.Chart) *valuesFile {
	return v.chartFile(c, "values.yaml")
}

func (v *valuePlaces) chartFile(c *chart.Chart, name string) *valuesFile {
	i := slices.IndexFunc(c.Raw, func(f *chart.File) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	raw := c.Raw[i]
	v.mu.Lock()
	defer v.mu.Unlock()
	if file, ok := v.parsed[raw]; ok {
		return file
	}
	var file *valuesFile
	var doc goyaml.Node
	if goyaml.Unmarshal(raw.Data, &doc) == nil {
		file = &valuesFile{origin: v.loaded.files[raw], doc: &doc, own: true}
	}
	v.parsed[raw] = file
	return file
}

// checkSchema validates the values against the schemas of the chart and its
// subcharts. Helm would fetch what a schema refers to; here nothing is fetched
// and no file outside the chart is read.
func checkSchema(places *valuePlaces, c *chart.Chart, values map[string]any, prefix inventory.Path, warn func(string)) error {
	if c.Schema != nil {
		if err := checkOneSchema(places, c, values, prefix, warn); err != nil {
			return err
		}
	}
	for _, sub := range c.Dependencies() {
		raw, ok := values[sub.Name()]
		if !ok || raw == nil {
			continue
		}
		inner, ok := raw.(map[string]any)
		if !ok {
			return places.errorf(prefix.Join(sub.Name()), "the values of chart %s must be a mapping", sub.Name())
		}
		if err := checkSchema(places, sub, inner, prefix.Join(sub.Name()), warn); err != nil {
			return err
		}
	}
	return nil
}

func checkOneSchema(places *valuePlaces, c *chart.Chart, values map[string]any, prefix inventory.Path, warn func(string)) (err error) {
	origin := places.loaded.chartOrigin(c, "values.schema.json")
	defer func() {
		if r := recover(); r != nil {
			err = input.Errorf(origin, 0, "malformed schema: %v", r)
		}
	}()
	if err := input.CheckText(origin, c.Schema); err != nil {
		return err
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema))
	if err != nil {
		return input.Errorf(origin, 0, "malformed schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(schemaLoader{warn, origin})
	if err := compiler.AddResource("file:///values.schema.json", schema); err != nil {
		return input.Errorf(origin, 0, "malformed schema: %w", err)
	}
	validator, err := compiler.Compile("file:///values.schema.json")
	if err != nil {
		return input.Errorf(origin, 0, "malformed schema: %s", oneLine(err.Error()))
	}
	err = validator.Validate(chartutil.Values(values).AsMap())
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		for len(invalid.Causes) > 0 {
			invalid = invalid.Causes[0]
		}
		path := slices.Clone(prefix)
		var at any = values
		for _, step := range invalid.InstanceLocation {
			if _, ok := at.([]any); ok {
				var i int
				if _, err := fmt.Sscanf(step, "%d", &i); err == nil {
					path = path.Join(i)
					at, _ = inventory.Lookup(at, inventory.Path{i})
					continue
				}
			}
			path = path.Join(step)
			at, _ = inventory.Lookup(at, inventory.Path{step})
		}
		// The library's text begins with a URL and has a line for each cause.
		lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
		var causes []string
		for _, line := range lines[1:] {
			causes = append(causes, strings.TrimPrefix(strings.TrimSpace(line), "- "))
		}
		return places.errorf(path, "the values do not meet the schema of chart %s: %s", c.Name(), strings.Join(causes, "; "))
	}
	if err != nil {
		return input.Errorf(origin, 0, "checking the values: %s", oneLine(err.Error()))
	}
	return nil
}

// errorf makes an error about a value, at the line that sets it.
func (v *valuePlaces) errorf(path inventory.Path, format string, args ...any) error {
	for n := len(path); n > 0; n-- {
		if file, node, _ := v.find(path[:n]); file != nil {
			return input.Errorf(file.origin, node.Line, format, args...)
		}
	}
	at := v.loaded.chartOrigin(v.loaded.chart, "values.yaml")
	if len(path) > 0 {
		format = "%s: " + format
		args = append([]any{path}, args...)
	}
	return input.Errorf(at, 0, format, args...)
}

// chartOrigin is where a chart has a file, or would have it.
func (l *loaded) chartOrigin(c *chart.Chart, name string) string {
	for _, f := range c.Raw {
		if f.Name == name {
			return l.files[f]
		}
	}
	for _, f := range c.Raw {
		if f.Name == "Chart.yaml" {
			return strings.TrimSuffix(l.files[f], "Chart.yaml") + name
		}
	}
	return name
}

// schemaLoader answers references out of a schema.
type schemaLoader struct {
	warn   func(string)
	origin string
}

func (l schemaLoader) Load(ref string) (any, error) {
	switch scheme, _, _ := strings.Cut(ref, ":"); scheme {
	case "http", "https", "urn":
		l.warn(fmt.Sprintf("%s: %s is not fetched: what it asks of the values is not checked", l.origin, ref))
		return true, nil
	}
	return nil, fmt.Errorf("%s lies outside the chart", ref)
}
