package quota

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var (
	quotaKind        = inventory.GroupKind{Group: "", Kind: "ResourceQuota"}
	rangeKind        = inventory.GroupKind{Group: "", Kind: "LimitRange"}
	profileKind      = inventory.GroupKind{Group: "kubeflow.org", Kind: "Profile"}
	claimKind        = inventory.GroupKind{Group: "", Kind: "PersistentVolumeClaim"}
	storageClassKind = inventory.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}
	crdKind          = inventory.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

// profileQuota is the name of the quota that the profile controller makes.
const profileQuota = "kf-resource-quota"

// A written quota is one that stands in the user's tree: a ResourceQuota, or
// the resourceQuotaSpec of a Profile.
type written struct {
	object    *inventory.Object
	spec      inventory.Path
	name      string // for messages
	namespace string
}

func (w written) at(steps ...any) inventory.Place {
	return w.object.At(w.spec, inventory.MakePath(steps...))
}

func (w written) hardAt(name corev1.ResourceName) inventory.Place {
	return w.at("hard", string(name))
}

func (w written) ofProfile() bool { return w.object.Key.GroupKind == profileKind }

// writtenQuotas are all quotas of the render, ResourceQuotas first.
func writtenQuotas(v *inventory.View) []written {
	var list []written
	for o := range v.Of(quotaKind) {
		list = append(list, written{o, inventory.Path{"spec"}, o.Key.String(), o.Key.Namespace})
	}
	for o := range v.Of(profileKind) {
		w := written{o, inventory.Path{"spec", "resourceQuotaSpec"}, "the quota of " + o.Key.String(), o.Key.Name}
		if len(o.Map(w.spec.Join("hard"))) > 0 { // the controller makes no quota of an empty one
			list = append(list, w)
		}
	}
	return list
}

// amount reads one quantity as the API server does.
func amount(value any) (resource.Quantity, error) {
	switch value := value.(type) {
	case string:
		return resource.ParseQuantity(strings.TrimSpace(value))
	case int64:
		return resource.ParseQuantity(strconv.FormatInt(value, 10))
	case float64:
		return resource.ParseQuantity(strconv.FormatFloat(value, 'f', -1, 64))
	case nil:
		return resource.Quantity{}, nil
	}
	return resource.Quantity{}, fmt.Errorf("%v is not a quantity", value)
}

// A hard quota is one that the API server accepts.
type hard struct {
	written
	corev1.ResourceQuotaSpec
}

// accepted decodes a quota; it fails for one that will not exist.
func accepted(w written) (*hard, bool) {
	h := &hard{written: w}
	content := maps.Clone(w.object.Map(w.spec))
	h.Hard = corev1.ResourceList{}
	for name, value := range w.object.Map(w.spec.Join("hard")) {
		q, err := amount(value)
		if err != nil || quota.InvalidName(corev1.ResourceName(name)) != "" || quota.InvalidHard(corev1.ResourceName(name), q) != "" {
			return nil, false
		}
		h.Hard[corev1.ResourceName(name)] = q
	}
	delete(content, "hard")
	var rest corev1.ResourceQuotaSpec
	if runtime.DefaultUnstructuredConverter.FromUnstructured(content, &rest) != nil {
		return nil, false
	}
	h.Scopes, h.ScopeSelector = rest.Scopes, rest.ScopeSelector
	return h, len(quota.InvalidScopes(&h.ResourceQuotaSpec)) == 0
}

// A limits is a LimitRange that the API server accepts, with its defaults.
type limits struct {
	*inventory.Object
	spec corev1.LimitRangeSpec
}

// writtenRange decodes a LimitRange as it stands.
func writtenRange(o *inventory.Object) (corev1.LimitRangeSpec, error) {
	var value corev1.LimitRange
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Content(), &value)
	return value.Spec, err
}

// A space is a namespace in which resources are limited.
type space struct {
	name   string
	quotas []*hard
	ranges []*limits // by name
	pods   []*pod
	unread []kubeflow.Unread
}

// specs are the ranges as the evaluator takes them.
func (s *space) specs() []corev1.LimitRangeSpec {
	var list []corev1.LimitRangeSpec
	for _, r := range s.ranges {
		list = append(list, r.spec)
	}
	return list
}

// A pod is a load with what admission makes of it.
type pod struct {
	*kubeflow.Load
	// spec is the pod as it is stored, LimitRanges applied.
	spec  *corev1.PodSpec
	usage corev1.ResourceList
	// refused pods use nothing.
	refused bool
}

// spaces are the namespaces with an accepted quota or range, by name, without
// their pods. Where there are none, the check has nothing to look at.
func spaces(pass *checks.Pass) []*space {
	byName := map[string]*space{}
	of := func(name string) *space {
		if byName[name] == nil {
			byName[name] = &space{name: name}
		}
		return byName[name]
	}
	profiles := map[string]bool{}
	list := writtenQuotas(pass.Render)
	for _, w := range list {
		if w.ofProfile() {
			profiles[w.namespace] = true
		}
	}
	for _, w := range list {
		if !w.ofProfile() && w.object.Key.Name == profileQuota && profiles[w.namespace] {
			continue // the profile controller writes its own over it
		}
		if h, ok := accepted(w); ok {
			s := of(w.namespace)
			s.quotas = append(s.quotas, h)
		}
	}
	for o := range pass.Render.Of(rangeKind) {
		spec, err := writtenRange(o)
		if err != nil || len(quota.InvalidRange(spec)) > 0 {
			continue
		}
		s := of(o.Key.Namespace)
		s.ranges = append(s.ranges, &limits{o, quota.DefaultRange(spec)})
	}
	var all []*space
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s := byName[name]
		slices.SortFunc(s.ranges, func(a, b *limits) int { return a.Key.Compare(b.Key) })
		all = append(all, s)
	}
	if len(all) == 0 {
		pass.NotApplicable()
	}
	return all
}

