// Package kustomize renders kustomizations with kustomize's own library and
// finds the way back from a rendered field to the file that set it.
package kustomize

import (
	"context"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// build runs kustomize as its command does.
func build(fs filesys.FileSystem, dir string) (resmap.ResMap, error) {
	opts := krusty.MakeDefaultOptions()
	opts.Reorder = krusty.ReorderOptionUnspecified
	opts.PluginConfig.BpLoadingOptions = types.BploUseStaticallyLinked
	return krusty.MakeKustomizer(opts).Run(fs, dir)
}

// YAML renders a kustomization as kustomize build prints it.
func YAML(_ context.Context, dir string) ([]byte, error) {
	m, err := build(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return m.AsYaml()
}

// Objects renders a kustomization into located objects.
func Objects(_ context.Context, dir string) ([]*inventory.Object, error) {
	m, err := build(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	var objects []*inventory.Object
	for _, res := range m.Resources() {
		node := res.YNode()
		gvk := res.GetGvk()
		key := inventory.Key{GroupKind: inventory.GroupKind{Group: gvk.Group, Kind: gvk.Kind}, Namespace: res.GetNamespace(), Name: res.GetName()}
		objects = append(objects, inventory.NewLazyObject(key, gvk.ApiVersion(), func() map[string]any { return decode(node) }, fileLocator{dir}))
	}
	return objects, nil
}

type fileLocator struct{ dir string }

func (l fileLocator) Locate(*inventory.Object, inventory.Path, int) inventory.Origin {
	return inventory.Origin{File: l.dir}
}

func decode(node *kyaml.Node) map[string]any {
	v, err := inventory.DecodeNode((*yaml.Node)(node))
	if err != nil {
		return nil
	}
	m, _ := v.(map[string]any)
	return m
}
