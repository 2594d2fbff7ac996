package endpoint

import (
	"testing"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

func TestResolve(t *testing.T) {
	objects, err := manifest.Parse("all.yaml", []byte(`apiVersion: v1
kind: Namespace
metadata: {name: kubeflow}
---
apiVersion: v1
kind: Service
metadata: {name: mysql, namespace: kubeflow}
spec: {selector: {app: mysql}, ports: [{port: 3306}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: kubeflow}
spec: {selector: {app: none}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: kubeflow}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Pod
metadata: {name: mysql, namespace: kubeflow, labels: {app: mysql}}
spec: {containers: [{name: a, image: a}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host string
		port int
		want State
	}{
		{"mysql", 3306, Reached}, {"mysql", 0, Reached}, {"mysql.kubeflow", 3306, Reached}, {"mysql.kubeflow.svc.cluster.local", 3306, Reached},
		{"mysql", 3307, NoPort}, {"mysqld", 3306, NoService}, {"mysql.auth.svc", 3306, NoNamespace}, {"empty", 80, NoPod},
		{"outside", 3306, Elsewhere}, {"db.example.com", 3306, Elsewhere}, {"10.0.0.1", 3306, Elsewhere}, {"localhost", 1, Elsewhere},
		{"example.com", 80, Elsewhere}, {"$(HOST)", 80, Elsewhere}, {"", 80, Elsewhere},
	} {
		r := Resolve(inv.View(), "kubeflow", c.host, c.port)
		if r.State != c.want {
			t.Errorf("%s:%d: got %v, want %v", c.host, c.port, r.State, c.want)
		}
		if (r.Problem() != "") != (c.want == NoPort || c.want == NoService || c.want == NoPod) {
			t.Errorf("%s:%d: problem %q", c.host, c.port, r.Problem())
		}
	}
}
