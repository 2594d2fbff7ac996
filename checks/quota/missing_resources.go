package quota

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/quota"
)

var missingResources = &checks.Check{
	ID:       "quota/missing-resources",
	Severity: checks.Error,
	Doc: `pod lacks resources that a quota makes mandatory

A quota on cpu, memory, their requests or their limits makes that field
mandatory for every container of every pod in the namespace, init containers and
sidecars included. A pod without is refused ("must specify limits.cpu for: ..."):
the Deployment stands at zero, the reason is in the events of its ReplicaSet. A
Profile's resourceQuotaSpec is such a quota.

A limit is a request too where no request is stated, and a LimitRange with
defaults for the field makes all of it right. Other resources (storage, devices,
counts) are not mandatory. Pods that users start later are in
quota/runtime-pods-refused. A quota that refuses more than three workloads is
one finding, at the quota.`,
	Fix:   "State the field in each container, or give the namespace a LimitRange with a default for it.",
	Refs:  []string{"kubeflow/manifests#1750", "kubeflow/pipelines#4576", "kubeflow/pipelines#5214", "kubeflow/kubeflow#7077", "https://kubernetes.io/docs/concepts/policy/resource-quotas/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		all := peopled(pass)
		trials, unread := trialsOf(pass, all)
		for _, s := range all {
			if len(s.quotas) == 0 {
				continue
			}
			for _, u := range slices.Concat(s.unread, unread) {
				if u.Place.Object.Key.Namespace == s.name {
					pass.Undecidedf(u.Place, "%s: this pod cannot be read: %v", u.Place.Object.Key, u.Err)
				}
			}
			added := additions{}
			var own refused
			for _, p := range slices.Concat(s.pods, trials[s.name]) {
				lacks(pass, s, p, added, &own)
			}
			added.report(pass)
			own.report(pass)
		}
	},
}

// lacks notes a pod that lacks what the quotas of its namespace demand: once for
// each quota, at the first of its own containers.
func lacks(pass *checks.Pass, s *space, p *pod, added additions, refused *refused) {
	if p.Most == 0 && p.Least == 0 {
		return // stopped, or scaled to nothing
	}
	for _, h := range s.quotas {
		lacking := h.lacking(p, options(pass))
		if len(lacking) == 0 {
			continue
		}
		key := h.hardAt(lacking[0].Resource)
		own, name := firstOwn(p, lacking)
		if own == "" {
			part := p.Part(lacking[0].Containers[0])
			added.note(key, part.Place, fmt.Sprintf("%s refuses pods with containers that %s adds: they must specify %s", h.name, part.By, lackingText(lacking)), p.Name)
			continue
		}
		field, res := inContainer(name)
		refused.note(key, p.Part(own).Place.At("resources", field, res), p.Name,
			fmt.Sprintf("%s is refused by %s: its pods must specify %s", p.Name, h.name, lackingText(lacking)))
	}
}

// firstOwn is the first container of the template that lacks something, and
// what it lacks; empty where only added containers do.
func firstOwn(p *pod, lacking []quota.Missing) (container string, lacks corev1.ResourceName) {
	for _, m := range lacking {
		for _, list := range [][]corev1.Container{p.Full.Containers, p.Full.InitContainers} {
			for _, c := range list {
				if p.Part(c.Name).By == "" && slices.Contains(m.Containers, c.Name) {
					return c.Name, m.Resource
				}
			}
		}
	}
	return "", ""
}
