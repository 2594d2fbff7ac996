package kubeflow_test

import (
	"slices"
	"testing"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

func load(t *testing.T, text string) *inventory.Inventory {
	t.Helper()
	objects, err := manifest.Parse("all.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	return kubeflow.Expand(inv)
}

const platform = `apiVersion: v1
kind: Namespace
metadata:
  name: kubeflow
  labels: {istio-injection: enabled}
---
apiVersion: kubeflow.org/v1
kind: Profile
metadata: {name: team-a}
spec:
  owner: {kind: User, name: user@example.com}
  resourceQuotaSpec:
    hard: {cpu: "4"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: namespace-labels-data-2k29b64d74, namespace: kubeflow}
data:
  namespace-labels.yaml: |
    katib.kubeflow.org/metrics-collector-injection: "enabled"
    istio-injection: ""
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: cert, namespace: kubeflow}
spec: {secretName: cert-tls}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: istio-sidecar-injector}
webhooks:
- name: namespace.sidecar-injector.istio.io
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data:
  values: |
    {"global": {"proxy": {"resources": {"requests": {"cpu": "100m"}}}}, "pilot": {"cni": {"enabled": true}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: in, namespace: kubeflow}
spec:
  replicas: 3
  selector: {matchLabels: {app: in}}
  template:
    metadata: {labels: {app: in}}
    spec:
      serviceAccountName: robot
      containers: [{name: main, image: x}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: out, namespace: kubeflow}
spec:
  template:
    metadata: {labels: {app: out, sidecar.istio.io/inject: "false"}}
    spec:
      containers: [{name: main, image: x}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: annotated, namespace: kubeflow}
spec:
  template:
    metadata: {annotations: {sidecar.istio.io/inject: "false"}}
    spec:
      containers: [{name: main, image: x}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron, namespace: elsewhere}
spec:
  jobTemplate:
    spec:
      parallelism: 2
      template:
        spec:
          containers: [{name: main, image: x}]
---
apiVersion: kubeflow.org/v1
kind: Notebook
metadata: {name: nb, namespace: team-a}
spec:
  template:
    spec:
      containers: [{name: nb, image: jupyter}]
`

func TestExpandProfile(t *testing.T) {
	view := load(t, platform).View()
	labels, ok := view.Namespace("team-a")
	if !ok {
		t.Fatal("a Profile makes a namespace")
	}
	if labels["katib.kubeflow.org/metrics-collector-injection"] != "enabled" || labels["app.kubernetes.io/part-of"] != "kubeflow-profile" {
		t.Errorf("labels: %v", labels)
	}
	if _, set := labels["istio-injection"]; set {
		t.Error("an empty value in namespace-labels.yaml takes a label away")
	}
	for _, key := range []inventory.Key{
		{GroupKind: inventory.GroupKind{Kind: "ServiceAccount"}, Namespace: "team-a", Name: "default-editor"},
		{GroupKind: inventory.GroupKind{Kind: "ServiceAccount"}, Namespace: "team-a", Name: "default-viewer"},
		{GroupKind: inventory.GroupKind{Kind: "ServiceAccount"}, Namespace: "elsewhere", Name: "default"},
		{GroupKind: inventory.GroupKind{Kind: "ResourceQuota"}, Namespace: "team-a", Name: "kf-resource-quota"},
		{GroupKind: inventory.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}, Namespace: "team-a", Name: "namespaceAdmin"},
		{GroupKind: inventory.GroupKind{Kind: "Secret"}, Namespace: "kubeflow", Name: "cert-tls"},
		{GroupKind: inventory.GroupKind{Kind: "ConfigMap"}, Namespace: "team-a", Name: "istio-ca-root-cert"},
		{GroupKind: inventory.GroupKind{Kind: "Service"}, Namespace: "team-a", Name: "nb"},
	} {
		o := view.Inventory().Get(key)
		if o == nil {
			t.Errorf("no %s", key)
			continue
		}
		if o.Made == nil {
			t.Errorf("%s is made by a controller, and does not say so", key)
		}
	}
	quota := view.Get(inventory.GroupKind{Kind: "ResourceQuota"}, "team-a", "kf-resource-quota")
	if origin := quota.At("spec", "hard").Origin(); origin.Line != 13 {
		t.Errorf("the quota comes from the Profile's resourceQuotaSpec, line 13; got %d", origin.Line)
	}
}

func TestProfileOfRenderedNamespace(t *testing.T) {
	view := load(t, platform+`---
apiVersion: v1
kind: Namespace
metadata:
  name: team-a
  labels: {mine: "yes", katib.kubeflow.org/metrics-collector-injection: disabled}
  annotations: {owner: user@example.com}
`).View()
	labels, _ := view.Namespace("team-a")
	if labels["mine"] != "yes" || labels["app.kubernetes.io/part-of"] != "kubeflow-profile" || labels["katib.kubeflow.org/metrics-collector-injection"] != "disabled" {
		t.Errorf("labels: %v", labels)
	}
	if view.Get(inventory.GroupKind{Kind: "Namespace"}, "", "team-a").Made != nil {
		t.Error("the rendered namespace must win")
	}
}

func TestPods(t *testing.T) {
	view := load(t, platform).View()
	pods := map[string]*kubeflow.Pod{}
	for pod := range kubeflow.Pods(view) {
		pods[pod.Owner.Key.Name] = pod
	}
	if len(pods) < 5 {
		t.Fatalf("%d pods", len(pods))
	}
	in := pods["in"]
	if !in.HasSidecar() || in.Replicas != 3 || in.ServiceAccount() != "robot" {
		t.Errorf("in: sidecar %v, %d replicas, account %s", in.HasSidecar(), in.Replicas, in.ServiceAccount())
	}
	if cpu := in.Injected[0].Resources.Requests.Cpu().String(); cpu != "100m" {
		t.Errorf("the sidecar requests %s", cpu)
	}
	if in.InjectedInit[0].Name != "istio-validation" {
		t.Errorf("with the CNI plugin, init is %s", in.InjectedInit[0].Name)
	}
	if in.Labels["service.istio.io/canonical-name"] != "in" {
		t.Errorf("labels: %v", in.Labels)
	}
	for _, name := range []string{"out", "annotated", "cron"} {
		if pods[name].HasSidecar() {
			t.Errorf("%s has a sidecar", name)
		}
	}
	if cron := pods["cron"]; cron.Replicas != 2 || cron.At("spec").Origin().Line == 0 {
		t.Errorf("cron: %d replicas", cron.Replicas)
	}
	if nb := pods["nb"]; nb.Labels["statefulset"] != "nb" {
		t.Errorf("notebook: %v", nb.Labels)
	}
	var places []string
	for place := range in.Containers() {
		places = append(places, place.Field())
	}
	if !slices.Equal(places, []string{"spec.template.spec.containers[0]"}) {
		t.Errorf("got %v", places)
	}
}
