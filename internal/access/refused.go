package access

import (
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	unversioned "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A Refusal is a reason for which the API server does not take a role or
// binding (k8s.io/kubernetes pkg/apis/rbac/validation).
type Refusal struct {
	Path    inventory.Path
	Message string
}

// RefusedRole says why the API server refuses a Role; nil if it does not.
func RefusedRole(r *rbacv1.Role) []Refusal { return refusedRules(r.Rules, true) }

// RefusedClusterRole says why the API server refuses a ClusterRole; nil if it
// does not.
func RefusedClusterRole(r *rbacv1.ClusterRole) []Refusal {
	refusals := refusedRules(r.Rules, false)
	if r.AggregationRule == nil {
		return refusals
	}
	at := inventory.Path{"aggregationRule", "clusterRoleSelectors"}
	if len(r.AggregationRule.ClusterRoleSelectors) == 0 {
		return append(refusals, Refusal{at, "an aggregationRule needs at least one clusterRoleSelector"})
	}
	for i := range r.AggregationRule.ClusterRoleSelectors {
		selector := &r.AggregationRule.ClusterRoleSelectors[i]
		errs := unversioned.ValidateLabelSelector(selector, unversioned.LabelSelectorValidationOptions{}, field.NewPath(""))
		if _, err := metav1.LabelSelectorAsSelector(selector); len(errs) == 0 && err != nil {
			refusals = append(refusals, Refusal{at.Join(i), err.Error()})
		}
		for _, err := range errs {
			refusals = append(refusals, Refusal{at.Join(i), err.ErrorBody()})
		}
	}
	return refusals
}

func refusedRules(rules []rbacv1.PolicyRule, namespaced bool) []Refusal {
	var refusals []Refusal
	for i, rule := range rules {
		refuse := func(name, message string) {
			refusals = append(refusals, Refusal{inventory.Path{"rules", i, name}, message})
		}
		if len(rule.Verbs) == 0 {
			refuse("verbs", "a rule must have at least one verb")
		}
		if len(rule.NonResourceURLs) > 0 {
			if namespaced {
				refuse("nonResourceURLs", "a Role cannot grant paths, only a ClusterRole can")
			}
			if len(rule.APIGroups) > 0 || len(rule.Resources) > 0 || len(rule.ResourceNames) > 0 {
				refuse("nonResourceURLs", "a rule cannot grant both resources and paths")
			}
			continue
		}
		if len(rule.APIGroups) == 0 {
			refuse("apiGroups", `a rule for resources must name an API group ("" is the core group)`)
		}
		if len(rule.Resources) == 0 {
			refuse("resources", "a rule must name at least one resource")
		}
	}
	return refusals
}

// RefusedRoleBinding says why the API server refuses a RoleBinding; nil if it
// does not.
func RefusedRoleBinding(b *rbacv1.RoleBinding) []Refusal {
	return append(refusedRoleRef(b.RoleRef, true), refusedSubjects(b.Subjects, true)...)
}

// RefusedClusterRoleBinding says why the API server refuses a
// ClusterRoleBinding; nil if it does not.
func RefusedClusterRoleBinding(b *rbacv1.ClusterRoleBinding) []Refusal {
	return append(refusedRoleRef(b.RoleRef, false), refusedSubjects(b.Subjects, false)...)
}

func refusedRoleRef(ref rbacv1.RoleRef, namespaced bool) []Refusal {
	var refusals []Refusal
	refuse := func(name, format string, args ...any) {
		refusals = append(refusals, Refusal{inventory.Path{"roleRef", name}, fmt.Sprintf(format, args...)})
	}
	if ref.APIGroup != "" && ref.APIGroup != rbacv1.GroupName { // empty is defaulted
		refuse("apiGroup", "roleRef.apiGroup is %q, it must be %s", ref.APIGroup, rbacv1.GroupName)
	}
	switch {
	case ref.Kind == "ClusterRole" || ref.Kind == "Role" && namespaced:
	case ref.Kind == "Role":
		refuse("kind", "a ClusterRoleBinding cannot bind Role %s, only a ClusterRole", ref.Name)
	default:
		refuse("kind", "roleRef.kind is %q, it must be %s", ref.Kind, map[bool]string{true: "Role or ClusterRole", false: "ClusterRole"}[namespaced])
	}
	if ref.Name == "" {
		refuse("name", "roleRef names no role")
	} else if problems := path.IsValidPathSegmentName(ref.Name); len(problems) > 0 {
		refuse("name", "roleRef.name %q %s", ref.Name, strings.Join(problems, ", "))
	}
	return refusals
}

func refusedSubjects(subjects []rbacv1.Subject, namespaced bool) []Refusal {
	var refusals []Refusal
	for i, s := range subjects {
		refuse := func(name, format string, args ...any) {
			refusals = append(refusals, Refusal{inventory.Path{"subjects", i, name}, fmt.Sprintf(format, args...)})
		}
		if s.Name == "" {
			refuse("name", "the subject has no name")
		}
		switch s.Kind {
		case rbacv1.ServiceAccountKind:
			if problems := validation.IsDNS1123Subdomain(s.Name); s.Name != "" && len(problems) > 0 {
				refuse("name", "%q cannot name a ServiceAccount: %s", s.Name, strings.Join(problems, ", "))
			}
			if s.APIGroup != "" {
				refuse("apiGroup", "the apiGroup of ServiceAccount %s is %q, it must be empty", s.Name, s.APIGroup)
			}
			if s.Namespace == "" && !namespaced {
				refuse("namespace", "a ClusterRoleBinding must give the namespace of ServiceAccount %s", s.Name)
			}
		case rbacv1.UserKind, rbacv1.GroupKind:
			if s.APIGroup != "" && s.APIGroup != rbacv1.GroupName { // empty is defaulted
				refuse("apiGroup", "the apiGroup of %s %s is %q, it must be %s", s.Kind, s.Name, s.APIGroup, rbacv1.GroupName)
			}
		default:
			refuse("kind", "the kind of subject %s is %q, it must be ServiceAccount, User or Group", s.Name, s.Kind)
		}
	}
	return refusals
}
