package kustomize

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	sigsyaml "sigs.k8s.io/yaml"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/helm"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// kustomize renders charts by running the helm command, which must be allowed
// and installed. Here Helm's library renders them, and kustomize finds the
// result in a file that exists only in its file system. It differs from
// kustomize in this:
//
//   - a chart must lie in the chart home: nothing is fetched;
//   - a chart's objects come before those of configMapGenerator and
//     secretGenerator, not after them;
//   - generators in a folder of their own are left to kustomize, which refuses
//     them without the helm command.

// A chartFile is the rendered objects of one chart.
type chartFile struct {
	name   string // absolute
	data   []byte
	result *helm.Result
	lines  []renderedLine // where each line of data stands in the chart's documents
}

type renderedLine struct{ document, line int }

// origin locates a line, from 1, of the file in the chart or its values.
func (f *chartFile) origin(line int) inventory.Origin {
	for ; line > 0; line-- {
		if line <= len(f.lines) && f.lines[line-1].line > 0 {
			at := f.lines[line-1]
			return f.result.Origin(at.document, at.line)
		}
	}
	return inventory.Origin{}
}

// charts are the charts of one run of kustomize.
type charts struct {
	warnings   io.Writer
	files      map[string]*chartFile // by name
	namespaces map[string]string     // that a folder's charts inherit from the kustomization above
	above      []kustomizationText   // read, and not yet looked at for namespaces
}

type kustomizationText struct {
	dir  string
	data []byte
}

func newCharts() *charts {
	return &charts{files: map[string]*chartFile{}, namespaces: map[string]string{}}
}

// inflate renders the charts of a kustomization. It returns the kustomization
// without them, and the files that stand for them.
//
// Charts inherit the namespace of the kustomization above, which kustomize
// reads first. Where two include one base, the first one's counts for both.
func (c *charts) inflate(ctx context.Context, file string, kustomization []byte) (rewritten []byte, virtual map[string][]byte, err error) {
	dir := filepath.Dir(file)
	c.above = append(c.above, kustomizationText{dir, kustomization})
	if lower := bytes.ToLower(kustomization); !bytes.Contains(lower, []byte("helmchart")) && !bytes.Contains(lower, []byte("generators")) {
		return kustomization, nil, nil
	}
	for _, text := range c.above {
		c.inherit(text)
	}
	c.above = nil
	var doc yaml.Node
	var k types.Kustomization
	if yaml.Unmarshal(kustomization, &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode ||
		k.Unmarshal(kustomization) != nil {
		return kustomization, nil, nil // kustomize says what is wrong
	}
	if k.Namespace == "" {
		k.Namespace = c.namespaces[dir]
	}
	i := &inflater{ctx: ctx, dir: dir, file: file, top: doc.Content[0], warnings: c.warnings}
	generators, err := i.all(&k)
	if err != nil {
		return nil, nil, err
	}
	if len(i.files) == 0 {
		return kustomization, nil, nil
	}
	rewritten, err = i.rewrite(kustomization, &doc, generators)
	if err != nil {
		return nil, nil, input.Errorf(file, 0, "%w", err)
	}
	virtual = map[string][]byte{}
	for _, file := range i.files {
		virtual[file.name] = file.data
		c.files[file.name] = file
	}
	return rewritten, virtual, nil
}

// inherit notes the namespace that the kustomizations below one get.
func (c *charts) inherit(text kustomizationText) {
	var k types.Kustomization
	if k.Unmarshal(text.data) != nil {
		return
	}
	if k.Namespace == "" {
		k.Namespace = c.namespaces[text.dir]
	}
	for _, entry := range slices.Concat(k.Resources, k.Components, k.Bases) {
		below := filepath.Join(text.dir, filepath.FromSlash(entry))
		if _, known := c.namespaces[below]; !known {
			c.namespaces[below] = k.Namespace
		}
	}
}

// outOfChart moves a place in a rendered chart to the chart or its values.
func (t *tree) outOfChart(origin inventory.Origin) inventory.Origin {
	for name, file := range t.fs.charts.files {
		if origin.File != t.shown(name) {
			continue
		}
		found := file.origin(max(origin.Line, 1))
		found.File = t.shown(filepath.FromSlash(found.File))
		found.Exact = found.Exact && origin.Exact
		return found
	}
	return origin
}

type inflater struct {
	ctx       context.Context
	dir, file string
	top       *yaml.Node
	warnings  io.Writer
	given     []string // the generators before
	files     []*chartFile
}

// all renders the charts of a kustomization and returns the generators that
// stay.
func (i *inflater) all(k *types.Kustomization) ([]string, error) {
	charts, globals := types.SplitHelmParameters(k.HelmChartInflationGenerator)
	if k.HelmGlobals != nil {
		globals = *k.HelmGlobals
	}
	for n, chart := range slices.Concat(k.HelmCharts, charts) {
		at := inventory.Path{"helmCharts", n}
		if n >= len(k.HelmCharts) {
			at = inventory.Path{"helmChartInflationGenerator", n - len(k.HelmCharts)}
		}
		if chart.Namespace == "" {
			chart.Namespace = k.Namespace
		}
		if err := i.chart(globals, chart, at); err != nil {
			return nil, err
		}
	}
	return i.generators(k.Generators)
}

func (i *inflater) errorf(path inventory.Path, format string, args ...any) error {
	node, _ := inventory.NodeAt(i.top, path)
	return input.Errorf(i.file, node.Line, format, args...)
}

// generators renders the charts among the generators and returns the entries
// that stay.
func (i *inflater) generators(entries []string) ([]string, error) {
	i.given = entries
	var left []string
	for n, entry := range entries {
		at := inventory.Path{"generators", n}
		text := []byte(entry)
		if !strings.Contains(entry, "\n") {
			file := filepath.Join(i.dir, filepath.FromSlash(entry))
			data, err := helm.Disk{}.ReadFile(file)
			if err != nil {
				left = append(left, entry) // a folder, or kustomize says what is wrong
				continue
			}
			text = data
		}
		if !bytes.Contains(text, []byte("HelmChartInflationGenerator")) {
			left = append(left, entry)
			continue
		}
		var others [][]byte
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var doc yaml.Node
			if err := decoder.Decode(&doc); err != nil {
				break
			}
			data, err := yaml.Marshal(&doc)
			if err != nil {
				return nil, i.errorf(at, "%w", err)
			}
			var config struct {
				Kind              string `json:"kind"`
				types.HelmGlobals `json:",inline"`
				types.HelmChart   `json:",inline"`
			}
			if err := sigsyaml.Unmarshal(data, &config); err != nil || config.Kind != "HelmChartInflationGenerator" {
				others = append(others, data)
				continue
			}
			if err := i.chart(config.HelmGlobals, config.HelmChart, at); err != nil {
				return nil, err
			}
		}
		for _, other := range others {
			left = append(left, string(other))
		}
	}
	return left, nil
}

