package kubeflow

import (
	"maps"
	"slices"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var (
	notebooks         = inventory.GroupKind{Group: "kubeflow.org", Kind: "Notebook"}
	inferenceServices = inventory.GroupKind{Group: "serving.kserve.io", Kind: "InferenceService"}

	profileKind     = inventory.GroupKind{Group: "kubeflow.org", Kind: "Profile"}
	namespaceKind   = inventory.GroupKind{Group: "", Kind: "Namespace"}
	certificateKind = inventory.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}
)

// Expand adds to a render the objects that controllers will create of it:
// nothing should report those as missing.
func Expand(inv *inventory.Inventory) *inventory.Inventory {
	var made []*inventory.Object
	view := inv.View()
	for profile := range view.Of(profileKind) {
		made = append(made, ofProfile(view, profile)...)
	}
	for certificate := range view.Of(certificateKind) {
		if secret := certificate.String("spec", "secretName"); secret != "" {
			made = append(made, make1("cert-manager", certificate, inventory.Path{"spec", "secretName"}, map[string]any{
				"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
				"metadata": map[string]any{"name": secret, "namespace": certificate.Key.Namespace},
				"data":     map[string]any{"tls.crt": "", "tls.key": "", "ca.crt": ""},
			}))
		}
	}
	for notebook := range view.Of(notebooks) {
		made = append(made, ofNotebook(notebook)...)
	}
	for service := range view.Of(inferenceServices) {
		made = append(made, ofInferenceService(service)...)
	}
	inv = inv.WithMade(made)
	return inv.WithMade(append(made, perNamespace(inv)...))
}

// perNamespace makes what every namespace gets.
func perNamespace(inv *inventory.Inventory) []*inventory.Object {
	view := inv.View()
	mesh := injectorOf(inv).present
	var made []*inventory.Object
	names := map[string]bool{}
	for _, o := range inv.Objects() {
		if o.Key.Namespace != "" {
			names[o.Key.Namespace] = true
		}
	}
	for o := range view.LiveOf(namespaceKind) {
		names[o.Key.Name] = true
	}
	for name := range maps.Keys(names) {
		namespace := view.Get(namespaceKind, "", name)
		made = append(made, make1("kube-controller-manager", namespace, nil, map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount",
			"metadata": map[string]any{"name": "default", "namespace": name},
		}))
		made = append(made, make1("kube-controller-manager", namespace, nil, map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": "kube-root-ca.crt", "namespace": name},
			"data":     map[string]any{"ca.crt": ""},
		}))
		if mesh {
			made = append(made, make1("istiod", namespace, nil, map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap",
				"metadata": map[string]any{"name": "istio-ca-root-cert", "namespace": name},
				"data":     map[string]any{"root-cert.pem": ""},
			}))
		}
	}
	return made
}

// ofProfile makes what the profile controller makes
// (components/profile-controller/controllers/profile_controller.go).
func ofProfile(view *inventory.View, profile *inventory.Object) []*inventory.Object {
	name := profile.Key.Name
	owner := profile.String("spec", "owner", "name")
	by := func(path inventory.Path, content map[string]any) *inventory.Object {
		return make1("profile controller", profile, path, content)
	}
	nsLabels := map[string]any{"istio-injection": "enabled", "app.kubernetes.io/part-of": "kubeflow-profile"}
	for key, value := range profileNamespaceLabels(view) {
		if value == "" {
			delete(nsLabels, key) // an empty value removes the label
			continue
		}
		nsLabels[key] = value
	}
	made := []*inventory.Object{by(inventory.Path{"metadata", "name"}, map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": name, "labels": nsLabels, "annotations": map[string]any{"owner": owner}},
	})}
	for account, role := range map[string]string{"default-editor": "kubeflow-edit", "default-viewer": "kubeflow-view"} {
		made = append(made,
			by(inventory.Path{"metadata", "name"}, map[string]any{
				"apiVersion": "v1", "kind": "ServiceAccount",
				"metadata": map[string]any{"name": account, "namespace": name},
			}),
			by(inventory.Path{"metadata", "name"}, map[string]any{
				"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
				"metadata": map[string]any{"name": account, "namespace": name},
				"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
				"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": name}},
			}))
	}
	made = append(made, by(inventory.Path{"spec", "owner"}, map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
		"metadata": map[string]any{"name": "namespaceAdmin", "namespace": name, "annotations": map[string]any{"role": "admin", "user": owner}},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kubeflow-admin"},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": owner}},
	}))
	if spec := profile.Map("spec", "resourceQuotaSpec"); len(spec) > 0 && profile.Map("spec", "resourceQuotaSpec", "hard") != nil {
		quota := inventory.NewObject(map[string]any{
			"apiVersion": "v1", "kind": "ResourceQuota",
			"metadata": map[string]any{"name": "kf-resource-quota", "namespace": name},
			"spec":     spec,
		}, causedBy{profile.At("spec", "resourceQuotaSpec"), inventory.Path{"spec"}})
		quota.Made = &inventory.Made{By: profile, Controller: "profile controller"}
		made = append(made, quota)
	}
	return made
}

