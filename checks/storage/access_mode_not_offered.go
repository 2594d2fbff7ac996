package storage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/volumes"
)

var accessModeNotOffered = &checks.Check{
	ID:       "storage/access-mode-not-offered",
	Severity: checks.Error,
	Doc: `claim asks for an access mode that its class cannot give

ReadWriteMany on Amazon EBS, a Google persistent disk, an Azure disk, Ceph RBD
or local-path: the driver refuses to make the volume, and the claim stays
Pending. Each mode of the list must be offered, not only one of them. Which
modes a driver offers depends on volumeMode: several of these take
ReadWriteMany for raw block devices.

The class is looked up in the render and in the cluster's classes, where
accessModes go before what is known of the driver. Where only a name is known
that distributions use for one driver alone (gp2, standard-rwo, local-path), it
is a warning, as it is for claims that only one of Katib's algorithms makes.
Drivers whose modes depend on their set-up (Cinder, vSphere, Portworx,
Longhorn) pass, as do claims on PersistentVolumes made by hand.`,
	Fix: "Use a class of a shared file system, or ask for ReadWriteOnce.",
	Refs: []string{
		"kubeflow/pipelines#2548",
		"kubeflow/kubeflow#4848",
		"https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		classes := volumes.ClassesOf(pass.Render, pass.Cluster)
		claims := volumes.Claims(pass.Render)
		if len(claims) == 0 {
			pass.NotApplicable()
		}
		for _, c := range claims {
			if _, static := staticVolume(classes, c); static {
				continue
			}
			offered, by, provider := offeredModes(classes, c)
			if offered == nil || (provider.Name == "rancher.io/local-path" && sharesLocalPath(pass.Render)) {
				continue
			}
			for i, mode := range c.Spec.AccessModes {
				if slices.Contains(offered, mode) || (mode == corev1.ReadWriteOncePod && slices.Contains(offered, corev1.ReadWriteOnce)) {
					continue
				}
				f := pass.Reportf(c.At("spec", "accessModes", i), "%s asks for %s, which %s does not offer for volumeMode %s", c.What, mode, by, c.Mode())
				if provider.Guessed || c.Optional {
					f.As(checks.Warning)
				}
				if provider.Class != nil {
					f.See(provider.Class.At("provisioner"), "the provisioner of class %s", provider.Class.Name)
				}
			}
		}
	},
}

// offeredModes are the access modes that a claim can get, nil where that is
// not known, and who says so.
func offeredModes(classes *volumes.Classes, c *volumes.Claim) ([]corev1.PersistentVolumeAccessMode, string, volumes.Provider) {
	if class, answer := classes.Of(c); answer == volumes.Found && len(class.Modes) > 0 {
		return class.Modes, "storage class " + class.Name, volumes.Provider{Class: class}
	}
	provider, ok := classes.ProviderOf(c)
	if !ok {
		return nil, "", provider
	}
	by := provider.Title
	if name, _ := c.Class(); name != "" {
		by = "storage class " + name + " (" + by + ")"
	} else if provider.Class != nil {
		by = "the default storage class " + provider.Class.Name + " (" + by + ")"
	}
	if c.Mode() == corev1.PersistentVolumeBlock {
		if len(provider.Block) == 0 {
			return nil, "", provider // unknown, or refused whatever the mode
		}
		return provider.Block, by, provider
	}
	return provider.Filesystem, by, provider
}

// sharesLocalPath reports whether the render's local-path provisioner is set up
// on a file system that all nodes share.
func sharesLocalPath(v *inventory.View) bool {
	for o := range v.Of(configMapKind) {
		if text := o.String("data", "config.json"); strings.Contains(text, "sharedFileSystemPath") || strings.Contains(text, "storageClassConfigs") {
			return true
		}
	}
	return false
}
