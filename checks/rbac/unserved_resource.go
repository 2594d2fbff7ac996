package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var unservedResource = &checks.Check{
	ID:       "rbac/unserved-resource",
	Severity: checks.Error,
	Doc: `rule names a resource or API group that does not exist

The API server does not look at what rules name, so "notebook" for notebooks,
"Deployment" for deployments, "pods/logs" for pods/log, deployments in the group
"" and a group "apps/v1" are all accepted and grant nothing: the right that was
meant is missing, and requests are "forbidden". What exists is known: Kubernetes
1.29 to 1.37 and the CRDs of the render.

It is an error where the right word is plain and the same role does not grant
that, too. Roles that serve several platforms name a lot that a cluster does not
have (extensions, OpenShift's routes, CRDs of optional components): a group that
nothing in the render serves is left alone, as are resources that exist only for
authorization, such as signers or the runs of pipelines.kubeflow.org. Another
name in a group that is known is an information.`,
	Fix:   "Write the resource as the plural in lower case, and the group without its version.",
	Refs:  []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources", "kubeflow/manifests#2894"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		served := kubeflow.ServedBy(pass.Render.Inventory())
		for _, role := range declaredRoles(policy) {
			for _, rule := range role.Declared() {
				if len(rule.NonResourceURLs) > 0 || slices.Contains(rule.APIGroups, "*") {
					continue
				}
				if !checkGroups(pass, served, role, &rule) {
					continue // the resources say nothing in a group that is wrong
				}
				checkResources(pass, served, role, &rule)
			}
		}
	},
}

// checkGroups looks for groups that no API can have. It answers whether the
// resources are worth looking at.
func checkGroups(pass *checks.Pass, served *kubeflow.Served, role *access.Role, rule *access.Rule) bool {
	good := true
	for i, group := range rule.APIGroups {
		place := rule.Place("apiGroups", i)
		meant := ""
		switch {
		case group == "core" || group == "v1" || group == "core/v1":
			meant = `"" (the core group)`
		case strings.Contains(group, "/"):
			before, _, _ := strings.Cut(group, "/")
			meant = before + ", without the version"
		case !served.GroupKnown(group) && !served.Word(group, "*") && !strings.HasSuffix(group, ".x-k8s.io"): // .x-k8s.io is for CRDs
			if like := groupMeant(served, group, rule.Resources); like != "" {
				meant = like
			}
		}
		if meant == "" {
			continue
		}
		good = false
		target, _, _ := strings.Cut(meant, ",")
		if strings.HasPrefix(meant, `"`) {
			target = ""
		}
		severity := checks.Error
		if !slices.ContainsFunc(rule.Resources, func(r string) bool { return !grantedElsewhere(role, rule, target, r) }) {
			severity = checks.Info
		}
		pass.Reportf(place, "%s grants %s in the API group %q, which does not exist; did you mean %s?", role, list(rule.Resources), group, meant).As(severity)
	}
	return good
}

// groupMeant finds the known group that a group nobody serves was meant to be:
// it looks like it and has all the resources that the rule names.
func groupMeant(served *kubeflow.Served, group string, resources []string) string {
	if len(resources) == 0 || slices.Contains(resources, "*") {
		return ""
	}
	var candidates []string
	for _, r := range served.Named(strings.Split(resources[0], "/")[0]) {
		first, _, _ := strings.Cut(r.Group, ".")
		if r.Group == "" || !(slips(group, r.Group, 2) <= 2 && len(group) > 4 || group == first && strings.Contains(r.Group, ".")) {
			continue
		}
		if !slices.ContainsFunc(resources, func(name string) bool {
			base, _, _ := strings.Cut(name, "/")
			return served.Resource(r.Group, base) == nil
		}) {
			candidates = append(candidates, r.Group)
		}
	}
	if len(candidates) == 1 {
		return candidates[0]
	}
	return ""
}