// chart renders one chart as kustomize's HelmChartInflationGenerator does.
func (i *inflater) chart(globals types.HelmGlobals, chart types.HelmChart, at inventory.Path) error {
	switch {
	case chart.Name == "":
		return i.errorf(at, "a chart without name")
	case strings.HasPrefix(chart.Name, "-"):
		return i.errorf(at.Join("name"), "a chart's name must not begin with a dash")
	case strings.HasPrefix(chart.ReleaseName, "-"):
		return i.errorf(at.Join("releaseName"), "a release's name must not begin with a dash")
	case chart.ReleaseName != "" && chart.NameTemplate != "":
		return i.errorf(at, "chart %s has a releaseName and a nameTemplate; Helm takes one of them", chart.Name)
	case !slices.Contains([]string{"", "merge", "override", "replace"}, chart.ValuesMerge):
		return i.errorf(at.Join("valuesMerge"), "valuesMerge must be merge, override or replace")
	}
	home := globals.ChartHome
	if home == "" {
		home = types.HelmDefaultHome
	}
	if !filepath.IsAbs(home) {
		home = filepath.Join(i.dir, home)
	}
	if chart.Version != "" && chart.Repo != "" {
		home = filepath.Join(home, chart.Name+"-"+chart.Version)
	}
	folder := filepath.Join(home, chart.Name)
	if !(helm.Disk{}).IsDir(folder) {
		return i.errorf(at, "chart %s is not in %s%s", chart.Name, i.relative(folder), fetchAdvice(chart, i.relative(home)))
	}
	opts := helm.Options{
		ReleaseName: chart.ReleaseName,
		Namespace:   chart.Namespace,
		KubeVersion: chart.KubeVersion,
		APIVersions: chart.ApiVersions,
		NoCRDs:      !chart.IncludeCRDs,
		NoHooks:     chart.SkipHooks,
		SkipTests:   chart.SkipTests,
		Warnings:    i.warnings,
	}
	if chart.NameTemplate != "" {
		name, err := helm.ReleaseName(i.ctx, chart.NameTemplate)
		if err != nil {
			return i.errorf(at.Join("nameTemplate"), "%w", err)
		}
		opts.ReleaseName = name
	}
	if err := i.values(&opts, chart, folder, at); err != nil {
		return err
	}
	result, err := helm.Render(i.ctx, helm.Disk{}, folder, opts)
	if err != nil {
		return err
	}
	file, err := asFile(filepath.Join(i.dir, fmt.Sprintf("kfpreflight-helm-%d-%s.yaml", len(i.files), chart.Name)), result)
	if err != nil {
		return i.errorf(at, "chart %s: %w", chart.Name, err)
	}
	i.files = append(i.files, file)
	return nil
}

