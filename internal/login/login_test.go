package login

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestParseTOML(t *testing.T) {
	type entry struct {
		Key, Kind string
		Line      int
		Items     []string
	}
	for _, test := range []struct {
		name, text string
		want       []entry
		line       int // of the error
	}{
		{name: "scalars", text: "a = \"x\" # comment\nb = true\n\nc=0\nd = 'it''s'", line: 5, want: []entry{
			{"a", "string", 1, []string{"x"}}, {"b", "bool", 2, []string{"true"}}, {"c", "number", 4, []string{"0"}},
			{"d", "string", 5, []string{"it"}},
		}},
		{name: "lists", text: "a = [ \"x\", 'y' ]\nb = [\n  # comment, with \"quotes\"\n  \"^/dex/\", # after\n  \"z\",\n]\nc = []\n", want: []entry{
			{"a", "list", 1, []string{"x", "y"}}, {"b", "list", 2, []string{"^/dex/", "z"}}, {"c", "list", 7, nil},
		}},
		{name: "several lines", text: "a = \"\"\"\none\ntwo\"\"\"\nb = 1", want: []entry{
			{"a", "string", 1, []string{"one\ntwo"}}, {"b", "number", 4, []string{"1"}},
		}},
		{name: "escapes", text: `a = "\"#\\ ="`, want: []entry{{"a", "string", 1, []string{`"#\ =`}}}},
		{name: "table", text: "[server]\na = 1\n", want: []entry{{"server.a", "number", 2, []string{"1"}}}},
		{name: "bare word", text: "a = 1\nb = oidc\n", want: []entry{{"a", "number", 1, []string{"1"}}}, line: 2},
		{name: "twice", text: "a = 1\na = 2\n", want: []entry{{"a", "number", 1, []string{"1"}}}, line: 2},
		{name: "open text", text: "a = \"x\n", line: 1},
		{name: "open list", text: "a = [ \"x\"\n", line: 1},
		{name: "no value", text: "a =\n", line: 1},
		{name: "no setting", text: "\nhello\n", line: 2},
		{name: "no comma", text: "a = [ \"x\" \"y\" ]\n", line: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries, err := parseTOML(test.text)
			var got []entry
			for _, e := range entries {
				one := entry{e.key, e.kind, e.line, nil}
				for _, item := range e.items {
					one.Items = append(one.Items, item.text)
				}
				got = append(got, one)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			line := 0
			if err != nil {
				line = err.line
			}
			if line != test.line {
				t.Errorf("error at line %d, want %d: %v", line, test.line, err)
			}
		})
	}
}

func TestHostMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, host string
		want          bool
	}{
		{"*", "kubeflow.example.com", true},
		{"*.example.com", "kubeflow.example.com:8443", true},
		{"*.example.com", "example.com", false},
		{"kubeflow.example.com", "KUBEFLOW.example.com", true},
		{"kubeflow.example.com", "kf.example.com", false},
	} {
		if got := HostMatches(test.pattern, test.host); got != test.want {
			t.Errorf("HostMatches(%q, %q) = %v", test.pattern, test.host, got)
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"*", "kubeflow.example.com", true},
		{"*.example.com", "kubeflow.example.com", true},
		{"kubeflow.example.com", "*", true},
		{"*.example.com", "*.kf.example.com", true},
		{"*.example.com", "*.example.org", false},
		{"a.example.com", "b.example.com", false},
	} {
		if got := overlap(test.a, test.b); got != test.want {
			t.Errorf("overlap(%q, %q) = %v", test.a, test.b, got)
		}
	}
}

func TestPathMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, path string
		want          bool
	}{
		{"/dex/*", "/dex/auth/local", true},
		{"/dex/*", "/dex", false},
		{"/dex/auth", "/dex/auth", true},
		{"*/callback", "/oauth2/callback", true},
		{"/dex/{*}", "/dex/auth", true},
		{"/dex/{*}", "/dex/auth/local", false},
		{"/dex/{**}", "/dex/auth/local", true},
	} {
		if got := PathMatches(test.pattern, test.path); got != test.want {
			t.Errorf("PathMatches(%q, %q) = %v", test.pattern, test.path, got)
		}
	}
}

func TestRouteSkips(t *testing.T) {
	for _, test := range []struct {
		route string
		want  bool
	}{
		{"^/dex/", true},
		{"GET=^/dex/", true},
		{"get=^/dex/", true},
		{"POST=^/dex/", false},
		{"GET!=^/api/", true},
		{"GET!=^/dex/", false},
		{"^/oauth2/", false},
		{"(", false},
	} {
		if got := routeSkips(test.route, "/dex/auth"); got != test.want {
			t.Errorf("routeSkips(%q) = %v", test.route, got)
		}
	}
}

func TestExpand(t *testing.T) {
	env := Env{"HOST": {Text: "kubeflow.example.com"}, "SECRET": {Unknown: "not rendered"}}
	for text, want := range map[string]string{
		"https://$(HOST)/": "https://kubeflow.example.com/",
		"$(SECRET)":        "$(SECRET)",
		"$(NOBODY)":        "$(NOBODY)",
		"$$(HOST)":         "$(HOST)",
	} {
		if got := expand(text, env); got != want {
			t.Errorf("expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestImageName(t *testing.T) {
	for image, want := range map[string][2]string{
		"ghcr.io/dexidp/dex:v2.41.1":                 {"dex", "v2.41.1"},
		"localhost:5000/dex":                         {"dex", ""},
		"quay.io/oauth2-proxy/oauth2-proxy@sha256:0": {"oauth2-proxy", ""},
	} {
		name, tag := ImageName(image)
		if name != want[0] || tag != want[1] {
			t.Errorf("ImageName(%q) = %q, %q", image, name, tag)
		}
	}
}

func TestIsDex(t *testing.T) {
	for _, test := range []struct {
		container corev1.Container
		want      bool
	}{
		{corev1.Container{Image: "ghcr.io/dexidp/dex:v2.41.1"}, true},
		{corev1.Container{Image: "registry.example.com/mirror/identity:1", Command: []string{"/usr/local/bin/dex", "serve", "/etc/dex/cfg/config.yaml"}}, true},
		{corev1.Container{Image: "index.example.com/podex:1"}, false},
	} {
		if got := isDex(&test.container); got != test.want {
			t.Errorf("isDex(%v) = %v", test.container.Image, got)
		}
	}
}

func TestSplitPort(t *testing.T) {
	for text, want := range map[string][2]string{
		"0.0.0.0:5556":              {"0.0.0.0", "5556"},
		":4180":                     {"", "4180"},
		"[::]:4180":                 {"::", "4180"},
		"kubeflow.example.com":      {"kubeflow.example.com", ""},
		"[::1]":                     {"[::1]", ""},
		"::1":                       {"::1", ""},
		"kubeflow.example.com:8443": {"kubeflow.example.com", "8443"},
	} {
		if host, port, _ := SplitPort(text); host != want[0] || port != want[1] {
			t.Errorf("SplitPort(%q) = %q, %q", text, host, port)
		}
	}
}
