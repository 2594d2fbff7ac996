package calls

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAddressesIn(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"http://minio.kubeflow:9000/bucket", "minio.kubeflow:9000"},
		{"http://minio.kubeflow", "minio.kubeflow:80"},
		{"https://a.b.svc.cluster.local/x?y#z", "a.b.svc.cluster.local:443"},
		{"mysql://root:secret@mysql/db", "mysql:3306"},
		{"root:word@tcp(mysql:3306)/db", "mysql:3306"},
		{"a:80,b:81", "a:80 b:81"},
		{`{"endpoint": "minio-service.kubeflow:9000"}`, "minio-service.kubeflow:9000"},
		{"nc -z db.apps:5432 && run", "db.apps:5432"},
		{"dex.auth.svc.cluster.local", "dex.auth.svc.cluster.local:0"},
		{"--host=dex.auth.svc", "dex.auth.svc:0"},
		{"gs://bucket/path", ""},
		{"registry/repo/minio:9000", ""},
		{"image: mysql:8.0.29", ""},
		{"10:30:45", ""},
		{"# http://comment.a:80\n  // http://comment.b:80\nhttp://c.d", "c.d:80"},
		{"x\nhttp://c.d:8080\n", "c.d:8080"},
		{"http://$(HOST):$(PORT)", ""},
		{"a:99999", ""},
		{"service.istio.io/canonical-name", ""},
		{"cluster.local/ns/istio-system/sa/default", ""},
	} {
		var got []string
		for _, a := range addressesIn(c.text) {
			got = append(got, fmt.Sprintf("%s:%d", a.host, a.port))
		}
		slices.Sort(got)
		want := strings.Fields(c.want)
		slices.Sort(want)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", c.text, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	set := map[string]string{"A": "x", "B": "$(A)"}
	lookup := func(name string) (string, bool) { value, ok := set[name]; return value, ok }
	for _, c := range []struct{ text, want string }{
		{"$(A):80", "x:80"},
		{"$(B)", "$(A)"},
		{"$$(A)", "$(A)"},
		{"$(NONE)", "$(NONE)"},
		{"$A ${A} $", "$A ${A} $"},
		{"$(A", "$(A"},
	} {
		if got := expand(c.text, lookup); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestFlags(t *testing.T) {
	var line []setting
	for _, word := range []string{"serve", "--db-host=mysql", "-port", "3306", "--verbose", "--dry-run", "-c", "a --b=c"} {
		line = append(line, setting{value: word})
	}
	var got []string
	for _, s := range flags(line) {
		got = append(got, s.name+"="+s.value)
	}
	if want := []string{"DB_HOST=mysql", "PORT=3306", "C=a --b=c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