func fetchAdvice(chart types.HelmChart, home string) string {
	if chart.Repo == "" {
		return ""
	}
	name := "--repo " + chart.Repo + " " + chart.Name
	if strings.HasPrefix(chart.Repo, "oci://") {
		name = strings.TrimSuffix(chart.Repo, "/") + "/" + chart.Name
	}
	if chart.Version != "" {
		name += " --version " + chart.Version
	}
	return fmt.Sprintf("; charts are not fetched: run helm pull --untar --untardir %s %s", home, name)
}

// values puts together the values as kustomize does: valuesFile, or that of the
// chart, merged with valuesInline; then the additional files.
func (i *inflater) values(opts *helm.Options, chart types.HelmChart, folder string, at inventory.Path) error {
	valuesFile, own := chart.ValuesFile, false
	if valuesFile == "" {
		valuesFile, own = filepath.Join(folder, "values.yaml"), true
	}
	inline, _ := inventory.NodeAt(i.top, at.Join("valuesInline"))
	inlineSource := helm.ValuesSource{Origin: i.file, Node: inline}
	content := chart.ValuesInline
	var sources []helm.ValuesSource
	if len(chart.ValuesInline) > 0 {
		sources = []helm.ValuesSource{inlineSource}
	}
	if len(chart.ValuesInline) == 0 || chart.ValuesMerge != "replace" {
		data, source, err := i.load(valuesFile, own, at.Join("valuesFile"))
		if err != nil {
			return err
		}
		content = map[string]any{}
		if len(chart.ValuesInline) == 0 {
			err = sigsyaml.Unmarshal(data, &content)
			sources = []helm.ValuesSource{source}
		} else {
			content, err = mergeValues(data, chart.ValuesInline, chart.ValuesMerge)
			if chart.ValuesMerge == "merge" {
				sources = []helm.ValuesSource{source, inlineSource}
			} else {
				sources = []helm.ValuesSource{inlineSource, source}
			}
		}
		if err != nil {
			return input.Errorf(source.Origin, 0, "%w", err)
		}
	}
	// kustomize writes the values to a file, which Helm reads.
	data, err := sigsyaml.Marshal(content)
	if err != nil {
		return i.errorf(at.Join("valuesInline"), "%w", err)
	}
	content = map[string]any{}
	if err := sigsyaml.Unmarshal(data, &content); err != nil {
		return i.errorf(at.Join("valuesInline"), "%w", err)
	}
	opts.Values = append(opts.Values, helm.Values{Content: content, Sources: sources})
	for n, name := range chart.AdditionalValuesFiles {
		data, source, err := i.load(name, false, at.Join("additionalValuesFiles", n))
		if err != nil {
			return err
		}
		content := map[string]any{}
		if err := sigsyaml.Unmarshal(data, &content); err != nil {
			return input.Errorf(source.Origin, 0, "%w", err)
		}
		opts.Values = append(opts.Values, helm.Values{Content: content, Sources: []helm.ValuesSource{source}})
	}
	return nil
}

