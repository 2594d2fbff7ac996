package rbac

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/access"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var missingPermission = &checks.Check{
	ID:       "rbac/missing-permission",
	Severity: checks.Error,
	Doc: `controller lacks a right that it cannot work without

The program's log says "is forbidden: User "system:serviceaccount:…" cannot …"
and the part of the platform that it keeps stands still. What each controller of
Kubeflow, Istio, Knative, KServe, cert-manager and Argo asks of the API server is
known, by version of its image; it is held against what the ServiceAccount that
the pod really runs as is granted, by all roles and bindings together, as the API
server decides. So a rule that lost a verb is found, and a binding that went to
another namespace, a pod that runs as another account, and a ClusterRole that is
bound by a RoleBinding where every namespace is needed. The account that pipeline
steps run as is looked at too: Argo's executor writes WorkflowTaskResults (or,
before 3.6, patches its pod), and the profile controller, which binds
kubeflow-edit for others, must hold all its rights.

Left out are rights whose lack does no more than spoil a log, such as writing
events; resources of CRDs that the render does not have; and images that are not
known. A component that was told to look after its own namespace only needs no
more than that. pipeline-runner in a multi-user installation runs nothing.`,
	Fix: "Grant the right in a role that is bound to the account.",
	Refs: []string{
		"kubeflow/pipelines#9110", "deployKF/deployKF#248", "deployKF/deployKF#186", "kserve/kserve#5022", "opendatahub-io/manifests#108",
		"https://argo-workflows.readthedocs.io/en/latest/workflow-rbac/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		policy := policyOf(pass)
		served := kubeflow.ServedBy(pass.Render.Inventory())
		found := false
		for pod := range kubeflow.Pods(pass.Render) {
			if !rendered(pod.Owner) {
				continue
			}
			for _, c := range pod.Containers() {
				controller, tag, ok := kubeflow.ControllerOf(c)
				if !ok {
					continue
				}
				found = true
				checkNeeds(pass, policy, served, pod, c, controller, tag)
			}
		}
		if !found {
			pass.NotApplicable()
			return
		}
		checkRunners(pass, policy)
	},
}

// activeNeeds are the needs of a program as it is configured.
func activeNeeds(pass *checks.Pass, controller *kubeflow.Controller, tag string, pod *kubeflow.Pod, c *corev1.Container) []*kubeflow.Need {
	var needs []*kubeflow.Need
	for i := range controller.Needs {
		need := &controller.Needs[i]
		if need.Matches(tag) && (need.When == nil || need.When(pass.Render, pod, c)) {
			needs = append(needs, need)
		}
	}
	return needs
}

// hasArgument reports whether a container is given a flag.
func hasArgument(c *corev1.Container, flag string) bool {
	return slices.ContainsFunc(slices.Concat(c.Command, c.Args), func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return strings.TrimLeft(name, "-") == flag && strings.HasPrefix(arg, "-")
	})
}