// ofNotebook makes the Service of a notebook
// (components/notebook-controller/controllers/notebook_controller.go). Its pod
// is among [Pods] already.
func ofNotebook(notebook *inventory.Object) []*inventory.Object {
	return []*inventory.Object{make1("notebook controller", notebook, inventory.Path{"metadata", "name"}, map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{"name": notebook.Key.Name, "namespace": notebook.Key.Namespace},
		"spec": map[string]any{
			"type":     "ClusterIP",
			"selector": map[string]any{"statefulset": notebook.Key.Name},
			"ports":    []any{map[string]any{"name": "http-" + notebook.Key.Name, "port": int64(80), "targetPort": int64(8888), "protocol": "TCP"}},
		},
	})}
}

// ofInferenceService makes the Services under which the parts of an inference
// service are called inside the cluster. KServe makes the rest, Deployments or
// Knative Services, with names that nothing refers to.
func ofInferenceService(service *inventory.Object) []*inventory.Object {
	name := service.Key.Name
	names := []string{name}
	for _, component := range []string{"predictor", "transformer", "explainer"} {
		if service.Map("spec", component) != nil {
			names = append(names, name+"-"+component)
		}
	}
	var made []*inventory.Object
	for _, name := range names {
		made = append(made, make1("KServe controller", service, inventory.Path{"metadata", "name"}, map[string]any{
			"apiVersion": "v1", "kind": "Service",
			"metadata": map[string]any{"name": name, "namespace": service.Key.Namespace},
			"spec": map[string]any{
				// With Knative this is an alias of the gateway.
				"type": "ExternalName", "externalName": "knative-local-gateway.istio-system.svc.cluster.local",
				"ports": []any{map[string]any{"name": "http", "port": int64(80), "protocol": "TCP"}},
			},
		}))
	}
	return made
}

// profileNamespaceLabels reads the labels that the profile controller gives to
// a Profile's namespace: the file namespace-labels.yaml of its ConfigMap.
func profileNamespaceLabels(view *inventory.View) map[string]string {
	for o := range view.Of(configMap) {
		const key = "namespace-labels.yaml"
		if o.String("data", key) == "" {
			continue
		}
		var found map[string]string
		if doc, err := o.At("data", key).Document(); err == nil && doc.Decode(&found) == nil {
			return found
		}
	}
	return nil
}

// make1 makes an object that a controller will create because of another.
func make1(controller string, by *inventory.Object, path inventory.Path, content map[string]any) *inventory.Object {
	var locator inventory.Locator
	if by != nil {
		locator = causedBy{place: by.At(path)}
	}
	o := inventory.NewObject(content, locator)
	o.Made = &inventory.Made{By: by, Controller: controller}
	return o
}

// causedBy locates the fields of a made object at what causes it. What stands
// below copied in the made object was copied from below the place.
type causedBy struct {
	place  inventory.Place
	copied inventory.Path
}

func (c causedBy) Locate(_ *inventory.Object, path inventory.Path, _ int) inventory.Origin {
	if n := len(c.copied); n > 0 && len(path) > n && slices.Equal(path[:n], c.copied) {
		return c.place.At(path[n:]).Origin()
	}
	return c.place.Origin()
}