// load reads a values file, which must lie in the kustomization's folder as
// kustomize demands of every file.
func (i *inflater) load(name string, own bool, at inventory.Path) ([]byte, helm.ValuesSource, error) {
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(i.dir, filepath.FromSlash(file))
	}
	source := helm.ValuesSource{Origin: filepath.ToSlash(file), Own: own}
	resolved, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, source, i.errorf(at, "the values file %s cannot be read: %s", i.relative(file), withoutPath(err))
	}
	root, err := filepath.EvalSymlinks(i.dir)
	if err != nil {
		return nil, source, input.PathError(i.dir, err)
	}
	if rel, err := filepath.Rel(root, resolved); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil, source, i.errorf(at, "the values file %s is not in or below the kustomization's folder", i.relative(file))
	}
	data, err := helm.Disk{}.ReadFile(file)
	if err != nil {
		return nil, source, err
	}
	if err := errors.Join(input.CheckText(source.Origin, data), input.CheckAliases(source.Origin, data)); err != nil {
		return nil, source, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, source, input.YAMLError(source.Origin, data, err)
	}
	source.Node = &doc
	return data, source, nil
}

func withoutPath(err error) error {
	var in *input.Error
	if errors.As(input.PathError("", err), &in) {
		return in.Err
	}
	return err
}

func (i *inflater) relative(path string) string {
	if rel, err := filepath.Rel(i.dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(path)
}

// mergeValues merges with kustomize's own library, as its generator does.
func mergeValues(file []byte, inline map[string]any, mode string) (map[string]any, error) {
	fromFile, err := kyaml.Parse(string(file))
	if err != nil {
		return nil, fmt.Errorf("parsing the values file: %w", err)
	}
	fromInline, err := kyaml.FromMap(inline)
	if err != nil {
		return nil, fmt.Errorf("parsing valuesInline: %w", err)
	}
	source, dest := fromInline, fromFile.Copy()
	if mode == "merge" {
		source, dest = fromFile, fromInline.Copy()
	}
	merged, err := merge2.Merge(source, dest, kyaml.MergeOptions{})
	if err != nil {
		return nil, fmt.Errorf("merging values: %w", err)
	}
	return merged.Map()
}

// asFile writes the objects of a chart as one file. Each is marked as generated
// by Helm: kustomize's namespace transformer leaves those alone.
func asFile(name string, result *helm.Result) (*chartFile, error) {
	f := &chartFile{name: name, result: result}
	var out bytes.Buffer
	for n, d := range result.Documents() {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(d.Text), &doc); err != nil {
			return nil, input.YAMLError(d.Source, []byte(d.Text), err)
		}
		if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
			continue
		}
		for _, object := range objectsOf(doc.Content[0]) {
			mark(object)
			data, err := yaml.Marshal(object)
			if err != nil {
				return nil, err
			}
			out.WriteString("---\n")
			f.lines = append(f.lines, renderedLine{n, object.Line})
			lines := make([]renderedLine, bytes.Count(data, []byte("\n")))
			for i := range lines {
				lines[i].document = n
			}
			var written yaml.Node
			if err := yaml.Unmarshal(data, &written); err != nil {
				return nil, err
			}
			match(lines, written.Content[0], object)
			f.lines = append(f.lines, lines...)
			out.Write(data)
		}
	}
	f.data = out.Bytes()
	return f, nil
}

// objectsOf takes a List apart, as kustomize does.
func objectsOf(node *yaml.Node) []*yaml.Node {
	kind, _ := inventory.NodeAt(node, inventory.Path{"kind"})
	items, reached := inventory.NodeAt(node, inventory.Path{"items"})
	if reached == 1 && strings.HasSuffix(kind.Value, "List") && items.Kind == yaml.SequenceNode {
		return items.Content
	}
	return []*yaml.Node{node}
}

// match notes for each line of a written object the line that it had before.
func match(lines []renderedLine, written, original *yaml.Node) {
	set := func(line, was int) {
		if line >= 1 && line <= len(lines) && was > 0 && lines[line-1].line == 0 {
			lines[line-1].line = was
		}
	}
	set(written.Line, original.Line)
	if written.Kind == yaml.ScalarNode && written.Style&yaml.LiteralStyle != 0 && original.Style&yaml.LiteralStyle != 0 {
		for i := range strings.Count(strings.TrimSuffix(written.Value, "\n"), "\n") + 1 {
			set(written.Line+1+i, original.Line+1+i)
		}
	}
	for i := range min(len(written.Content), len(original.Content)) {
		match(lines, written.Content[i], original.Content[i])
	}
}