func checkNeeds(pass *checks.Pass, policy *access.Policy, served *kubeflow.Served, pod *kubeflow.Pod, c *corev1.Container, controller *kubeflow.Controller, tag string) {
	account := pod.ServiceAccount()
	if stateOf(pass, pod.Namespace, account) != present {
		return // its own finding
	}
	subject := access.ServiceAccount(pod.Namespace, account)
	who := fmt.Sprintf("%s (%s) runs as ServiceAccount %s/%s", pod.Owner.Key, controller.Name, pod.Namespace, account)
	alone := controller.Alone != nil && controller.Alone(pass.Render, pod, c)
	var gaps gapList
	for _, need := range activeNeeds(pass, controller, tag, pod, c) {
		namespace, name, ok := need.Where(pass.Render, pod, c, alone)
		if !ok {
			continue
		}
		for resource := range strings.FieldsSeq(need.Resources) {
			if !isServed(served, need.Group, resource) {
				continue
			}
			missing := lacking(policy, subject, need.Group, resource, namespace, name, strings.Fields(need.Verbs))
			if len(missing) == 0 {
				continue
			}
			place, why := whereToGrant(policy, subject, need.Group, resource, namespace, missing)
			if place.IsZero() {
				place = pod.At("spec", "serviceAccountName")
			}
			gaps.add(place, need, access.ResourceName(need.Group, resource), missing, namespace, why)
		}
	}
	if len(gaps) > 0 && bindingAtFault(pass, policy, pod.Namespace, account) {
		return // said where the binding goes wrong
	}
	undecided, other := false, ""
	if len(gaps) > 0 {
		// Who makes the account elsewhere may bind it there, too.
		elsewhere := pass.Render.Get(serviceAccounts.GroupKind(), pod.Namespace, account) == nil
		undecided = elsewhere || !decidable(pass, policy, subject)
		other = betterAccount(pass, policy, served, pod, c, controller, tag, alone)
	}
	if other != "" && !undecided {
		var missing int
		for _, g := range gaps {
			missing += len(g.verbs) * len(g.resources)
		}
		pass.Reportf(pod.At("spec", "serviceAccountName"), "%s, which lacks %d rights that it needs (%s %s first: %s); ServiceAccount %s/%s has them",
			who, missing, list(gaps[0].verbs), list(gaps[0].resources), gaps[0].need.Breaks, pod.Namespace, other).
			WithFix("Set serviceAccountName to %s.", other)
		return
	}
	for _, g := range gaps {
		where := " in every namespace"
		if g.namespace != "" {
			where = " in namespace " + g.namespace
		}
		if g.need.Reach == kubeflow.Cluster && clusterScoped(served, g.need) {
			where = ""
		}
		message := fmt.Sprintf("%s, which may not %s %s%s%s: %s", who, list(g.verbs), list(g.resources), where, g.why, g.need.Breaks)
		if undecided {
			pass.Undecidedf(g.place, "%s, unless the cluster has a binding for it that is not in the render", message)
			return
		}
		pass.Reportf(g.place, "%s", message).See(pod.At("spec", "serviceAccountName"), "%s runs as %s", pod.Owner.Key, account)
	}
	for _, name := range controller.Binds {
		checkBinds(pass, policy, pod, subject, who, name)
	}
}

