package storage

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var unusableNotebookVolume = &checks.Check{
	ID:       "storage/unusable-notebook-volume",
	Severity: checks.Error,
	Doc: `notebook form offers a volume that cannot be made

The workspace and data volumes of spawner_ui_config.yaml are what every new
notebook asks for. The Jupyter web app refuses a volume without mount, one with
both or neither of newPvc and existingSource, and a claim that names a
namespace; the API server refuses claims whose class or name is not valid, that
have no access mode or no size, and notebooks that mount two volumes at one
path. The user sees an error when the notebook is created.

The fields type, size and class with {none} are those of Kubeflow 1.4 and
before. A null or absent value means no volume, and is right; so is no
storageClassName, and the empty one.`,
	Fix: "Write the volume as mount with newPvc or existingSource, as the comments of spawner_ui_config.yaml show.",
	Refs: []string{
		"https://github.com/kubeflow/kubeflow/blob/master/components/crud-web-apps/jupyter/backend/apps/common/volumes.py",
		"https://github.com/kubeflow/kubeflow/blob/master/components/crud-web-apps/jupyter/backend/apps/common/yaml/spawner_ui_config.yaml",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		for o := range pass.Render.Of(configMapKind) {
			if o.String("data", kubeflow.SpawnerConfigKey) == "" {
				continue
			}
			found = true
			if _, err := o.At("data", kubeflow.SpawnerConfigKey).Document(); err != nil {
				pass.Reportf(o.At("data", kubeflow.SpawnerConfigKey), "the notebook form in %s is not YAML: %s", o.Key, strings.TrimPrefix(err.Error(), "yaml: "))
			}
			mounts, names := map[string]string{}, map[string]string{}
			for _, volume := range volumes.NotebookVolumes(o) {
				judgeNotebookVolume(pass, volume, mounts, names)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func judgeNotebookVolume(pass *checks.Pass, volume volumes.NotebookVolume, mounts, names map[string]string) {
	get := func(path ...any) any {
		value, _ := inventory.Lookup(volume.Content, inventory.MakePath(path...))
		return value
	}
	report := func(at inventory.Place, format string, args ...any) {
		pass.Reportf(at, "the %s %s", volume.What, fmt.Sprintf(format, args...))
	}
	if volume.Content == nil {
		report(volume.At(), "is not a mapping")
		return
	}
	mount, _ := get("mount").(string)
	if mount == "" {
		report(volume.At("mount"), "has no mount")
	} else if first, twice := mounts[mount]; twice {
		report(volume.At("mount"), "is mounted at %s, as the %s is", mount, first)
	} else {
		mounts[mount] = volume.What
	}
	newPVC, existing := volume.Content["newPvc"], volume.Content["existingSource"]
	_, hasNew := volume.Content["newPvc"]
	_, hasExisting := volume.Content["existingSource"]
	switch {
	case hasNew && hasExisting:
		report(volume.At("existingSource"), "has both newPvc and existingSource")
		return
	case !hasNew && !hasExisting:
		report(volume.At(), "has neither newPvc nor existingSource")
		return
	case hasExisting:
		source, _ := existing.(map[string]any)
		if claim, ok := source["persistentVolumeClaim"].(map[string]any); ok && claim["claimName"] == nil {
			report(volume.At("existingSource", "persistentVolumeClaim"), "names no claim: claimName is missing")
		}
		return
	}
	if _, ok := newPVC.(map[string]any); !ok {
		report(volume.At("newPvc"), "has no claim under newPvc")
		return
	}
	if get("newPvc", "metadata", "namespace") != nil {
		report(volume.At("newPvc", "metadata", "namespace"), "has a claim that names a namespace, which the web app refuses")
	}
	name, _ := get("newPvc", "metadata", "name").(string)
	generated, _ := get("newPvc", "metadata", "generateName").(string)
	switch {
	case name == "" && generated == "":
		report(volume.At("newPvc", "metadata", "name"), "has a claim without a name")
	case name != "":
		// The form puts the notebook's name in.
		if problems := validation.IsDNS1123Subdomain(strings.ReplaceAll(name, "{notebook-name}", "notebook")); len(problems) > 0 {
			report(volume.At("newPvc", "metadata", "name"), "has a claim with an invalid name, %q", name)
		} else if first, twice := names[name]; twice {
			report(volume.At("newPvc", "metadata", "name"), "makes claim %s, as the %s does", name, first)
		} else {
			names[name] = volume.What
		}
	}
	if class, _ := get("newPvc", "spec", "storageClassName").(string); class != "" && len(validation.IsDNS1123Subdomain(class)) > 0 {
		report(volume.At("newPvc", "spec", "storageClassName"), "asks for storage class %q, which is not a name the API server takes", class)
	}
	if modes, _ := get("newPvc", "spec", "accessModes").([]any); len(modes) == 0 {
		report(volume.At("newPvc", "spec", "accessModes"), "has a claim without access modes")
	}
	size := get("newPvc", "spec", "resources", "requests", "storage")
	quantity, err := resource.ParseQuantity(fmt.Sprint(size))
	if size == nil || err != nil || quantity.Sign() <= 0 {
		report(volume.At("newPvc", "spec", "resources", "requests", "storage"), "has a claim without a valid size")
	}
}
