package istio

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/mesh"
)

var shadowedRoute = &checks.Check{
	ID:       "istio/shadowed-route",
	Severity: checks.Error,
	Doc: `route that an earlier one of its VirtualService hides

Requests go elsewhere: routes of a VirtualService are tried in order, and one
that stands before takes every request that this one is for. A route without
match, or for the prefix /, takes all; the prefix /pipeline takes /pipeline/apis
and /pipelines too.

A route that does the same as the one that hides it is left alone, and so is one
of whose conditions some can still be met.`,
	Fix:   "Put the route before the one that hides it.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/analysis/ist0130/", "istio/istio#10464"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		for _, vs := range m.VirtualServices {
			for i := range vs.Value.Spec.HTTP {
				for j := range i {
					if !covers(vs.Value.Spec.HTTP[j].Match, vs.Value.Spec.HTTP[i].Match) || same(vs.Object, i, vs.Object, j) {
						continue
					}
					pass.Reportf(matchPlace(vs, i), "%s of %s is never taken: %s stands before it", routeText(vs, i), vs.Key, routeText(vs, j)).
						See(matchPlace(vs, j), "the route that takes its requests")
					break
				}
			}
		}
	},
}

// covers reports whether whatever meets one of the conditions of b meets one
// of a. No conditions are met by everything.
func covers(a, b []mesh.HTTPMatch) bool {
	if len(a) == 0 {
		return true
	}
	if len(b) == 0 {
		return slices.ContainsFunc(a, func(m mesh.HTTPMatch) bool { return coversMatch(m, mesh.HTTPMatch{}) })
	}
	for _, m := range b {
		if !slices.ContainsFunc(a, func(wide mesh.HTTPMatch) bool { return coversMatch(wide, m) }) {
			return false
		}
	}
	return true
}

func coversMatch(a, b mesh.HTTPMatch) bool {
	uri, other := a.URI, b.URI
	if a.IgnoreURICase != b.IgnoreURICase && uri != nil && other != nil {
		return false
	}
	if !coversURI(uri, other) {
		return false
	}
	// Every further condition must be one that the other has, too.
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		switch x.Type().Field(i).Name {
		case "URI", "IgnoreURICase":
			continue
		}
		if f := x.Field(i); !f.IsZero() && !(f.Kind() == reflect.Map && f.Len() == 0) && !reflect.DeepEqual(f.Interface(), y.Field(i).Interface()) {
			return false
		}
	}
	return true
}

func coversURI(a, b *mesh.StringMatch) bool {
	switch {
	case a == nil || a.Prefix == "/" || everything(a.Regex):
		return true
	case b == nil:
		return false
	case a.Prefix != "":
		return b.Prefix != "" && strings.HasPrefix(b.Prefix, a.Prefix) || b.Exact != "" && strings.HasPrefix(b.Exact, a.Prefix)
	}
	return *a == *b
}

func everything(regex string) bool {
	switch strings.TrimSuffix(strings.TrimPrefix(regex, "^"), "$") {
	case ".*", "/.*":
		return true
	}
	return false
}

func catchAll(list []mesh.HTTPMatch) bool { return covers(list, nil) }

// same reports whether two routes do the same with a request.
func same(a *inventory.Object, i int, b *inventory.Object, j int) bool {
	strip := func(o *inventory.Object, i int) map[string]any {
		out := map[string]any{}
		for name, value := range o.Map("spec", "http", i) {
			if name != "match" && name != "name" {
				out[name] = value
			}
		}
		return out
	}
	return reflect.DeepEqual(strip(a, i), strip(b, j))
}

// matchPlace is where a route says which requests it is for.
func matchPlace(vs *mesh.VirtualService, i int) inventory.Place {
	if list := vs.Value.Spec.HTTP[i].Match; len(list) == 1 && list[0].URI != nil {
		for _, field := range []string{"prefix", "exact", "regex"} {
			if vs.String("spec", "http", i, "match", 0, "uri", field) != "" {
				return vs.At("spec", "http", i, "match", 0, "uri", field)
			}
		}
	}
	if len(vs.Value.Spec.HTTP[i].Match) > 0 {
		return vs.At("spec", "http", i, "match")
	}
	return vs.At("spec", "http", i)
}

// routeText says which requests a route is for.
func routeText(vs *mesh.VirtualService, i int) string {
	var texts []string
	for _, match := range vs.Value.Spec.HTTP[i].Match {
		switch uri := match.URI; {
		case uri == nil:
		case uri.Prefix != "":
			texts = append(texts, uri.Prefix)
		case uri.Exact != "":
			texts = append(texts, uri.Exact)
		case uri.Regex != "":
			texts = append(texts, uri.Regex)
		}
	}
	if len(texts) == 0 {
		return fmt.Sprintf("the route %d", i+1)
	}
	return "the route for " + strings.Join(texts, ", ")
}
