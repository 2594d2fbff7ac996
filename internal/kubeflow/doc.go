// Package kubeflow holds what this program knows about Kubeflow and its parts
// that the manifests do not say: what controllers will create at run time, what
// they inject into pods, what permissions they need, and facts per release.
//
// Checks ask here instead of knowing names and versions themselves.
package kubeflow
