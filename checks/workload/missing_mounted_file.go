package workload

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

var missingMountedFile = &checks.Check{
	ID:       "workload/missing-mounted-file",
	Severity: checks.Error,
	Doc: `program is told of a file that its volume does not hold

An argument or variable names a file below the mount of a ConfigMap or Secret which
has no such key: the program ends with ` + "`no such file or directory`" + `. Such volumes
hold their keys alone, and cannot be written to. It happens when a key is renamed,
a generator names it after another file, or a certificate's files are called
tls.crt and tls.key.

Only paths with an extension are looked at: others may be folders, or files that
may be missing.`,
	Fix: "Name a file that the volume holds, or call the key like it.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#add-configmap-data-to-a-volume",
		"kubeflow/pipelines#4695",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		checked := false
		for pod := range kubeflow.Pods(pass.Render) {
			for at, c := range pod.Containers() {
				for i, word := range c.Command {
					checked = mountedFile(pass, pod, c, at.At("command", i), word) || checked
				}
				for i, word := range c.Args {
					checked = mountedFile(pass, pod, c, at.At("args", i), word) || checked
				}
				for i, e := range c.Env {
					checked = mountedFile(pass, pod, c, at.At("env", i, "value"), e.Value) || checked
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// filePath is a whole word that is a path to a file: after the = of an
// argument, or all of it. Scripts are left out: they may test for the file.
var filePath = regexp.MustCompile(`^(?:-{1,2}[A-Za-z0-9_.-]+=)?(/[A-Za-z0-9_./-]+\.[A-Za-z0-9]+)$`)

// mountedFile judges one word; it reports whether there was anything to judge.
func mountedFile(pass *checks.Pass, pod *kubeflow.Pod, c *corev1.Container, place inventory.Place, word string) bool {
	m := filePath.FindStringSubmatch(word)
	if m == nil {
		return false
	}
	file := path.Clean(m[1])
	var mount *corev1.VolumeMount
	for i := range c.VolumeMounts {
		at := path.Clean(c.VolumeMounts[i].MountPath)
		if (file == at || strings.HasPrefix(file, at+"/")) && (mount == nil || len(at) > len(path.Clean(mount.MountPath))) {
			mount = &c.VolumeMounts[i]
		}
	}
	if mount == nil || mount.SubPath != "" || mount.SubPathExpr != "" || file == path.Clean(mount.MountPath) {
		return false
	}
	j := slices.IndexFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool { return volume.Name == mount.Name })
	if j < 0 {
		return false
	}
	files, known := refs.Files(pass.Render, pod, &pod.Spec.Volumes[j])
	if !known {
		return false
	}
	wanted := strings.TrimPrefix(file, path.Clean(mount.MountPath)+"/")
	var names []string
	var from *inventory.Object
	for _, f := range files {
		if f.Path == wanted || strings.HasPrefix(f.Path, wanted+"/") {
			return true
		}
		names = append(names, f.Path)
		if f.From != nil {
			from = f.From
		}
	}
	f := pass.Reportf(place, "container %s of %s is told of %s, but volume %s holds no %s%s", c.Name, pod.Owner.Key, file, mount.Name, wanted, near.Hint(wanted, names))
	if from != nil {
		at, what := dataOf(from)
		f.See(at, "%s is what the volume shows; %s %s", from.Key, what, strings.Join(names, ", "))
	}
	return true
}
