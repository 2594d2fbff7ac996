package workload

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

var missingKey = &checks.Check{
	ID:       "workload/missing-key",
	Severity: checks.Error,
	Doc: `pod takes a key that its ConfigMap or Secret does not have

A container whose variable names such a key stays in CreateContainerConfigError
(` + "`couldn't find key x in ConfigMap`" + `), a pod whose volume does in
ContainerCreating (` + "`references non-existent config key`" + `). A mount whose subPath is
no file of the volume gets an empty directory instead, which cannot be mounted
over a file.

Optional references are left out, and Secrets rendered without data, which a
controller fills: Knative does so with its certificates. Secrets of Certificates
hold tls.crt, tls.key and ca.crt, and what the Certificate asks for besides.`,
	Fix: "Add the key, or name one that is there.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#restrictions",
		"https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		checked := false
		for ref := range refs.All(v) {
			o := v.Get(ref.Kind, ref.Pod.Namespace, ref.Name)
			if ref.Optional || ref.Key == "" || o == nil || !refs.Filled(ref.Key) {
				continue
			}
			checked = true
			keys, known := refs.Keys(o)
			if slices.Contains(keys, ref.Key) {
				continue
			}
			if !known {
				if o.Key.GroupKind == refs.ConfigMap && o.Made == nil {
					pass.Reportf(ref.KeyPlace, "%s key %s of %s, which is empty", ref.What, ref.Key, o.Key).As(checks.Warning).
						See(o.At("metadata", "name"), "the ConfigMap has no data")
				}
				continue
			}
			f := pass.Reportf(ref.KeyPlace, "%s key %s of %s, which has no such key%s", ref.What, ref.Key, o.Key, near.Hint(ref.Key, keys))
			if place, what := dataOf(o); !place.IsZero() {
				f.See(place, "%s %s", what, strings.Join(keys, ", "))
			}
		}
		for pod := range kubeflow.Pods(v) {
			for at, c := range pod.Containers() {
				for i, mount := range c.VolumeMounts {
					if mount.SubPath == "" {
						continue
					}
					j := slices.IndexFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool { return volume.Name == mount.Name })
					if j < 0 {
						continue
					}
					files, known := refs.Files(v, pod, &pod.Spec.Volumes[j])
					if !known {
						continue
					}
					checked = true
					want := path.Clean(mount.SubPath)
					var names []string
					var from *inventory.Object
					for _, file := range files {
						if file.Path == want || strings.HasPrefix(file.Path, want+"/") {
							names = nil
							break
						}
						names, from = append(names, file.Path), file.From
					}
					if names == nil {
						continue
					}
					f := pass.Reportf(at.At("volumeMounts", i, "subPath"), "container %s of %s mounts %s of volume %s, which holds no such file%s",
						c.Name, pod.Owner.Key, mount.SubPath, mount.Name, near.Hint(mount.SubPath, names))
					if from != nil {
						if place, what := dataOf(from); !place.IsZero() {
							f.See(place, "%s is what the volume shows; %s %s", from.Key, what, strings.Join(names, ", "))
						}
					}
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// dataOf is where an object's keys stand.
func dataOf(o *inventory.Object) (inventory.Place, string) {
	if o.Made != nil {
		return o.At("metadata", "name"), fmt.Sprintf("%s makes it with", o.Made.Controller)
	}
	for _, field := range []string{"data", "stringData", "binaryData"} {
		if o.Map(field) != nil {
			return o.At(field), "its keys are"
		}
	}
	return o.At("metadata", "name"), "its keys are"
}
