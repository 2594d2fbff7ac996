package istio

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/checks"
)

var subsetSelectsNothing = &checks.Check{
	ID:       "istio/subset-selects-nothing",
	Severity: checks.Error,
	Doc: `subset of a DestinationRule that no pod belongs to

Requests for the subset are answered with "no healthy upstream": its labels must
be carried by pods that the Service selects, in the pods' template. Labels of the
Deployment itself do not count.

Only Services whose pods the render holds are looked at. A subset that no route
leads to is information: it breaks nothing yet. A subset without labels, with
only a traffic policy of its own, takes all pods.`,
	Fix:   "Write the labels that the pods carry, or add them to the pods' template.",
	Refs:  []string{"https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		m := read(pass)
		used := map[[2]string]bool{}
		for _, vs := range m.VirtualServices {
			for _, t := range vs.Targets() {
				used[[2]string{m.Resolve(t.Destination.Host, vs.Key.Namespace), t.Destination.Subset}] = true
			}
		}
		for _, r := range m.Rules {
			fqdn := m.Resolve(r.Value.Spec.Host, r.Key.Namespace)
			s, ok := m.Service(fqdn)
			if !ok {
				continue
			}
			pods := m.Net.PodsOfService(s)
			if len(pods) == 0 {
				continue
			}
		subsets:
			for i, subset := range r.Value.Spec.Subsets {
				selector := labels.SelectorFromSet(subset.Labels)
				for _, pod := range pods {
					if pod.Labels.Open || selector.Matches(pod.Labels.Set) {
						continue subsets
					}
				}
				place := r.At("spec", "subsets", i, "labels")
				if len(subset.Labels) == 1 {
					for name := range subset.Labels {
						place = place.At(name)
					}
				}
				f := pass.Reportf(place, "subset %s of %s selects no pod of %s", subset.Name, r.Key, s.Key)
				if !used[[2]string{fqdn, subset.Name}] {
					f.As(checks.Info)
				}
				seeLabels(f, pods)
			}
		}
	},
}
