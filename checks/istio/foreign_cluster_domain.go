package istio

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var foreignClusterDomain = &checks.Check{
	ID:       "istio/foreign-cluster-domain",
	Severity: checks.Error,
	Doc: `host of a Service ends in another domain than the cluster's

Routes to it answer with 503 and programs cannot resolve it: Kubeflow's manifests
write svc.cluster.local into routes, rules and settings, and a cluster may have
another domain. Reported are the hosts of VirtualServices and DestinationRules,
and what workloads are given as environment and arguments, once for each object.

Only where the cluster facts name the domain: without them it is cluster.local.
Principals begin with cluster.local whatever the domain is, because that is the
trust domain, and are right.`,
	Fix:   "Replace cluster.local by the cluster's domain.",
	Refs:  []string{"kubeflow/kubeflow#7016", "kubeflow/kubeflow#3046", "kubeflow/pipelines#12649"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		domain, given := pass.Cluster.Domain()
		if !given {
			pass.NotApplicable()
			return
		}
		foreign := func(text string) (string, bool) {
			for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\"'=,;/@:", r) }) {
				word = strings.TrimSuffix(word, ".")
				if _, rest, ok := strings.Cut(word, ".svc."); ok && rest != domain && rest == "cluster.local" {
					return word, true
				}
			}
			return "", false
		}
		report := func(o *inventory.Object, at inventory.Place, host string) {
			pass.Reportf(at, "%s names %s, but the domain of the cluster is %s", o.Key, host, domain)
		}
		m := read(pass)
		for _, vs := range m.VirtualServices {
			for _, t := range vs.Targets() {
				if host, ok := foreign(t.Destination.Host); ok {
					report(vs.Object, t.At("host"), host)
					break
				}
			}
		}
		for _, r := range m.Rules {
			if host, ok := foreign(r.Value.Spec.Host); ok {
				report(r.Object, r.At("spec", "host"), host)
			}
		}
		for pod := range kubeflow.Pods(pass.Render) {
			if pod.Owner.Made == nil {
				workload(pod, foreign, report)
			}
		}
	},
}

// workload looks at what the containers of a pod are told.
func workload(pod *kubeflow.Pod, foreign func(string) (string, bool), report func(*inventory.Object, inventory.Place, string)) {
	for at, c := range pod.Containers() {
		for i, e := range c.Env {
			if host, ok := foreign(e.Value); ok {
				report(pod.Owner, at.At("env", i, "value"), host)
				return
			}
		}
		for i, text := range c.Args {
			if host, ok := foreign(text); ok {
				report(pod.Owner, at.At("args", i), host)
				return
			}
		}
		for i, text := range c.Command {
			if host, ok := foreign(text); ok {
				report(pod.Owner, at.At("command", i), host)
				return
			}
		}
	}
}
