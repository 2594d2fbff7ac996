// Copyright The Helm Authors, and the authors of kfpreflight.
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//	http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

package helm

// This file follows helm.sh/helm/v3 v3.22.0, pkg/engine/engine.go and files.go,
// function by function. Helm's own engine cannot be stopped, bounded or asked
// which line of a template wrote what; this one can. A test holds the two
// against each other over every chart in testdata.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/gobwas/glob"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// An engine renders the templates of one chart, once.
type engine struct {
	budget *budget
	trace  *tracer
	loaded *loaded
}

// render returns what each template wrote, by the template's full name.
func render(ctx context.Context, l *loaded, values chartutil.Values) (rendered map[string]string, trace *tracer, err error) {
	e := &engine{budget: newBudget(ctx), loaded: l}
	e.trace = newTracer(e.budget, values)
	defer func() {
		if r := recover(); r != nil {
			if broken := e.budget.err; broken != nil {
				err = broken
				return
			}
			err = fmt.Errorf("rendering template failed: %v", r)
		}
	}()
	templates := map[string]renderable{}
	e.collect(l.chart, templates, values)
	rendered, err = e.render(templates)
	if broken := e.budget.err; broken != nil {
		err = broken
	}
	return rendered, e.trace, err
}

// renderable is a template and what it is executed with.
type renderable struct {
	text     string
	values   chartutil.Values
	basePath string
}

const (
	warnStart = "HELM_ERR_START"
	warnEnd   = "HELM_ERR_END"
	// maxRecursion is how deep Helm lets a template include itself.
	maxRecursion = 1000
)

var warned = regexp.MustCompile(warnStart + `((?s).*)` + warnEnd)

func warnWrap(text string) string { return warnStart + text + warnEnd }

// include lets templates call each other with a result.
func (e *engine) include(t *template.Template, nested map[string]int) func(string, any) (string, error) {
	return func(name string, data any) (string, error) {
		if count, ok := nested[name]; ok {
			if count > maxRecursion {
				return "", fmt.Errorf("rendering template has a nested reference name: %s: %w", name, errors.New("unable to execute template"))
			}
			nested[name]++
		} else {
			nested[name] = 1
		}
		buf, err := e.trace.enterInclude(name)
		if err != nil {
			return "", err
		}
		err = t.ExecuteTemplate(buf, name, data)
		nested[name]--
		e.trace.leaveInclude()
		return buf.String(), err
	}
}

// tpl executes a value as a template.
func (e *engine) tpl(parent *template.Template, nested map[string]int) func(string, any) (string, error) {
	return func(text string, values any) (string, error) {
		if err := e.checkSource(parent.Name(), text); err != nil {
			return "", err
		}
		t, err := parent.Clone()
		if err != nil {
			return "", fmt.Errorf("cannot clone template: %w", err)
		}
		t.Option("missingkey=zero")
		t.Funcs(template.FuncMap{
			"include": e.include(t, nested),
			"tpl":     e.tpl(t, nested),
		})
		t, err = t.New(parent.Name()).Parse(text)
		if err != nil {
			return "", fmt.Errorf("cannot parse template %q: %w", text, err)
		}
		if err := e.trace.instrument(t, parent.Name(), text); err != nil {
			return "", err
		}
		buf, err := e.trace.enterTpl(text)
		if err != nil {
			return "", err
		}
		if err := t.Execute(buf, values); err != nil {
			return "", fmt.Errorf("error during tpl function execution for %q: %w", text, err)
		}
		e.trace.leaveInclude()
		return strings.ReplaceAll(buf.String(), "<no value>", ""), nil
	}
}

func (e *engine) functions(t *template.Template) template.FuncMap {
	functions := e.budget.guard(functionMap())
	nested := map[string]int{}
	functions["include"] = e.include(t, nested)
	functions["tpl"] = e.tpl(t, nested)
	functions["required"] = func(text string, value any) (any, error) {
		if value == nil {
			return value, errors.New(warnWrap(text))
		} else if _, ok := value.(string); ok && value == "" {
			return value, errors.New(warnWrap(text))
		}
		return value, nil
	}
	functions["fail"] = func(text string) (string, error) { return "", errors.New(warnWrap(text)) }
	return functions
}

func (e *engine) render(templates map[string]renderable) (map[string]string, error) {
	t := template.New("gotpl")
	t.Option("missingkey=zero")
	t.Funcs(e.functions(t))
	names := sortTemplates(templates)
	for _, name := range names {
		text := templates[name].text
		if err := e.checkSource(name, text); err != nil {
			return nil, err
		}
		if _, err := t.New(name).Parse(text); err != nil {
			return nil, cleanParseError(name, err)
		}
	}
	// The functions that follow what happens come after the parsing, so that no
	// template can name them.
	t.Funcs(e.trace.functions())
	for _, name := range names {
		e.trace.source(name, templates[name].text)
	}
	if err := e.trace.instrument(t, "", ""); err != nil {
		return nil, err
	}
	rendered := make(map[string]string, len(names))
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		values := templates[name].values
		values["Template"] = chartutil.Values{"Name": name, "BasePath": templates[name].basePath}
		buf := e.trace.enterFile(name)
		if err := t.ExecuteTemplate(buf, name, values); err != nil {
			return nil, cleanExecError(name, err)
		}
		rendered[name] = e.trace.leaveFile()
	}
	return rendered, nil
}

