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
		wanted, keys := wantedLabels(policy)
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

// wantedLabels are the requirements of all selectors that collect roles, by
// key, and the keys.
func wantedLabels(policy *access.Policy) (map[string][]labels.Requirement, []string) {
	wanted := map[string][]labels.Requirement{}
	for _, role := range policy.ClusterRoles() {
		for _, selector := range role.Selectors {
			requirements, _ := selector.Requirements()
			for _, r := range requirements {
				wanted[r.Key()] = append(wanted[r.Key()], r)
			}
		}
	}
	return wanted, sortedKeys(wanted)
}

func checkAggregationLabel(pass *checks.Pass, role *access.Role, place inventory.Place, name, value string, wanted map[string][]labels.Requirement, keys []string) {
	if role.Namespace != "" {
		if len(wanted[name]) > 0 {
			pass.Reportf(place, "%s has the label %s, and only ClusterRoles are collected", role, name).As(checks.Error).
				WithFix("Make it a ClusterRole.")
		}
		return
	}
	if message, plain := wrongLabel(name, value, wanted, keys); message != "" {
		f := pass.Reportf(place, "%s has the label %s%s", role, name, message)
		if plain {
			f.As(checks.Error)
		}
	}
}

// wrongLabel says what is wrong with a label of a ClusterRole that is meant to
// be collected; plain says that it is a slip. It is empty for other labels.
func wrongLabel(name, value string, wanted map[string][]labels.Requirement, keys []string) (message string, plain bool) {
	if !isAggregation(name) {
		return "", false
	}
	if selecting := wanted[name]; len(selecting) > 0 {
		matches := func(r labels.Requirement) bool { return r.Matches(labels.Set{name: value}) }
		if slices.ContainsFunc(selecting, matches) {
			return "", false
		}
		return fmt.Sprintf(" with the value %q, and the role that collects it wants %s", value, selecting[0].String()), true
	}
	domain, key, _ := strings.Cut(name, "/")
	var words []string
	for _, k := range keys {
		d, w, ok := strings.Cut(k, "/")
		if ok && w == key && d != domain { // the right word under another domain
			return ", which no role collects; did you mean " + k + "?", true
		}
		if ok && strings.HasPrefix(w, "aggregate-to-") {
			words = append(words, k)
		}
	}
	if like := lookalike(name, words); like != "" && resemblance(name, like) <= 2 {
		return ", which no role collects; did you mean " + like + "?", true
	}
	if key == "aggregate-to-cluster-reader" || strings.HasPrefix(key, "aggregate-to-kubeflow-") && !slices.Contains(keys, "rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit") {
		return "", false
	}
	return ", which no role collects", false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
