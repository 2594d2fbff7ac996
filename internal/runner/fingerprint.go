package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Fingerprints names each finding so that it is known again in another run:
// by check, object, field and value, never by line or message. Positions in
// lists are replaced by the item's name, generated names lose their hash, and
// nothing is taken from Secrets or from fields that sound like one. Findings
// that are otherwise alike are numbered.
func (r *Result) Fingerprints() map[*checks.Finding]string {
	prints := make(map[*checks.Finding]string, len(r.Findings))
	alike := map[string][]*checks.Finding{}
	var order []string
	for _, f := range r.Findings {
		base := identity(f)
		if alike[base] == nil {
			order = append(order, base)
		}
		alike[base] = append(alike[base], f)
	}
	for _, base := range order {
		group := alike[base]
		slices.SortStableFunc(group, func(a, b *checks.Finding) int { return strings.Compare(a.Message, b.Message) })
		for i, f := range group {
			text := base
			if i > 0 {
				text = fmt.Sprintf("%s\x00%d", base, i)
			}
			sum := sha256.Sum256([]byte(text))
			prints[f] = hex.EncodeToString(sum[:16])
		}
	}
	return prints
}

// identity is what a finding is known by.
func identity(f *checks.Finding) string {
	kind := "finding"
	if f.Undecided {
		kind = "undecided"
	}
	parts := []string{"v1", kind, f.Check.ID}
	if o := f.Place.Object; o != nil {
		field, value := stable(f.Place)
		parts = append(parts, o.Key.Group, o.Key.Kind, o.Key.Namespace, withoutHash(o.Key), field, value)
	}
	return strings.Join(parts, "\x00")
}

// stable writes the field with names for positions, and the value where it may
// be told.
func stable(p inventory.Place) (field, value string) {
	secret := p.Object.Key.GroupKind == inventory.GroupKind{Group: "", Kind: "Secret"}
	outer, content := named(p.Object.Content(), p.Path)
	field = outer
	if len(p.Inner) > 0 {
		inner := p.Inner.String()
		content = nil
		if !secret {
			if doc, err := (inventory.Place{Object: p.Object, Path: p.Path}).Document(); err == nil {
				if decoded, err := doc.Content(); err == nil {
					inner, content = named(decoded, p.Inner)
				}
			}
		}
		field += "\x01" + inner
	}
	if secret || sensitive.MatchString(field) {
		return field, ""
	}
	if text, ok := content.(string); ok && p.Line > 0 && len(p.Inner) == 0 {
		// A line of a text, as of a configuration file.
		lines := strings.Split(text, "\n")
		if p.Line <= len(lines) && !sensitive.MatchString(lines[p.Line-1]) {
			return field, normal(lines[p.Line-1])
		}
		return field, ""
	}
	return field, scalarText(content)
}

var sensitive = regexp.MustCompile(`(?i)secret|passw|token|credential|private.?key|api.?key|cookie|bearer|authorization$`)

// named writes a path with the names of list items for their positions, and
// returns what stands there: nil where the path ends before.
func named(content any, path inventory.Path) (string, any) {
	var b strings.Builder
	for i, step := range path {
		next, ok := inventory.Lookup(content, inventory.Path{step})
		switch step := step.(type) {
		case string:
			b.WriteString("/" + step)
		case int:
			name := fmt.Sprint(step)
			if ok {
				if n := itemName(next); n != "" {
					name = n
				}
			}
			b.WriteString("[" + name + "]")
		}
		if !ok {
			if i+1 < len(path) {
				b.WriteString("/" + inventory.Path(path[i+1:]).String())
			}
			return b.String(), nil
		}
		content = next
	}
	return b.String(), content
}

// itemName is what tells a list's item from the others, where it has that.
func itemName(item any) string {
	fields, ok := item.(map[string]any)
	if !ok {
		return ""
	}
	for _, key := range []string{"name", "key", "id", "check"} {
		if s, ok := fields[key].(string); ok && s != "" && !strings.Contains(s, "\n") {
			return key + "=" + generatedHash.ReplaceAllString(s, "")
		}
	}
	return ""
}

func scalarText(value any) string {
	switch value := value.(type) {
	case nil, map[string]any:
		return ""
	case string:
		if strings.Contains(strings.TrimSpace(value), "\n") {
			return "" // a document: what else changes in it is not this finding
		}
		return normal(value)
	case []any:
		var texts []string
		for _, item := range value {
			switch item.(type) {
			case map[string]any, []any:
				return ""
			}
			texts = append(texts, scalarText(item))
		}
		return strings.Join(texts, "\x02")
	}
	return fmt.Sprint(value)
}

func normal(text string) string {
	return generatedHash.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
}

// generatedHash is the suffix that kustomize gives to the names of generated
// ConfigMaps and Secrets (kyaml's hasher writes ten of these letters).
var generatedHash = regexp.MustCompile(`-[2456789bcdfghkmt]{10}$`)

// withoutHash is the name of an object as its generator has it.
func withoutHash(key inventory.Key) string {
	if key.Group == "" && (key.Kind == "ConfigMap" || key.Kind == "Secret") {
		return generatedHash.ReplaceAllString(key.Name, "")
	}
	return key.Name
}