// A templateError is a failure of a template: what Helm says of it, and where
// it happened inside the chart.
type templateError struct {
	text string
	name string // the template's full name
	line int
}

func (e *templateError) Error() string { return e.text }

func cleanParseError(name string, err error) error {
	tokens := strings.Split(err.Error(), ": ")
	if len(tokens) == 1 {
		return &templateError{fmt.Sprintf("parse error in (%s): %s", name, err), name, 0}
	}
	file, line := splitLocation(tokens[1], name)
	return &templateError{fmt.Sprintf("parse error at (%s): %s", tokens[1], tokens[len(tokens)-1]), file, line}
}

// executing finds the places that an error passed through, outermost first.
var executing = regexp.MustCompile(`template: ([^:\s]+(?: [^:\s]+)*:\d+)(?::\d+)?: `)

func cleanExecError(name string, err error) error {
	var exec template.ExecError
	if !errors.As(err, &exec) {
		return err
	}
	text := err.Error()
	file, line := name, 0
	for _, m := range executing.FindAllStringSubmatch(text, -1) {
		file, line = splitLocation(m[1], name)
	}
	tokens := strings.SplitN(text, ": ", 3)
	if len(tokens) != 3 {
		return &templateError{fmt.Sprintf("execution error in (%s): %s", name, err), file, line}
	}
	if parts := warned.FindStringSubmatch(tokens[2]); len(parts) >= 2 {
		return &templateError{fmt.Sprintf("execution error at (%s): %s", tokens[1], parts[1]), file, line}
	}
	return &templateError{text, file, line}
}

// splitLocation takes the line off "chart/templates/x.yaml:12:3".
func splitLocation(location, fallback string) (string, int) {
	parts := strings.Split(location, ":")
	if len(parts) < 2 {
		return fallback, 0
	}
	line := 0
	_, _ = fmt.Sscanf(parts[1], "%d", &line)
	return parts[0], line
}

// sortTemplates orders the deeper files first, so that a chart's templates win
// over those of its subcharts.
func sortTemplates(templates map[string]renderable) []string {
	names := make([]string, 0, len(templates))
	for name := range templates {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if da, db := strings.Count(a, "/"), strings.Count(b, "/"); da != db {
			return db - da
		}
		return strings.Compare(b, a)
	})
	return names
}

// collect gathers the templates of a chart and its subcharts, each with the
// values of its own chart.
func (e *engine) collect(c *chart.Chart, templates map[string]renderable, values chartutil.Values) map[string]any {
	subcharts := map[string]any{}
	metadata := struct {
		chart.Metadata
		IsRoot bool
	}{*c.Metadata, c.IsRoot()}
	next := map[string]any{
		"Chart":        metadata,
		"Files":        newFiles(c.Files),
		"Release":      values["Release"],
		"Capabilities": values["Capabilities"],
		"Values":       make(chartutil.Values),
		"Subcharts":    subcharts,
	}
	if c.IsRoot() {
		next["Values"] = values["Values"]
	} else if table, err := values.Table("Values." + c.Name()); err == nil {
		next["Values"] = table
	}
	for _, child := range c.Dependencies() {
		subcharts[child.Name()] = e.collect(child, templates, next)
	}
	full := c.ChartFullPath()
	for _, file := range c.Templates {
		if file == nil || strings.EqualFold(c.Metadata.Type, "library") && !strings.HasPrefix(filepath.Base(file.Name), "_") {
			continue
		}
		name := path.Join(full, file.Name)
		templates[name] = renderable{string(file.Data), next, path.Join(full, "templates")}
		e.trace.origins[name] = e.loaded.files[file]
		e.trace.charts[name] = c
	}
	e.trace.addContext(next, c)
	return next
}

func newFiles(from []*chart.File) fileMap {
	files := fileMap{}
	for _, f := range from {
		files[f.Name] = f.Data
	}
	return files
}

// fileMap is a map so that templates can range over it and index it.
type fileMap map[string][]byte

// GetBytes gets a file by its path; a missing one is empty.
func (f fileMap) GetBytes(name string) []byte {
	if v, ok := f[name]; ok {
		return v
	}
	return []byte{}
}

// Get gets a file as text.
func (f fileMap) Get(name string) string { return string(f.GetBytes(name)) }

// Glob gets the files whose paths match.
func (f fileMap) Glob(pattern string) fileMap {
	g, err := glob.Compile(pattern, '/')
	if err != nil {
		g, _ = glob.Compile("**")
	}
	matching := fileMap{}
	for name, data := range f {
		if g.Match(name) {
			matching[name] = data
		}
	}
	return matching
}

// AsConfig gives the files as the data of a ConfigMap.
func (f fileMap) AsConfig() string {
	if f == nil {
		return ""
	}
	m := make(map[string]string)
	for name, data := range f {
		m[path.Base(name)] = string(data)
	}
	return toYAML(m)
}

// AsSecrets gives the files as the data of a Secret.
func (f fileMap) AsSecrets() string {
	if f == nil {
		return ""
	}
	m := make(map[string]string)
	for name, data := range f {
		m[path.Base(name)] = base64.StdEncoding.EncodeToString(data)
	}
	return toYAML(m)
}

// Lines gives the lines of a file.
func (f fileMap) Lines(name string) []string {
	if f == nil || len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}