func checkResources(pass *checks.Pass, served *kubeflow.Served, role *access.Role, rule *access.Rule) {
	for i, name := range rule.Resources {
		if strings.Contains(name, "*") || exists(served, rule.APIGroups, name) {
			continue
		}
		place := rule.Place("resources", i)
		group, meant, plain := resourceMeant(served, rule.APIGroups, name)
		full := access.ResourceName(group, meant)
		switch {
		case meant == "" && strings.Contains(name, "/") && hasBase(served, rule.APIGroups, name):
			pass.Reportf(place, "%s names %s, a subresource that does not exist", role, inGroups(name, rule.APIGroups)).As(checks.Info)
		case meant == "" && onlyBuiltin(served, rule.APIGroups):
			pass.Reportf(place, "%s names %s, which Kubernetes does not have", role, inGroups(name, rule.APIGroups)).As(checks.Warning)
		case meant == "":
			pass.Reportf(place, "%s names %s, which no CRD of the render defines", role, inGroups(name, rule.APIGroups)).As(checks.Info)
		case grantedElsewhere(role, rule, group, meant):
			pass.Reportf(place, "%s names %s, which does not exist; %s is granted as well", role, inGroups(name, rule.APIGroups), full).As(checks.Info)
		case plain:
			pass.Reportf(place, "%s names %s, which does not exist; did you mean %s?", role, inGroups(name, rule.APIGroups), full)
		default:
			pass.Reportf(place, "%s names %s, which does not exist; did you mean %s?", role, inGroups(name, rule.APIGroups), full).As(checks.Warning)
		}
	}
}

// exists reports whether one of the groups has the resource, or may have.
func exists(served *kubeflow.Served, groups []string, name string) bool {
	base, sub, _ := strings.Cut(name, "/")
	for _, group := range groups {
		if !served.GroupKnown(group) || served.Word(group, name) || served.Resource(group, name) != nil {
			return true
		}
		if served.Resource(group, base) == nil {
			continue
		}
		// Admission asks for */finalizers of every owner, and a CRD without the
		// subresource may have it in another version.
		if sub == "finalizers" || served.Resource(group, base).CRD != nil && (sub == "status" || sub == "scale") {
			return true
		}
	}
	return false
}

// resourceMeant finds what a name that does not exist was meant to be. plain
// says that there is hardly a doubt.
func resourceMeant(served *kubeflow.Served, groups []string, name string) (group, meant string, plain bool) {
	base, sub, hasSub := strings.Cut(name, "/")
	suffix := ""
	if hasSub {
		suffix = "/" + sub
	}
	for _, group := range groups {
		for _, r := range served.Group(group) {
			if strings.Contains(r.Name, "/") {
				continue
			}
			if strings.EqualFold(r.Kind, base) || r.Singular == strings.ToLower(base) || slices.Contains(r.ShortNames, base) || strings.EqualFold(r.Name, base) && r.Name != base {
				return group, r.Name + suffix, true
			}
		}
	}
	for _, group := range groups { // pods/logs
		if !hasSub || served.Resource(group, base) == nil {
			continue
		}
		var subs []string
		for _, r := range served.Group(group) {
			if b, s, ok := strings.Cut(r.Name, "/"); ok && b == base {
				subs = append(subs, s)
			}
		}
		if like := lookalike(sub, subs); like != "" {
			return group, base + "/" + like, true
		}
		return "", "", false
	}
	for _, group := range groups {
		var names []string
		for _, r := range served.Group(group) {
			if !strings.Contains(r.Name, "/") {
				names = append(names, r.Name)
			}
		}
		if like := lookalike(base, names); like != "" && resemblance(base, like) <= 2 {
			return group, like + suffix, resemblance(base, like) <= 1
		}
	}
	others := served.Named(name)
	if others = slices.DeleteFunc(others, func(r *kubeflow.Resource) bool { return r.Group == "events.k8s.io" }); len(others) > 0 {
		// The same name in several groups leaves a doubt which one was meant.
		return others[0].Group, name, len(others) == 1
	}
	return "", "", false
}

// hasBase reports whether a group has the resource whose subresource is named.
func hasBase(served *kubeflow.Served, groups []string, name string) bool {
	base, _, _ := strings.Cut(name, "/")
	return slices.ContainsFunc(groups, func(group string) bool { return served.Resource(group, base) != nil })
}

func onlyBuiltin(served *kubeflow.Served, groups []string) bool {
	return !slices.ContainsFunc(groups, func(group string) bool {
		return slices.ContainsFunc(served.Group(group), func(r *kubeflow.Resource) bool { return r.CRD != nil })
	})
}

func inGroups(name string, groups []string) string {
	if len(groups) == 1 && groups[0] != "" {
		return access.ResourceName(groups[0], name)
	}
	var quoted []string
	for _, g := range groups {
		quoted = append(quoted, fmt.Sprintf("%q", g))
	}
	return fmt.Sprintf("%s in the API group %s", name, list(quoted))
}
