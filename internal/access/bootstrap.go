package access

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/Masterminds/semver/v3"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// bootstrapData holds the default roles and bindings of kube-apiserver, with
// default feature gates, each with the minor versions that have it: from the
// bootstrap policies of Kubernetes 1.29.6, 1.30.14, 1.31.14, 1.32.13, 1.33.13,
// 1.34.4, 1.35.4, 1.36.3 and 1.37.2 (Apache License 2.0), collected by
// generate.go.
//
//go:embed bootstrap.jsonl
var bootstrapData []byte

// Minors are the Kubernetes versions whose default roles are known, oldest
// first.
var Minors = []string{"1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"}

// nearest is the known version that stands for a version: the newest one for
// an empty or newer version, the oldest for an older one.
func nearest(kubernetes string) int {
	newest := len(Minors) - 1
	asked, err := semver.NewVersion(kubernetes)
	if err != nil {
		return newest
	}
	for i, minor := range Minors {
		if known := semver.MustParse(minor); asked.Major() < known.Major() || asked.Major() == known.Major() && asked.Minor() <= known.Minor() {
			return i
		}
	}
	return newest
}

type bootstrapLine struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Object struct {
		Kind              string `json:"kind"`
		metav1.ObjectMeta `json:"metadata"`
		Rules             []rbacv1.PolicyRule     `json:"rules"`
		AggregationRule   *rbacv1.AggregationRule `json:"aggregationRule"`
		RoleRef           rbacv1.RoleRef          `json:"roleRef"`
		Subjects          []rbacv1.Subject        `json:"subjects"`
	} `json:"object"`
}

// bootstrapPolicies are the policies of clusters that hold nothing else, by
// position in Minors. They are only copied.
var bootstrapPolicies = sync.OnceValue(func() []*Policy {
	position := map[string]int{}
	policies := make([]*Policy, len(Minors))
	for i, minor := range Minors {
		position[minor], policies[i] = i, newPolicy()
	}
	lines := bufio.NewScanner(bytes.NewReader(bootstrapData))
	lines.Buffer(nil, len(bootstrapData))
	for lines.Scan() {
		var line bootstrapLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			panic(fmt.Sprintf("access: the embedded default roles: %v", err))
		}
		o := &line.Object
		for _, p := range policies[position[line.From] : position[line.To]+1] {
			switch o.Kind {
			case "ClusterRole":
				p.addClusterRole(nil, &rbacv1.ClusterRole{ObjectMeta: o.ObjectMeta, Rules: o.Rules, AggregationRule: o.AggregationRule})
			case "Role":
				p.roles[[2]string{o.Namespace, o.Name}] = newRole(nil, o.Namespace, o.ObjectMeta, o.Rules)
			case "ClusterRoleBinding", "RoleBinding":
				p.bindings = append(p.bindings, &Binding{Namespace: o.Namespace, Name: o.Name, RoleRef: o.RoleRef, Subjects: o.Subjects})
			}
		}
	}
	return policies
})

func bootstrap(kubernetes string) *Policy {
	return bootstrapPolicies()[nearest(kubernetes)].clone()
}
