package rbac

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var unaggregatedRole = &checks.Check{
	ID:       "rbac/unaggregated-role",
	Severity: checks.Warning,
	Doc: `role is meant to be aggregated and no role collects it

A label such as rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit hands
the rules of a ClusterRole to another one, whose aggregationRule selects it. If
the key is misspelt, has the prefix rbac.authorization.k8s.io for
rbac.authorization.kubeflow.org, a value other than "true", or stands among the
annotations or on a namespaced Role, nobody collects the rules: an error, because
the slip is plain. A key that simply nobody selects is a warning.

aggregate-to-admin, -edit and -view are collected by roles that every cluster
has, and aggregate-to-cluster-reader by OpenShift's. Labels of the three Kubeflow
roles are left alone in a render that does not hold those roles: a chart of one
component.`,
	Fix:   "Give the ClusterRole the label, with the value \"true\", that the collecting role selects.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles", "kserve/kserve#738", "kubeflow/manifests#1877"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		wanted := map[string][]labels.Requirement{}
		for _, role := range policy.ClusterRoles() {
			for _, selector := range role.Selectors {
				requirements, _ := selector.Requirements()
				for _, r := range requirements {
					wanted[r.Key()] = append(wanted[r.Key()], r)
				}
			}
		}
		keys := sortedKeys(wanted)
		found := false
		for _, role := range declaredRoles(policy) {
			for _, name := range sortedKeys(role.Labels) {
				if !isAggregation(name) {
					continue
				}
				found = true
				place := role.Object.At("metadata", "labels", name)
				checkAggregationLabel(pass, role, place, name, role.Labels[name], wanted, keys)
			}
			for _, name := range sortedKeys(role.Object.Annotations()) {
				if isAggregation(name) && len(wanted[name]) > 0 && role.Labels[name] == "" {
					found = true
					pass.Reportf(role.Object.At("metadata", "annotations", name), "%s has the annotation %s; roles are collected by label", role, name).As(checks.Error).
						WithFix("Make it a label.")
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

// isAggregation reports whether a label says that a role is to be collected.
func isAggregation(name string) bool {
	domain, key, ok := strings.Cut(name, "/")
	return ok && strings.HasPrefix(key, "aggregate-to-") && strings.HasPrefix(domain, "rbac.")
}

func checkAggregationLabel(pass *checks.Pass, role *access.Role, place inventory.Place, name, value string, wanted map[string][]labels.Requirement, keys []string) {
	if role.Namespace != "" {
		if len(wanted[name]) > 0 {
			pass.Reportf(place, "%s has the label %s, and only ClusterRoles are collected", role, name).As(checks.Error).
				WithFix("Make it a ClusterRole.")
		}
		return
	}
	if selecting := wanted[name]; len(selecting) > 0 {
		matches := func(r labels.Requirement) bool { return r.Matches(labels.Set{name: value}) }
		if !slices.ContainsFunc(selecting, matches) {
			pass.Reportf(place, "%s has the label %s with the value %q, and the role that collects it wants %s", role, name, value, selecting[0].String()).As(checks.Error)
		}
		return
	}
	domain, key, _ := strings.Cut(name, "/")
	for _, k := range keys { // the right word under another domain
		if d, w, ok := strings.Cut(k, "/"); ok && w == key && d != domain {
			pass.Reportf(place, "%s has the label %s, which no role collects; did you mean %s?", role, name, k).As(checks.Error)
			return
		}
	}
	var words []string
	for _, k := range keys {
		if _, w, ok := strings.Cut(k, "/"); ok && strings.HasPrefix(w, "aggregate-to-") {
			words = append(words, k)
		}
	}
	if like := lookalike(name, words); like != "" && resemblance(name, like) <= 2 {
		pass.Reportf(place, "%s has the label %s, which no role collects; did you mean %s?", role, name, like).As(checks.Error)
		return
	}
	if key == "aggregate-to-cluster-reader" || strings.HasPrefix(key, "aggregate-to-kubeflow-") && !slices.Contains(keys, "rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit") {
		return
	}
	hint := ""
	if !strings.HasPrefix(key, "aggregate-to-kubeflow-") {
		hint = fmt.Sprintf(" (%s)", value)
	}
	pass.Reportf(place, "%s has the label %s%s, which no role collects", role, name, hint)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
