// Package quota decides about resources as the API server does when a pod, a
// claim or a Service is created: what LimitRanges fill in and refuse, what a
// ResourceQuota makes mandatory, and how much of it is used.
//
// It follows, step by step and in their order,
//
//   - the defaulting of pods and LimitRanges (k8s.io/kubernetes, pkg/apis/core/v1),
//   - the admission plugin LimitRanger (plugin/pkg/admission/limitranger),
//   - the validation of pod resources (pkg/apis/core/validation),
//   - the admission plugin ResourceQuota and its evaluators
//     (k8s.io/apiserver/pkg/admission/plugin/resourcequota,
//     pkg/quota/v1/evaluator/core),
//
// as of Kubernetes 1.37. The evaluators themselves are not imported, because
// they link a client; only the arithmetic of pods is
// (k8s.io/component-helpers/resource).
//
// The package is pure: nothing that is given to it is changed.
package quota
