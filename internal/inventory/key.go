package inventory

import (
	"cmp"
	"strings"
)

// GroupKind names a kind in its API group; the group of core kinds is empty.
// The group is part of the identity: Kubeflow has a Certificate in two groups
// and a Service in two.
type GroupKind struct {
	Group, Kind string
}

func (gk GroupKind) String() string {
	if gk.Group == "" {
		return gk.Kind
	}
	return gk.Kind + "." + gk.Group
}

// Key identifies an object in a cluster.
//
// Namespace is empty for cluster-scoped kinds, even where the manifest carries
// one (as upstream's spark-operator does); it is "default" for namespaced kinds
// whose manifest names none, because that is where kubectl would put them.
type Key struct {
	GroupKind
	Namespace, Name string
}

// String is the form used in messages: "Deployment kubeflow/ml-pipeline".
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind + " " + k.Name
	}
	return k.Kind + " " + k.Namespace + "/" + k.Name
}

// Compare orders keys by namespace, kind, group and name.
func (k Key) Compare(other Key) int {
	return cmp.Or(
		cmp.Compare(k.Namespace, other.Namespace),
		cmp.Compare(k.Kind, other.Kind),
		cmp.Compare(k.Group, other.Group),
		cmp.Compare(k.Name, other.Name),
	)
}

// SplitAPIVersion splits "apps/v1" into group and version; the group of "v1" is
// empty.
func SplitAPIVersion(apiVersion string) (group, version string) {
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		return group, version
	}
	return "", apiVersion
}

// DefaultNamespace is where kubectl puts an object that names no namespace.
const DefaultNamespace = "default"

// clusterScoped lists the built-in kinds that live outside namespaces, as of
// Kubernetes 1.37 (kubectl api-resources --namespaced=false). Kinds of CRDs are
// read from the CRDs of the render.
var clusterScoped = func() map[GroupKind]bool {
	scoped := map[GroupKind]bool{}
	for group, kinds := range map[string]string{
		"":                             "Namespace Node PersistentVolume ComponentStatus",
		"admissionregistration.k8s.io": "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding",
		"apiextensions.k8s.io":         "CustomResourceDefinition",
		"apiregistration.k8s.io":       "APIService",
		"authentication.k8s.io":        "TokenReview SelfSubjectReview",
		"authorization.k8s.io":         "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
		"certificates.k8s.io":          "CertificateSigningRequest ClusterTrustBundle",
		"flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
		"internal.apiserver.k8s.io":    "StorageVersion",
		"networking.k8s.io":            "IngressClass IPAddress ServiceCIDR",
		"node.k8s.io":                  "RuntimeClass",
		"policy":                       "PodSecurityPolicy",
		"rbac.authorization.k8s.io":    "ClusterRole ClusterRoleBinding",
		"resource.k8s.io":              "DeviceClass ResourceSlice DeviceTaintRule",
		"scheduling.k8s.io":            "PriorityClass",
		"storage.k8s.io":               "StorageClass VolumeAttachment CSIDriver CSINode VolumeAttributesClass",
		"storagemigration.k8s.io":      "StorageVersionMigration",
		// Kinds whose CRDs often come from elsewhere than the render.
		"cert-manager.io": "ClusterIssuer",
		"kubeflow.org":    "Profile",
	} {
		for kind := range strings.FieldsSeq(kinds) {
			scoped[GroupKind{group, kind}] = true
		}
	}
	return scoped
}()
