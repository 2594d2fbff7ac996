package access

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// The kinds that a policy is made of.
var (
	Roles               = inventory.Kind[rbacv1.Role]{Group: rbacv1.GroupName, Name: "Role"}
	ClusterRoles        = inventory.Kind[rbacv1.ClusterRole]{Group: rbacv1.GroupName, Name: "ClusterRole"}
	RoleBindings        = inventory.Kind[rbacv1.RoleBinding]{Group: rbacv1.GroupName, Name: "RoleBinding"}
	ClusterRoleBindings = inventory.Kind[rbacv1.ClusterRoleBinding]{Group: rbacv1.GroupName, Name: "ClusterRoleBinding"}
)

// Of adds up the roles and bindings of a view, those that controllers make
// included, and the ones that every cluster of a Kubernetes version has. An
// empty or unknown version is taken as the nearest known one. What the API
// server refuses is left out.
func Of(view *inventory.View, kubernetes string) *Policy {
	p := bootstrap(kubernetes)
	for o := range ClusterRoles.Live(view) {
		p.addClusterRole(o.Object, o.Value)
	}
	for o := range Roles.Live(view) {
		if len(RefusedRole(o.Value)) == 0 {
			p.roles[[2]string{o.Key.Namespace, o.Key.Name}] = newRole(o.Object, o.Key.Namespace, o.Value.ObjectMeta, o.Value.Rules)
		}
	}
	for o := range ClusterRoleBindings.Live(view) {
		if len(RefusedClusterRoleBinding(o.Value)) == 0 {
			p.addBinding(&Binding{Object: o.Object, Name: o.Key.Name, RoleRef: o.Value.RoleRef, Subjects: o.Value.Subjects})
		}
	}
	for o := range RoleBindings.Live(view) {
		if len(RefusedRoleBinding(o.Value)) == 0 {
			p.addBinding(&Binding{Object: o.Object, Namespace: o.Key.Namespace, Name: o.Key.Name, RoleRef: o.Value.RoleRef, Subjects: o.Value.Subjects})
		}
	}
	p.settle()
	return p
}

func newPolicy() *Policy {
	return &Policy{clusterRoles: map[string]*Role{}, roles: map[[2]string]*Role{}}
}

func newRole(o *inventory.Object, namespace string, meta metav1.ObjectMeta, rules []rbacv1.PolicyRule) *Role {
	r := &Role{Object: o, Namespace: namespace, Name: meta.Name, Labels: meta.Labels}
	r.declared = make([]Rule, len(rules))
	for i := range rules {
		r.declared[i] = Rule{PolicyRule: rules[i], In: r, Index: i}
	}
	r.Rules = r.declared
	return r
}

func (p *Policy) addClusterRole(o *inventory.Object, value *rbacv1.ClusterRole) {
	if len(RefusedClusterRole(value)) > 0 {
		return
	}
	r := newRole(o, "", value.ObjectMeta, value.Rules)
	if value.AggregationRule != nil {
		for i := range value.AggregationRule.ClusterRoleSelectors {
			// The API server has refused what does not convert.
			if selector, err := metav1.LabelSelectorAsSelector(&value.AggregationRule.ClusterRoleSelectors[i]); err == nil {
				r.Selectors = append(r.Selectors, selector)
			}
		}
	}
	if built, ok := p.clusterRoles[r.Name]; ok && o != nil {
		// Applied over a role that the cluster has: what the manifest does not
		// say stays.
		r.Labels = labels.Merge(built.Labels, r.Labels)
		if r.Selectors == nil {
			r.Selectors = built.Selectors
		}
	}
	p.clusterRoles[r.Name] = r
}

// addBinding adds a binding, in the place of one of the same name.
func (p *Policy) addBinding(b *Binding) {
	i := slices.IndexFunc(p.bindings, func(other *Binding) bool {
		return other.Object == nil && other.Namespace == b.Namespace && other.Name == b.Name
	})
	if i < 0 {
		p.bindings = append(p.bindings, b)
		return
	}
	if p.bindings[i].RoleRef.Kind == b.RoleRef.Kind && p.bindings[i].RoleRef.Name == b.RoleRef.Name {
		p.bindings[i] = b
	} // else the API server refuses to change the roleRef
}

