package quota

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var requestAboveLimit = &checks.Check{
	ID:       "quota/request-above-limit",
	Severity: checks.Error,
	Doc: `request is above the limit that a range gives

A container that states a request and no limit gets the default limit of the
namespace's LimitRange. Where that is lower than the request, the pod is invalid
and every one of its kind is refused. The default limit is the maximum of the
range where it gives none.

A request above a limit in the same template is left to the API server's own
validation of the workload, except in custom resources, which it does not look
into.`,
	Fix:   "State a limit beside the request, or raise the default of the range.",
	Refs:  []string{"https://kubernetes.io/docs/concepts/policy/limit-range/#constraints-on-resource-limits-and-requests"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		all := peopled(pass)
		trials, _ := trialsOf(pass, all)
		for _, s := range all {
			added := additions{}
			for _, p := range slices.Concat(s.pods, trials[s.name]) {
				before := quota.Invalid(quota.Complete(p.Full, nil))
				for _, problem := range quota.Invalid(p.spec) {
					if device(problem.Resource) && !states(p, problem) {
						continue
					}
					given := slices.ContainsFunc(before, func(b quota.Problem) bool {
						return b.Container == problem.Container && b.Resource == problem.Resource
					})
					part := p.Part(problem.Container)
					if given && part.By == "" && validated[p.Owner.Key.Group] {
						continue
					}
					var source inventory.Place
					var by string
					if !given {
						source, by = defaultingRange(s, p, problem)
					}
					text := fmt.Sprintf("container %s%s %s%s", problem.Container, "%s", problem.Message, by)
					if part.By != "" {
						at := source
						if at.IsZero() {
							at = part.Place
						}
						added.note(at, part.Place, fmt.Sprintf(text, ", which "+part.By+" adds,"), p.Name)
						continue
					}
					pass.Reportf(part.Place.At("resources", problem.Field, string(problem.Resource)), text, " of "+p.Name).
						See(source, "this gives the default")
				}
			}
			added.report(pass)
		}
	},
}

// validated are the groups whose pod templates the API server validates itself.
var validated = map[string]bool{"": true, "apps": true, "batch": true}

// defaultingRange finds the range that gave a container the limit or request
// that does not go with what it states.
func defaultingRange(s *space, p *pod, problem quota.Problem) (inventory.Place, string) {
	field := "default"
	for _, list := range [][]corev1.Container{p.Full.Containers, p.Full.InitContainers} {
		for _, c := range list {
			if c.Name != problem.Container {
				continue
			}
			if _, limited := c.Resources.Limits[problem.Resource]; limited {
				field = "defaultRequest"
			}
		}
	}
	for _, r := range s.ranges {
		if _, ok := defaultsOf(r, field)[problem.Resource]; ok {
			return boundAt(r, field, problem.Resource), fmt.Sprintf(", which %s gives it", r.Key)
		}
	}
	return inventory.Place{}, ""
}
