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

// The functions below follow helm.sh/helm/v3 v3.22.0, pkg/engine/funcs.go.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// functionMap returns the functions of templates that need no engine. There is
// no environment, no network and no cluster: lookup finds nothing, as in helm
// template. Random text is the same in every run: nobody can tell it from
// other random text, and two renders of one chart compare equal.
func functionMap() template.FuncMap {
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	for name, f := range (template.FuncMap{
		"toToml":        toTOML,
		"fromToml":      fromTOML,
		"toYaml":        toYAML,
		"toYamlPretty":  toYAMLPretty,
		"fromYaml":      fromYAML,
		"fromYamlArray": fromYAMLArray,
		"toJson":        toJSON,
		"fromJson":      fromJSON,
		"fromJsonArray": fromJSONArray,
		"lookup":        func(string, string, string, string) (map[string]any, error) { return map[string]any{}, nil },
		"getHostByName": func(string) string { return "" },
		"include":       func(string, any) string { return "" }, // replaced by the engine, as the next ones
		"tpl":           func(string, any) any { return "" },
		"required":      func(string, any) (any, error) { return "", nil },

		// text/template's own, so that they come under the same limits.
		"print":    fmt.Sprint,
		"printf":   fmt.Sprintf,
		"println":  fmt.Sprintln,
		"html":     template.HTMLEscaper,
		"js":       template.JSEscaper,
		"urlquery": template.URLQueryEscaper,
	}) {
		functions[name] = f
	}
	random := rand.New(rand.NewChaCha8([32]byte{}))
	text := func(from string) func(int) string {
		return func(count int) string {
			b := make([]byte, max(count, 0))
			for i := range b {
				b[i] = from[random.IntN(len(from))]
			}
			return string(b)
		}
	}
	const letters, digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	var ascii strings.Builder
	for c := byte(' '); c < 127; c++ {
		ascii.WriteByte(c)
	}
	functions["randAlphaNum"] = text(letters + digits)
	functions["randAlpha"] = text(letters)
	functions["randNumeric"] = text(digits)
	functions["randAscii"] = text(ascii.String())
	functions["randInt"] = func(low, high int) int {
		if high <= low {
			return low
		}
		return low + random.IntN(high-low)
	}
	functions["uuidv4"] = func() string {
		hex := text("0123456789abcdef")
		return hex(8) + "-" + hex(4) + "-4" + hex(3) + "-a" + hex(3) + "-" + hex(12)
	}
	functions["shuffle"] = func(s string) string {
		runes := []rune(s)
		random.Shuffle(len(runes), func(i, j int) { runes[i], runes[j] = runes[j], runes[i] })
		return string(runes)
	}
	return functions
}

// ReleaseName makes a release's name of a template, as --name-template does.
func ReleaseName(ctx context.Context, text string) (string, error) {
	b := newBudget(ctx)
	functions := b.guard(functionMap())
	for _, name := range []string{"include", "tpl", "required"} {
		delete(functions, name)
	}
	t, err := template.New("name-template").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	tracer := newTracer(b, nil)
	t.Funcs(tracer.functions())
	tracer.source(t.Name(), text)
	if err := tracer.instrument(t, "", ""); err != nil {
		return "", err
	}
	out := tracer.enterFile(t.Name())
	if err := t.Execute(out, nil); err != nil {
		return "", err
	}
	return tracer.leaveFile(), nil
}

func toYAML(v any) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

func toYAMLPretty(v any) string {
	var data bytes.Buffer
	encoder := goyaml.NewEncoder(&data)
	encoder.SetIndent(2)
	if err := encoder.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(data.String(), "\n")
}

func fromYAML(s string) map[string]any {
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromYAMLArray(s string) []any {
	a := []any{}
	if err := yaml.Unmarshal([]byte(s), &a); err != nil {
		a = []any{err.Error()}
	}
	return a
}

func toTOML(v any) string {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(v); err != nil {
		return err.Error()
	}
	return b.String()
}

func fromTOML(s string) map[string]any {
	m := make(map[string]any)
	if err := toml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func toJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func fromJSON(s string) map[string]any {
	m := make(map[string]any)
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromJSONArray(s string) []any {
	a := []any{}
	if err := json.Unmarshal([]byte(s), &a); err != nil {
		a = []any{err.Error()}
	}
	return a
}
