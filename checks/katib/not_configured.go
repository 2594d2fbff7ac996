package katib

import (
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var notConfigured = &checks.Check{
	ID:       "katib/not-configured",
	Severity: checks.Error,
	Doc: `experiment asks for what Katib's configuration lacks

Algorithms, early stopping and metrics collectors are images that katib-config
lists by name. Katib's webhook refuses an Experiment whose algorithm, or collector
of kind StdOut, File or TensorFlowEvent, is not in it: "unable to get Suggestion
config data for algorithm". It happens where an overlay replaces katib-config as
a whole and leaves entries out, or an algorithm's name is misspelled.

Without Katib's configuration in the render it is undecided for algorithms that
upstream's does not have, and silent otherwise.`,
	Fix:   "Name one that the configuration has, or add it there.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/katib/user-guides/katib-config/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := experiments(pass)
		c := configOf(pass.Render)
		if len(list) == 0 {
			pass.NotApplicable()
			return
		}
		if c == nil {
			for _, o := range list {
				if name := o.String("spec", "algorithm", "algorithmName"); name != "" && !strings.Contains(upstream, " "+name+" ") {
					pass.Undecidedf(o.At("spec", "algorithm", "algorithmName"), "%s asks for algorithm %s, which upstream's configuration does not have; the one in the cluster is not known", o.Key, name)
				}
			}
			return
		}
		var algorithms, stopping, collectors []string
		for _, s := range c.Runtime.Suggestions {
			algorithms = append(algorithms, s.AlgorithmName)
		}
		for _, s := range c.Runtime.EarlyStoppings {
			stopping = append(stopping, s.AlgorithmName)
		}
		for _, m := range c.Runtime.MetricsCollectors {
			collectors = append(collectors, m.Kind)
		}
		for _, o := range list {
			ask := func(what, name string, at inventory.Path, known []string, list string) {
				if name == "" {
					return
				}
				for _, k := range known {
					if k == name {
						return
					}
				}
				pass.Reportf(o.At(at), "%s asks for %s %s, which %s does not have%s", o.Key, what, name, c.object.Key, near.Hint(name, known)).
					See(c.doc.At("runtime", list), "what it has")
			}
			ask("algorithm", o.String("spec", "algorithm", "algorithmName"), inventory.Path{"spec", "algorithm", "algorithmName"}, algorithms, "suggestions")
			ask("early stopping by", o.String("spec", "earlyStopping", "algorithmName"), inventory.Path{"spec", "earlyStopping", "algorithmName"}, stopping, "earlyStoppings")
			kind := o.String("spec", "metricsCollectorSpec", "collector", "kind")
			if o.Map("spec", "metricsCollectorSpec", "collector") == nil {
				kind = "StdOut"
			}
			switch kind {
			case "StdOut", "File", "TensorFlowEvent":
				ask("metrics collector", kind, inventory.Path{"spec", "metricsCollectorSpec", "collector", "kind"}, collectors, "metricsCollectors")
			}
		}
	},
}

// upstream are the algorithms of Katib's own configuration.
const upstream = " random tpe grid hyperband bayesianoptimization cmaes sobol multivariate-tpe enas darts pbt "
