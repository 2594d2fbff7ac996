package quota

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var exceeded = &checks.Check{
	ID:       "quota/exceeded",
	Severity: checks.Error,
	Doc: `namespace needs more than its quota allows

What the manifests ask for in a namespace is more than a quota allows, so that
the last pods, claims or objects are refused. Counted are the requests and
limits of all pods with what LimitRanges default and what Istio, Knative,
KServe, Katib, the training operator and Kubeflow Pipelines add; claims and
their sizes; Services, load balancers and node ports; objects.

Counted is the least: a workload under an autoscaler with its minimum, what runs
to an end (Jobs, training jobs, workflows) each for itself beside what stays, a
DaemonSet on the nodes of the cluster facts. What only peaks exceed is in
quota/no-room-for-rollout and quota/no-room-to-scale. Pods that are refused
anyway count for nothing, and so does what users start later.`,
	Fix:   "Raise the quota, or let the namespace ask for less.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/policy/resource-quotas/", "kubeflow/pipelines#7699"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for _, s := range peopled(pass) {
			for _, h := range s.quotas {
				judge(pass, s, h)
			}
		}
	},
}

// A share is what one workload has of a quota.
type share struct {
	name  string
	usage corev1.ResourceList // of all its pods, or of the object
	place func(corev1.ResourceName) inventory.Place
	pod   *pod // nil for what is no pod
}

// ledger is what a quota is charged for what stays: pods first.
func ledger(pass *checks.Pass, s *space, h *hard) []*share {
	var shares []*share
	for _, p := range s.pods {
		usage := h.charges(p, options(pass))
		if usage == nil || p.Finite {
			continue
		}
		shares = append(shares, &share{
			name: p.Name, pod: p, usage: quota.Times(usage, int64(atLeast(pass, p))),
			place: func(name corev1.ResourceName) inventory.Place { return place(p, name) },
		})
	}
	for _, c := range claimsOf(pass, s.name) {
		if !quota.MatchesClaim(&h.ResourceQuotaSpec, c.spec) {
			continue
		}
		shares = append(shares, &share{
			name: c.name, usage: quota.Times(quota.ClaimUsage(c.spec, c.class), c.count),
			place: func(corev1.ResourceName) inventory.Place { return c.place.At("resources", "requests", "storage") },
		})
	}
	if quota.Scoped(&h.ResourceQuotaSpec) {
		return shares
	}
	return append(shares, objects(pass, s, h)...)
}

// atLeast is how many pods of a load run: on every node that is known for a
// DaemonSet.
func atLeast(pass *checks.Pass, p *pod) int32 {
	if !p.PerNode {
		return p.Least
	}
	nodes := int32(0)
	for _, g := range pass.Cluster.Nodes {
		nodes += int32(g.Count)
	}
	// Without the fact there is one node at the least.
	if pass.Cluster.Nodes == nil || p.Spec.NodeSelector != nil || p.Spec.Affinity != nil {
		return 1
	}
	return max(nodes, 1)
}

// total sums shares.
func total(shares []*share) corev1.ResourceList {
	sum := corev1.ResourceList{}
	for _, each := range shares {
		sum = quota.Add(sum, each.usage)
	}
	return sum
}

func judge(pass *checks.Pass, s *space, h *hard) {
	shares := ledger(pass, s, h)
	used := total(shares)
	alone := map[corev1.ResourceName]bool{}
	for _, each := range shares {
		if each.pod == nil || each.pod.Least == 0 {
			continue
		}
		for _, name := range quota.Exceeded(each.pod.usage, h.Hard) {
			one, most := each.pod.usage[name], h.Hard[name]
			alone[name] = true
			at, other := each.place(name), h.hardAt(name)
			if platformMade(each.pod, name) {
				at, other = other, at // the user's part in it is the quota
			}
			pass.Reportf(at, "one pod of %s needs %s %s, %s allows %s (%s)", each.name, &one, bare(name), h.name, &most, name).
				See(other, "%s allows %s, the pod needs %s", h.name, &most, &one)
		}
	}
	for _, name := range quota.Exceeded(used, h.Hard) {
		if alone[name] {
			continue
		}
		most, sum := h.Hard[name], used[name]
		f := pass.Reportf(h.hardAt(name), "%s in namespace %s need %s %s, %s allows %s (%s)", noun(name), s.name, &sum, bare(name), h.name, &most, name)
		seeLargest(f, shares, name)
	}
	finite(pass, s, h, used)
	unknownNodes(pass, s, h, used)
}

// noun is what a quota name is measured on.
func noun(name corev1.ResourceName) string {
	switch {
	case quota.MeasuresPods(name):
		return "pods"
	case quota.MeasuresClaims(name):
		return "claims"
	case quota.MeasuresServices(name):
		return "Services"
	}
	return "objects"
}

// seeLargest names the three that use most of a resource.
func seeLargest(f *checks.Finding, shares []*share, name corev1.ResourceName) {
	largest := slices.Clone(shares)
	slices.SortStableFunc(largest, func(a, b *share) int {
		x, y := a.usage[name], b.usage[name]
		return y.Cmp(x)
	})
	for i, each := range largest {
		if q := each.usage[name]; i < 3 && q.Sign() > 0 {
			f.See(each.place(name), "%s needs %s", each.name, &q)
		}
	}
}