// betterAccount finds the account that a pod was meant to run as: the one that
// no pod runs as and that may do all that the program needs.
func betterAccount(pass *checks.Pass, policy *access.Policy, served *kubeflow.Served, pod *kubeflow.Pod, c *corev1.Container, controller *kubeflow.Controller, tag string, alone bool) string {
	taken := map[string]bool{}
	for other := range kubeflow.Pods(pass.Render) {
		if other.Namespace == pod.Namespace {
			taken[other.ServiceAccount()] = true
		}
	}
	var found []string
candidates:
	for _, name := range accountNames(pass, pod.Namespace) {
		if taken[name] {
			continue
		}
		subject := access.ServiceAccount(pod.Namespace, name)
		for _, need := range activeNeeds(pass, controller, tag, pod, c) {
			namespace, object, ok := need.Where(pass.Render, pod, c, alone)
			for resource := range strings.FieldsSeq(need.Resources) {
				if ok && isServed(served, need.Group, resource) && len(lacking(policy, subject, need.Group, resource, namespace, object, strings.Fields(need.Verbs))) > 0 {
					continue candidates
				}
			}
		}
		found = append(found, name)
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// isServed reports whether a need is about something that there is.
func isServed(served *kubeflow.Served, group, resource string) bool {
	return served.Resource(group, resource) != nil || served.Word(group, resource) || group == "dex.coreos.com" // Dex makes its CRDs itself
}

// clusterScoped reports whether all resources of a need are.
func clusterScoped(served *kubeflow.Served, need *kubeflow.Need) bool {
	for resource := range strings.FieldsSeq(need.Resources) {
		if r := served.Resource(need.Group, resource); r == nil || r.Namespaced {
			return false
		}
	}
	return true
}

// decidable reports whether the render is where the account gets its rights: it
// holds roles, and no binding of the account leads out of it.
func decidable(pass *checks.Pass, policy *access.Policy, subject access.Subject) bool {
	namespace, name, _ := access.AccountOf(subject.Name)
	rolesRendered := false
	for range pass.Render.Of(access.ClusterRoles.GroupKind(), access.Roles.GroupKind()) {
		rolesRendered = true
		break
	}
	for _, b := range policy.Bindings() {
		if b.Object != nil && b.Role == nil && external(b.RoleRef.Name) && names(b, namespace, name) {
			return false
		}
	}
	return rolesRendered
}

// bindingAtFault reports whether a binding of the render that is meant for an
// account is itself wrong, in a way that another check of the family reports
// as an error: its role does not exist, the API server refuses it, or its
// subject is nobody and looks like this account.
func bindingAtFault(pass *checks.Pass, policy *access.Policy, namespace, account string) bool {
	for _, b := range policy.Bindings() {
		if !rendered(b.Object) {
			continue
		}
		if b.Role == nil && !external(b.RoleRef.Name) && names(b, namespace, account) {
			return true
		}
		for _, s := range b.Subjects {
			in := s.Namespace
			if in == "" {
				in = b.Namespace
			}
			if s.Kind != "ServiceAccount" || stateOf(pass, in, s.Name) == present {
				continue
			}
			if in == namespace && lookalike(s.Name, accountNames(pass, namespace)) == account ||
				s.Name == account && !slices.Contains(sameInEveryNamespace, account) && slices.Contains(namespacesOf(pass, account), namespace) {
				return true
			}
		}
	}
	for b := range access.RoleBindings.In(pass.Render) {
		if len(access.RefusedRoleBinding(b.Value)) > 0 && names(&access.Binding{Namespace: b.Key.Namespace, Subjects: b.Value.Subjects}, namespace, account) {
			return true
		}
	}
	for b := range access.ClusterRoleBindings.In(pass.Render) {
		if len(access.RefusedClusterRoleBinding(b.Value)) == 0 {
			continue
		}
		for _, s := range b.Value.Subjects {
			if s.Name == account && (s.Namespace == namespace || s.Namespace == "") {
				return true
			}
		}
	}
	return false
}

// names reports whether a binding has an account among its subjects.
func names(b *access.Binding, namespace, name string) bool {
	for _, s := range b.Subjects {
		switch s.Kind {
		case "ServiceAccount":
			in := s.Namespace
			if in == "" {
				in = b.Namespace
			}
			if in == namespace && s.Name == name {
				return true
			}
		case "User":
			if s.Name == access.ServiceAccount(namespace, name).Name {
				return true
			}
		case "Group":
			if slices.Contains(access.ServiceAccount(namespace, name).Groups, s.Name) {
				return true
			}
		}
	}
	return false
}

// lacking are the verbs that a subject may not use on a resource, or on one
// object of it where a name is given.
func lacking(policy *access.Policy, subject access.Subject, group, resource, namespace, name string, verbs []string) []string {
	base, sub, _ := strings.Cut(resource, "/")
	var missing []string
	for _, verb := range verbs {
		asked := access.Attributes{Verb: verb, Group: group, Resource: base, Subresource: sub, Namespace: namespace, Name: name}
		if verb == "create" {
			asked.Name = "" // not known yet
		}
		if _, ok := policy.Allowed(subject, asked); !ok {
			missing = append(missing, verb)
		}
	}
	return missing
}

// whereToGrant finds the place where a right is most likely missing: a rule for
// the resource that lacks the verb, a rule for the group that lacks the
// resource, a binding that gives it elsewhere, the role. It is zero where no
// rendered binding is for the subject.
func whereToGrant(policy *access.Policy, subject access.Subject, group, resource, namespace string, verbs []string) (place inventory.Place, why string) {
	namespaceOf, name, _ := access.AccountOf(subject.Name)
	var bindings, elsewhere []*access.Binding
	for _, b := range policy.Bindings() {
		if b.Object == nil || b.Role == nil || !names(b, namespaceOf, name) {
			continue
		}
		if b.Namespace == "" || b.Namespace == namespace {
			bindings = append(bindings, b)
		} else {
			elsewhere = append(elsewhere, b)
		}
	}
	base, sub, _ := strings.Cut(resource, "/")
	if place := inRules(bindings, group, base, sub); !place.IsZero() {
		return place, ""
	}
	for _, b := range elsewhere {
		if b.Role.Allows(access.Attributes{Verb: verbs[0], Group: group, Resource: base, Subresource: sub}) {
			at := b.Object.At("kind")
			if namespace != "" {
				at = b.Object.At("metadata", "namespace")
			}
			return at, fmt.Sprintf(", only in namespace %s by %s", b.Namespace, b)
		}
	}
	for _, b := range slices.Concat(bindings, elsewhere) {
		if b.Role.Object == nil {
			continue
		}
		if b.Role.Selectors != nil {
			return b.Role.Object.At("aggregationRule"), ""
		}
		return b.Role.Object.At("rules"), ""
	}
	for _, b := range slices.Concat(bindings, elsewhere) {
		return b.Object.At("roleRef", "name"), ""
	}
	return inventory.Place{}, ""
}

// inRules finds the rule that should grant a resource.
func inRules(bindings []*access.Binding, group, resource, sub string) inventory.Place {
	combined := resource
	if sub != "" {
		combined += "/" + sub
	}
	var byGroup, byName inventory.Place
	for _, b := range bindings {
		for i := range b.Role.Rules {
			rule := &b.Role.Rules[i]
			if rule.In == nil || rule.In.Object == nil {
				continue
			}
			hasGroup := slices.Contains(rule.APIGroups, group) || slices.Contains(rule.APIGroups, "*")
			hasResource := slices.ContainsFunc(rule.Resources, func(r string) bool { return access.ResourceMatches(r, resource, sub) })
			switch {
			case hasGroup && hasResource && len(rule.ResourceNames) > 0:
				return rule.Place("resourceNames")
			case hasGroup && hasResource:
				return rule.Place("verbs")
			case hasResource && byName.IsZero() && slices.Contains(rule.Resources, combined):
				byName = rule.Place("apiGroups") // the right name in the wrong group
			case hasGroup && byGroup.IsZero():
				byGroup = rule.Place("resources")
			}
			if hasGroup && lookalike(combined, rule.Resources) != "" {
				byGroup = rule.Place("resources")
			}
		}
	}
	if !byGroup.IsZero() {
		return byGroup
	}
	return byName
}

// A gap is what is missing at one place for one need.
type gap struct {
	place     inventory.Place
	need      *kubeflow.Need
	resources []string
	verbs     []string
	namespace string
	why       string
}

type gapList []*gap

// add joins resources of a need that lack the same verbs at the same place.
func (l *gapList) add(place inventory.Place, need *kubeflow.Need, resource string, verbs []string, namespace, why string) {
	for _, g := range *l {
		if g.need == need && slices.Equal(g.verbs, verbs) && g.place.Object == place.Object && g.place.Field() == place.Field() {
			g.resources = append(g.resources, resource)
			return
		}
	}
	*l = append(*l, &gap{place, need, []string{resource}, verbs, namespace, why})
}

// checkBinds asks whether a subject may bind a ClusterRole for others: the API
// server takes that as granting rights, which needs all of them or the verb
// bind.
func checkBinds(pass *checks.Pass, policy *access.Policy, pod *kubeflow.Pod, subject access.Subject, who, name string) {
	role := policy.ClusterRole(name)
	if role == nil {
		return
	}
	if _, ok := policy.Allowed(subject, access.Attributes{Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: name}); ok {
		return
	}
	covered, missing := validation.Covers(policy.Rules(subject, ""), role.PolicyRules())
	if covered || !decidable(pass, policy, subject) {
		return
	}
	if len(lacking(policy, subject, "rbac.authorization.k8s.io", "rolebindings", "", "", []string{"create"})) > 0 {
		return // reported already
	}
	place, _ := whereToGrant(policy, subject, "rbac.authorization.k8s.io", "clusterroles", "", []string{"bind"})
	if place.IsZero() {
		place = pod.At("spec", "serviceAccountName")
	}
	f := pass.Reportf(place, "%s, which makes RoleBindings to %s and lacks %d of its rights (%s first): the API server refuses them as an escalation", who, role, len(missing), ruleText(missing[0].Verbs, missing[0].APIGroups, missing[0].Resources))
	f.WithFix("Grant the verb bind on clusterroles with the resourceName %s, or all the rights of that role.", name)
	if role.Object != nil {
		f.See(role.Object.At("metadata", "name"), "%s", role)
	}
}

// ruleText writes a rule for a message.
func ruleText(verbs, groups, resources []string) string {
	var named []string
	for i, r := range resources {
		named = append(named, access.ResourceName(groups[min(i, len(groups)-1)], r))
	}
	return strings.Join(verbs, ",") + " " + strings.Join(named, ",")
}

// checkRunners looks at the accounts that pipeline steps run as.
func checkRunners(pass *checks.Pass, policy *access.Policy) {
	argo := ""
	for pod := range kubeflow.Pods(pass.Render) {
		for _, c := range pod.Containers() {
			if controller, tag, ok := kubeflow.ControllerOf(c); ok && controller.Name == "Argo workflow controller" {
				argo = tag
			}
		}
	}
	if argo == "" {
		return
	}
	for pod := range kubeflow.Pods(pass.Render) {
		for place, c := range pod.Containers() {
			controller, pipelines, ok := kubeflow.ControllerOf(c)
			if !ok || controller.Name != "Pipelines API server" {
				continue
			}
			runner, at, known := kubeflow.EnvAt(pass.Render, pod, place, c, runnerVariable)
			if !known || runner == "" {
				runner, at = "pipeline-runner", place.At("env")
			}
			if controller.Alone(pass.Render, pod, c) {
				checkRunnerIn(pass, policy, pod.Namespace, runner, at, argo, pipelines)
				continue
			}
			namespaces := profileNamespaces(pass)
			for _, namespace := range namespaces {
				if checkRunnerIn(pass, policy, namespace, runner, at, argo, pipelines) {
					break // the others have the same roles
				}
			}
			if role := policy.ClusterRole("kubeflow-edit"); len(namespaces) == 0 && runner == "default-editor" && role != nil && role.Object != nil {
				// No profile yet: each will bind this role for the account.
				bound := []*access.Binding{{Object: role.Object, Role: role}}
				reportRunner(pass, "ServiceAccount default-editor of every profile, by "+role.String(), argo, pipelines, at, func(verb, group, resource string) bool {
					return role.Allows(access.Attributes{Verb: verb, Group: group, Resource: resource})
				}, func(group, resource string) inventory.Place {
					if place := inRules(bound, group, resource, ""); !place.IsZero() {
						return place
					}
					return role.Object.At("aggregationRule")
				})
			}
		}
	}
}

func checkRunnerIn(pass *checks.Pass, policy *access.Policy, namespace, runner string, at inventory.Place, argo, pipelines string) bool {
	if stateOf(pass, namespace, runner) != present {
		return false
	}
	subject := access.ServiceAccount(namespace, runner)
	return reportRunner(pass, fmt.Sprintf("ServiceAccount %s/%s", namespace, runner), argo, pipelines, at, func(verb, group, resource string) bool {
		_, ok := policy.Allowed(subject, access.Attributes{Verb: verb, Group: group, Resource: resource, Namespace: namespace})
		return ok
	}, func(group, resource string) inventory.Place {
		var bindings []*access.Binding
		for _, b := range policy.BindingsOf(subject, namespace) {
			if b.Object != nil {
				bindings = append(bindings, b)
			}
		}
		if place := inRules(bindings, group, resource, ""); !place.IsZero() {
			return place
		}
		for _, b := range bindings {
			if b.Role.Object != nil {
				return b.Role.Object.At("rules")
			}
		}
		return at
	})
}

// reportRunner reports a runner that can hand over no results.
func reportRunner(pass *checks.Pass, who, argo, pipelines string, at inventory.Place, allowed func(verb, group, resource string) bool, where func(group, resource string) inventory.Place) bool {
	found := false
	if reads := &kubeflow.RunnerReads; reads.Matches(pipelines) {
		for resource := range strings.FieldsSeq(reads.Resources) {
			if !allowed(reads.Verbs, reads.Group, resource) {
				found = true
				pass.Reportf(where(reads.Group, resource), "pipeline steps run as %s, which may not get %s: Pipelines %s reads its configuration and the object store's credentials there, and steps fail", who, resource, pipelines).
					See(at, "the account of pipeline steps is set here")
			}
		}
	}
	results, patch := &kubeflow.RunnerResults, &kubeflow.RunnerPatch
	mayWrite, mayPatch := results.Matches(argo), patch.Matches(argo)
	if !mayWrite && !mayPatch {
		return found // a version that cannot be told
	}
	var missing []string
	for verb := range strings.FieldsSeq(results.Verbs) {
		if !allowed(verb, results.Group, results.Resources) {
			missing = append(missing, verb)
		}
	}
	patches := allowed(patch.Verbs, patch.Group, patch.Resources)
	switch {
	case mayWrite && len(missing) == 0 || !mayWrite && patches:
		return found
	case !mayWrite:
		pass.Reportf(where(patch.Group, patch.Resources), "pipeline steps run as %s, which may not patch pods: with Argo %s every step ends in error", who, argo).
			See(at, "the account of pipeline steps is set here")
	case mayPatch && patches:
		pass.Reportf(where(results.Group, results.Resources), "pipeline steps run as %s, which may not %s workflowtaskresults.argoproj.io: Argo %s falls back to annotations of the pod, and steps with large results fail", who, list(missing), argo).
			As(checks.Warning).See(at, "the account of pipeline steps is set here")
	default:
		pass.Reportf(where(results.Group, results.Resources), "pipeline steps run as %s, which may not %s workflowtaskresults.argoproj.io: with Argo %s every step ends in error", who, list(missing), argo).
			See(at, "the account of pipeline steps is set here")
	}
	return true
}

// controllerRuns reports whether the render runs a controller.
func controllerRuns(pass *checks.Pass, name string) bool {
	for pod := range kubeflow.Pods(pass.Render) {
		for _, c := range pod.Containers() {
			if controller, _, ok := kubeflow.ControllerOf(c); ok && controller.Name == name {
				return true
			}
		}
	}
	return false
}