// settle aggregates, resolves and indexes.
func (p *Policy) settle() {
	p.aggregate()
	slices.SortStableFunc(p.bindings, func(a, b *Binding) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	p.byCluster = map[subjectKey][]*Binding{}
	p.byNamespace = map[string]map[subjectKey][]*Binding{}
	for _, b := range p.bindings {
		switch b.RoleRef.Kind {
		case "ClusterRole":
			b.Role = p.clusterRoles[b.RoleRef.Name]
		case "Role":
			if b.Namespace != "" {
				b.Role = p.roles[[2]string{b.Namespace, b.RoleRef.Name}]
			}
		}
		index := p.byCluster
		if b.Namespace != "" {
			if index = p.byNamespace[b.Namespace]; index == nil {
				index = map[subjectKey][]*Binding{}
				p.byNamespace[b.Namespace] = index
			}
		}
		for _, s := range b.Subjects {
			if key, ok := b.key(s); ok && !slices.Contains(index[key], b) {
				index[key] = append(index[key], b)
			}
		}
	}
}

// aggregate gives the aggregated roles the rules of the roles that they select,
// as the controller does: role by role, over and over until nothing changes,
// for a role may select an aggregated one. What the manifest of an aggregated
// role itself says is overwritten.
func (p *Policy) aggregate() {
	all := sortedRoles(p.clusterRoles)
	var aggregated []*Role
	for _, r := range all {
		if len(r.Selectors) == 0 {
			continue
		}
		aggregated = append(aggregated, r)
		seen := map[string]bool{r.Name: true} // a role does not select itself
		for _, selector := range r.Selectors {
			for _, other := range all {
				if !seen[other.Name] && selector.Matches(other.Labels) {
					seen[other.Name] = true
					r.Selected = append(r.Selected, other.Name)
				}
			}
		}
	}
	// Each round carries rules one step at least; a ring of roles that feed
	// each other may never rest in the real controller either.
	for range len(aggregated) + 1 {
		changed := false
		for _, r := range aggregated {
			var rules []Rule
			seen := map[string]bool{}
			for _, name := range r.Selected {
				for _, rule := range p.clusterRoles[name].Rules {
					if key := ruleKey(&rule.PolicyRule); !seen[key] {
						seen[key] = true
						rules = append(rules, rule)
					}
				}
			}
			if !sameRules(rules, r.Rules) {
				r.Rules, changed = rules, true
			}
		}
		if !changed {
			return
		}
	}
}

func sameRules(a, b []Rule) bool {
	return slices.EqualFunc(a, b, func(a, b Rule) bool { return ruleKey(&a.PolicyRule) == ruleKey(&b.PolicyRule) })
}

// ruleKey is equal for equal rules, absent and empty lists being the same.
func ruleKey(r *rbacv1.PolicyRule) string {
	text, err := json.Marshal([][]string{
		slices.Concat(r.Verbs), slices.Concat(r.APIGroups), slices.Concat(r.Resources),
		slices.Concat(r.ResourceNames), slices.Concat(r.NonResourceURLs),
	})
	if err != nil {
		panic("access: strings always marshal: " + err.Error())
	}
	return string(text)
}

// clone copies what settle changes, for the next policy.
func (p *Policy) clone() *Policy {
	copied := newPolicy()
	rebase := func(r *Role) *Role {
		c := *r
		c.declared = slices.Clone(r.declared)
		for i := range c.declared {
			c.declared[i].In = &c
		}
		c.Rules, c.Selected = c.declared, nil
		return &c
	}
	for name, r := range maps.All(p.clusterRoles) {
		copied.clusterRoles[name] = rebase(r)
	}
	for key, r := range maps.All(p.roles) {
		copied.roles[key] = rebase(r)
	}
	for _, b := range p.bindings {
		c := *b
		copied.bindings = append(copied.bindings, &c)
	}
	return copied
}