// finite judges what runs to an end: each for itself beside what stays.
func finite(pass *checks.Pass, s *space, h *hard, used corev1.ResourceList) {
	type group struct {
		name  string
		pods  []*pod
		usage corev1.ResourceList
	}
	groups := map[string]*group{}
	var order []string
	for _, p := range s.pods {
		usage := h.charges(p, options(pass))
		if usage == nil || !p.Finite || p.Least == 0 {
			continue
		}
		// The roles of a training job run together, the steps of a workflow
		// one after the other.
		key := p.Name
		if p.Controller == "training-operator" || p.Controller == "spark-operator" {
			key = p.Owner.Key.String()
		}
		if groups[key] == nil {
			groups[key] = &group{name: key}
			order = append(order, key)
		}
		g := groups[key]
		g.pods = append(g.pods, p)
		g.usage = quota.Add(g.usage, quota.Times(usage, int64(p.Least)))
	}
	slices.SortFunc(order, cmp.Compare)
	for _, key := range order {
		g := groups[key]
		for _, name := range quota.Exceeded(quota.Add(used, g.usage), h.Hard) {
			need, most, before := g.usage[name], h.Hard[name], used[name]
			if need.IsZero() || before.Cmp(most) > 0 {
				continue // not its fault: reported already
			}
			biggest := slices.MaxFunc(g.pods, func(a, b *pod) int {
				x, y := quota.Times(a.usage, int64(a.Least))[name], quota.Times(b.usage, int64(b.Least))[name]
				return x.Cmp(y)
			})
			beside := ""
			if !before.IsZero() {
				beside = fmt.Sprintf(" beside the %s that the namespace uses all the time", &before)
			}
			pass.Reportf(place(biggest, name), "%s needs %s %s%s, %s allows %s (%s)", g.name, &need, bare(name), beside, h.name, &most, name).
				See(h.hardAt(name), "%s allows %s", h.name, &most)
		}
	}
}

// unknownNodes is undecided about DaemonSets whose number of pods is not known.
func unknownNodes(pass *checks.Pass, s *space, h *hard, used corev1.ResourceList) {
	for _, p := range s.pods {
		usage := h.charges(p, options(pass))
		if !p.PerNode || usage == nil || (pass.Cluster.Nodes != nil && p.Spec.NodeSelector == nil && p.Spec.Affinity == nil) {
			continue
		}
		if more := quota.Fits(usage, used, h.Hard); more >= 0 && more < 1000 {
			pass.Undecidedf(p.At("spec"), "%s fits into %s on %d nodes; on how many it runs is not known (facts: nodes)", p.Name, h.name, more+1).
				See(h.at("hard"), "%s", h.name)
		}
	}
}

var serviceKind = inventory.GroupKind{Group: "", Kind: "Service"}

// objects are the shares of what a quota counts: Services, and objects by
// kind, those that controllers make included as far as they are known.
func objects(pass *checks.Pass, s *space, h *hard) []*share {
	var shares []*share
	one := *resource.NewQuantity(1, resource.DecimalSI)
	at := func(o *inventory.Object) func(corev1.ResourceName) inventory.Place {
		return func(corev1.ResourceName) inventory.Place { return o.At("metadata", "name") }
	}
	var plurals map[[2]string]inventory.GroupKind
	services := false
	for name := range h.Hard {
		services = services || quota.MeasuresServices(name)
	}
	if services {
		for o := range pass.Render.LiveOf(serviceKind) {
			var spec corev1.ServiceSpec
			if o.Key.Namespace != s.name || runtime.DefaultUnstructuredConverter.FromUnstructured(o.Map("spec"), &spec) != nil {
				continue
			}
			shares = append(shares, &share{name: o.Key.String(), usage: quota.ServiceUsage(&spec), place: at(o)})
		}
		for _, p := range s.pods {
			if n := servicesOf(p); n > 0 {
				usage := quota.Times(quota.ServiceUsage(&corev1.ServiceSpec{}), n)
				shares = append(shares, &share{name: p.Name, usage: usage, place: at(p.Owner)})
			}
		}
	}
	for name := range h.Hard {
		plural, group, ok := quota.CountedResource(name)
		if !ok || quota.MeasuresPods(name) || quota.MeasuresClaims(name) || quota.MeasuresServices(name) {
			continue
		}
		if plurals == nil {
			plurals = pluralsOf(pass.Render)
		}
		kind, ok := plurals[[2]string{plural, group}]
		if !ok {
			continue
		}
		for o := range pass.Render.LiveOf(kind) {
			if o.Key.Namespace == s.name {
				shares = append(shares, &share{name: o.Key.String(), usage: corev1.ResourceList{name: one}, place: at(o)})
			}
		}
		for _, p := range s.pods {
			if makes(p, kind) {
				shares = append(shares, &share{name: p.Name, usage: corev1.ResourceList{name: one}, place: at(p.Owner)})
			}
		}
	}
	slices.SortStableFunc(shares, func(a, b *share) int { return strings.Compare(a.name, b.name) })
	return shares
}

// servicesOf is how many Services a controller makes for a load, those that
// the inventory holds (notebooks, inference services) left out.
func servicesOf(p *pod) int64 {
	switch p.Controller {
	case "tensorboard-controller", "pvcviewer-controller", "kubeflow-pipelines-profile-controller":
		return 1
	case "Knative":
		return 3 // the name outside, and the public and private ones of the revision
	}
	return 0
}

// makes reports whether a load's owner makes an object of a kind that is not
// in the render.
func makes(p *pod, kind inventory.GroupKind) bool {
	switch kind {
	case inventory.GroupKind{Group: "apps", Kind: "ReplicaSet"}:
		return p.Owner.Key.GroupKind == inventory.GroupKind{Group: "apps", Kind: "Deployment"}
	case inventory.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		return p.Controller == "notebook-controller"
	case inventory.GroupKind{Group: "apps", Kind: "Deployment"}:
		return p.Controller == "Knative" || p.Controller == "tensorboard-controller" || p.Controller == "pvcviewer-controller" ||
			p.Controller == "kubeflow-pipelines-profile-controller"
	}
	return false
}