// mark adds the annotation to an object.
func mark(object *yaml.Node) {
	if object.Kind != yaml.MappingNode {
		return
	}
	metadata := child(object, "metadata")
	if metadata == nil || metadata.Kind != yaml.MappingNode {
		return
	}
	annotations := child(metadata, "annotations")
	if annotations == nil {
		annotations = &yaml.Node{}
		metadata.Content = append(metadata.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "annotations"}, annotations)
	}
	if annotations.Kind != yaml.MappingNode {
		*annotations = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: annotations.Line}
	}
	annotations.Content = append(annotations.Content,
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: konfig.HelmGeneratedAnnotation},
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "true", Style: yaml.DoubleQuotedStyle})
}

func child(node *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

// rewrite takes the charts out of a kustomization and puts the files in among
// the resources. Everything else keeps its line.
func (i *inflater) rewrite(kustomization []byte, doc *yaml.Node, generators []string) ([]byte, error) {
	var resources []*yaml.Node
	for n := 0; n+1 < len(i.top.Content); n += 2 {
		if strings.EqualFold(i.top.Content[n].Value, "resources") {
			resources = i.top.Content[n+1].Content
		}
	}
	var names []string
	for _, file := range i.files {
		names = append(names, filepath.Base(file.name))
	}
	if i.top.Style&yaml.FlowStyle != 0 {
		return i.reencode(doc, names, generators)
	}
	lines := strings.SplitAfter(string(kustomization), "\n")
	var tail strings.Builder
	for n := 0; n+1 < len(i.top.Content); n += 2 {
		key := i.top.Content[n]
		end := len(lines)
		if n+2 < len(i.top.Content) {
			end = i.top.Content[n+2].Line - 1
		}
		switch strings.ToLower(key.Value) {
		case "helmcharts", "helmglobals", "helmchartinflationgenerator":
			blank(lines, key.Line, end)
		case "generators":
			if slices.Equal(generators, i.given) {
				continue
			}
			blank(lines, key.Line, end)
			if len(generators) > 0 {
				fmt.Fprintf(&tail, "generators: %s\n", flow(generators))
			}
		case "resources":
			blank(lines, key.Line, end)
			// A list in brackets may have any number of entries on a line.
			put(lines, key.Line, "resources: [")
			last := key.Line
			for _, item := range resources {
				if item.Kind != yaml.ScalarNode {
					return i.reencode(doc, names, generators)
				}
				put(lines, item.Line, " "+flow(item.Value)+",")
				last = item.Line
			}
			for _, name := range names {
				put(lines, last, " "+flow(name)+",")
			}
			put(lines, last, "]")
			names = nil
		}
	}
	text := strings.Join(lines, "")
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if len(names) > 0 {
		fmt.Fprintf(&tail, "resources: %s\n", flow(names))
	}
	return []byte(text + tail.String()), nil
}

func flow(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(data)
}

// blank empties lines, from 1, both ends included.
func blank(lines []string, from, to int) {
	for n := from; n <= to && n <= len(lines); n++ {
		if strings.HasSuffix(lines[n-1], "\n") {
			lines[n-1] = "\n"
		} else {
			lines[n-1] = ""
		}
	}
}

// put adds text to the end of a line.
func put(lines []string, line int, text string) {
	end := ""
	if strings.HasSuffix(lines[line-1], "\n") {
		end = "\n"
	}
	lines[line-1] = strings.TrimSuffix(lines[line-1], "\n") + text + end
}

// reencode rewrites a kustomization that is not written in lines.
func (i *inflater) reencode(doc *yaml.Node, names, generators []string) ([]byte, error) {
	var content map[string]any
	if err := doc.Decode(&content); err != nil {
		return nil, err
	}
	for key, value := range content {
		switch strings.ToLower(key) {
		case "helmcharts", "helmglobals", "helmchartinflationgenerator":
			delete(content, key)
		case "generators":
			content[key] = generators
		case "resources":
			list, _ := value.([]any)
			for _, name := range names {
				list = append(list, name)
			}
			content[key], names = list, nil
		}
	}
	if len(names) > 0 {
		content["resources"] = names
	}
	return yaml.Marshal(content)
}
