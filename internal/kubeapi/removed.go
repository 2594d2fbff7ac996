package kubeapi

import "strings"

// removedBefore lists the versions of kinds that were gone before the first
// minor of the table: the minor that no longer served it, and what came after.
// Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
var removedBefore = func() map[string][2]string {
	removed := map[string][2]string{}
	for _, line := range strings.Split(strings.TrimSpace(`
1.16 extensions/v1beta1 DaemonSet,Deployment,ReplicaSet apps/v1
1.16 extensions/v1beta1 NetworkPolicy networking.k8s.io/v1
1.16 extensions/v1beta1 PodSecurityPolicy -
1.16 apps/v1beta1 Deployment,StatefulSet,ControllerRevision apps/v1
1.16 apps/v1beta2 DaemonSet,Deployment,ReplicaSet,StatefulSet,ControllerRevision apps/v1
1.22 admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration,ValidatingWebhookConfiguration admissionregistration.k8s.io/v1
1.22 apiextensions.k8s.io/v1beta1 CustomResourceDefinition apiextensions.k8s.io/v1
1.22 apiregistration.k8s.io/v1beta1 APIService apiregistration.k8s.io/v1
1.22 authentication.k8s.io/v1beta1 TokenReview authentication.k8s.io/v1
1.22 authorization.k8s.io/v1beta1 LocalSubjectAccessReview,SelfSubjectAccessReview,SubjectAccessReview,SelfSubjectRulesReview authorization.k8s.io/v1
1.22 certificates.k8s.io/v1beta1 CertificateSigningRequest certificates.k8s.io/v1
1.22 coordination.k8s.io/v1beta1 Lease coordination.k8s.io/v1
1.22 extensions/v1beta1 Ingress networking.k8s.io/v1
1.22 networking.k8s.io/v1beta1 Ingress,IngressClass networking.k8s.io/v1
1.22 rbac.authorization.k8s.io/v1beta1 ClusterRole,ClusterRoleBinding,Role,RoleBinding rbac.authorization.k8s.io/v1
1.22 rbac.authorization.k8s.io/v1alpha1 ClusterRole,ClusterRoleBinding,Role,RoleBinding rbac.authorization.k8s.io/v1
1.22 scheduling.k8s.io/v1beta1 PriorityClass scheduling.k8s.io/v1
1.22 scheduling.k8s.io/v1alpha1 PriorityClass scheduling.k8s.io/v1
1.22 storage.k8s.io/v1beta1 CSIDriver,CSINode,StorageClass,VolumeAttachment storage.k8s.io/v1
1.25 batch/v1beta1 CronJob batch/v1
1.25 discovery.k8s.io/v1beta1 EndpointSlice discovery.k8s.io/v1
1.25 events.k8s.io/v1beta1 Event events.k8s.io/v1
1.25 autoscaling/v2beta1 HorizontalPodAutoscaler autoscaling/v2
1.25 policy/v1beta1 PodDisruptionBudget policy/v1
1.25 policy/v1beta1 PodSecurityPolicy -
1.25 node.k8s.io/v1beta1 RuntimeClass node.k8s.io/v1
1.26 autoscaling/v2beta2 HorizontalPodAutoscaler autoscaling/v2
1.26 flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema,PriorityLevelConfiguration flowcontrol.apiserver.k8s.io/v1
1.27 storage.k8s.io/v1beta1 CSIStorageCapacity storage.k8s.io/v1
1.29 flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema,PriorityLevelConfiguration flowcontrol.apiserver.k8s.io/v1
`), "\n") {
		fields := strings.Fields(line)
		replacement := fields[3]
		if replacement == "-" {
			replacement = ""
		}
		for kind := range strings.SplitSeq(fields[2], ",") {
			removed[fields[1]+" "+kind] = [2]string{fields[0], replacement}
		}
	}
	return removed
}()

// Removed tells which minor stopped to serve a version of a kind, and the API
// version to use instead, empty where there is none. Versions that the newest
// known minor serves were not removed.
func Removed(group, version, kind string) (minor, replacement string, ok bool) {
	apiVersion := version
	if group != "" {
		apiVersion = group + "/" + version
	}
	if r, ok := removedBefore[apiVersion+" "+kind]; ok {
		return r[0], r[1], true
	}
	minors, all := Served(group, version, kind), Minors()
	if len(minors) == 0 || minors[len(minors)-1] == all[len(all)-1] {
		return "", "", false
	}
	for i, m := range all {
		if m == minors[len(minors)-1] {
			minor = all[i+1]
		}
	}
	if later := Versions(group, kind, all[len(all)-1]); len(later) > 0 {
		replacement = strings.TrimPrefix(group+"/"+later[0], "/")
	}
	return minor, replacement, true
}
