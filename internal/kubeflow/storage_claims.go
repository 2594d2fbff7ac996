package kubeflow

import "github.com/kfpreflight/kfpreflight/internal/inventory"

// ClaimMakers are kinds whose controllers make a PersistentVolumeClaim of the
// object's own name and namespace.
func ClaimMakers() []inventory.GroupKind {
	return []inventory.GroupKind{
		{Group: "data.fluid.io", Kind: "Dataset"},
		{Group: "cdi.kubevirt.io", Kind: "DataVolume"},
		{Group: "datasets.datashim.io", Kind: "Dataset"},
		{Group: "com.ie.ibm.hpsys", Kind: "Dataset"},
		{Group: "volsync.backube", Kind: "ReplicationDestination"},
	}
}

// Keys of the files in ConfigMaps from which Kubeflow makes claims.
const (
	// SpawnerConfigKey holds the form of the Jupyter web app, which makes the
	// claims of new notebooks.
	SpawnerConfigKey = "spawner_ui_config.yaml"
	// KatibConfigKey holds Katib's configuration; suggestions of an algorithm
	// with a persistentVolumeClaimSpec get a claim when an experiment resumes
	// FromVolume.
	KatibConfigKey = "katib-config.yaml"
	// ViewerSpecKey holds the PVCViewer that the volumes web app makes.
	ViewerSpecKey = "viewer-spec.yaml"
)

// ReservedClaimNames mark claims that an environment fills in when it makes
// objects of a template: nothing can be said about them beforehand.
func ReservedClaimNames() []string { return []string{"$", "{"} }