// peopled are the spaces with their pods, each completed and judged.
func peopled(pass *checks.Pass) []*space {
	all := spaces(pass)
	byName := map[string]*space{}
	for _, s := range all {
		byName[s.name] = s
	}
	if len(all) == 0 {
		return nil
	}
	loads, unread := kubeflow.Loads(pass.Render, func(ns string) bool { return byName[ns] != nil })
	for _, l := range loads {
		s := byName[l.Namespace]
		s.pods = append(s.pods, s.complete(pass, l))
	}
	for _, u := range unread {
		if s := byName[u.Place.Object.Key.Namespace]; s != nil {
			s.unread = append(s.unread, u)
		}
	}
	return all
}

// complete makes of a load what admission makes of it.
func (s *space) complete(pass *checks.Pass, l *kubeflow.Load) *pod {
	opts := options(pass)
	p := &pod{Load: l, spec: quota.Complete(l.Full, s.specs())}
	p.usage = quota.PodUsage(p.spec, opts)
	p.refused = len(quota.Invalid(p.spec)) > 0 || len(quota.Violations(p.spec, s.specs(), opts)) > 0
	for _, h := range s.quotas {
		p.refused = p.refused || len(h.lacking(p, opts)) > 0
	}
	return p
}

// lacking is what the quota demands of a pod that it does not state.
func (h *hard) lacking(p *pod, opts quota.Options) []quota.Missing {
	if !quota.MatchesPod(&h.ResourceQuotaSpec, p.spec, opts) {
		return nil
	}
	return quota.Lacking(p.spec, h.Hard, opts)
}

// charges are what the quota charges for a pod; nil where its scopes leave the
// pod out.
func (h *hard) charges(p *pod, opts quota.Options) corev1.ResourceList {
	if p.refused || !quota.MatchesPod(&h.ResourceQuotaSpec, p.spec, opts) {
		return nil
	}
	return p.usage
}

// options are the rules of the target: resources of pods count from 1.34 on.
func options(pass *checks.Pass) quota.Options {
	version := pass.Target.Kubernetes
	if version == "" {
		version = pass.Cluster.KubernetesVersion
	}
	_, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	return quota.Options{NoPodResources: err == nil && n < 34}
}

// bare is a resource without the prefix that tells requests from limits.
func bare(name corev1.ResourceName) string {
	text := strings.TrimPrefix(strings.TrimPrefix(string(name), "requests."), "limits.")
	return strings.TrimPrefix(text, "count/")
}

// inContainer is where a container states what a quota calls name.
func inContainer(name corev1.ResourceName) (field string, resource string) {
	if rest, ok := strings.CutPrefix(string(name), "limits."); ok {
		return "limits", rest
	}
	return "requests", strings.TrimPrefix(string(name), "requests.")
}

// largest names the container of a pod that uses most of a resource.
func largest(p *pod, name corev1.ResourceName) string {
	field, res := inContainer(name)
	var best string
	var most resource.Quantity
	for _, list := range [][]corev1.Container{p.spec.Containers, p.spec.InitContainers} {
		for _, c := range list {
			from := c.Resources.Requests
			if field == "limits" {
				from = c.Resources.Limits
			}
			if q, ok := from[corev1.ResourceName(res)]; ok && (best == "" || q.Cmp(most) > 0) {
				best, most = c.Name, q
			}
		}
	}
	return best
}

// place points at what makes a pod use so much of a resource.
func place(p *pod, name corev1.ResourceName) inventory.Place {
	container := largest(p, name)
	if container == "" {
		return p.At("spec")
	}
	part := p.Part(container)
	if part.By != "" {
		return part.Place
	}
	field, res := inContainer(name)
	at := part.Place.At("resources", field, res)
	// A request that is not stated is the limit.
	if _, stated := at.Value(); !stated && field == "requests" {
		if limit := part.Place.At("resources", "limits", res); hasValue(limit) {
			return limit
		}
	}
	return at
}

func hasValue(place inventory.Place) bool {
	_, ok := place.Value()
	return ok
}

// platformMade reports whether the container that uses most of a resource is
// not the user's.
func platformMade(p *pod, name corev1.ResourceName) bool {
	container := largest(p, name)
	return container != "" && p.Part(container).By != ""
}

// words joins a list for a message: "a, b and 3 more".
func words(list []string) string {
	const shown = 4
	if len(list) > shown+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return strings.Join(list, ", ")
}

// lackingText writes what containers lack, as the API server does: "limits.cpu
// for: a,b; memory for: c".
func lackingText(lacking []quota.Missing) string {
	var parts []string
	for _, m := range lacking {
		parts = append(parts, fmt.Sprintf("%s for: %s", m.Resource, strings.Join(m.Containers, ",")))
	}
	return strings.Join(parts, "; ")
}
