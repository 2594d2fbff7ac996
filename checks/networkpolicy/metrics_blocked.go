package networkpolicy

import (
	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/reach/calls"
)

var metricsBlocked = &checks.Check{
	ID:       "networkpolicy/metrics-blocked",
	Severity: checks.Warning,
	Doc: `policy keeps Prometheus from metrics that it scrapes

A ServiceMonitor or PodMonitor that a Prometheus of the render selects makes it
call the pods' metrics ports. A policy that does not admit it leaves the targets
down: dashboards stay empty and alerts on absent metrics fire.

Annotations like prometheus.io/scrape, which upstream's pods carry, say nothing
about who scrapes, if anybody does; they are not looked at.`,
	Fix:   "Admit Prometheus's namespace on the metrics port in the policy that is named.",
	Refs:  []string{"kubescape/helm-charts#761", "codecentric/helm-charts#546", "https://prometheus-operator.dev/docs/developer/getting-started/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		n, ok := network(pass)
		if !ok {
			return
		}
		scrapes := calls.Scrapes(n)
		if len(scrapes) == 0 {
			pass.NotApplicable()
		}
		report(pass, n, scrapes)
	},
}
