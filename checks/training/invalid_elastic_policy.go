package training

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

var invalidElasticPolicy = &checks.Check{
	ID:       "training/invalid-elastic-policy",
	Severity: checks.Error,
	Doc: `torchrun cannot start with the job's numbers

The operator hands a PyTorchJob's elasticPolicy to torchrun: minReplicas and
maxReplicas as the range of nodes, nprocPerNode as the processes on each. torchrun
ends where the range is empty, waits without end where fewer workers run than its
minimum, and knows auto, cpu, gpu and whole numbers as processes. minReplicas and
maxReplicas that are absent are the worker's replicas. The operator's webhook
refuses an elasticPolicy without workers, and nprocPerNode in both places.

A job without elasticPolicy is judged by its nprocPerNode alone.`,
	Fix:   "Set minReplicas, maxReplicas and the worker's replicas in rising order, and nprocPerNode to a number.",
	Refs:  []string{"https://github.com/kubeflow/training-operator/blob/release-1.9/pkg/controller.v1/pytorch/elastic.go", "https://pytorch.org/docs/stable/elastic/run.html"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for j := range jobs(pass.Render) {
			if j.kind == "PyTorchJob" {
				elastic(pass, j)
			}
		}
	},
}

func elastic(pass *checks.Pass, j *job) {
	const workers = "pytorchReplicaSpecs"
	if n, ok := j.get("nprocPerNode").(string); ok && !slices.Contains([]string{"", "auto", "cpu", "gpu"}, n) && !strings.Contains(n, "${") {
		if count, err := strconv.Atoi(n); err != nil || count < 1 {
			pass.Reportf(j.spec("nprocPerNode"), "%s asks for %q processes on each node, which is neither a number nor auto, cpu or gpu", j.name, n)
		}
	}
	if policy, ok := j.get("elasticPolicy").(map[string]any); !ok || policy == nil {
		return
	}
	if j.get(workers, "Worker") == nil {
		pass.Reportf(j.spec("elasticPolicy"), "%s is refused: it has an elasticPolicy and no role Worker", j.name)
		return
	}
	if j.get("elasticPolicy", "nProcPerNode") != nil && j.get("nprocPerNode") != nil {
		pass.Reportf(j.spec("elasticPolicy", "nProcPerNode"), "%s is refused: it says nprocPerNode in two places", j.name).See(j.spec("nprocPerNode"), "the other one")
	}
	run, given := j.number(workers, "Worker", "replicas")
	if !given {
		if j.get(workers, "Worker", "replicas") != nil {
			return
		}
		run = 1
	}
	least, hasLeast := j.number("elasticPolicy", "minReplicas")
	most, hasMost := j.number("elasticPolicy", "maxReplicas")
	if !hasLeast {
		if j.get("elasticPolicy", "minReplicas") != nil {
			return
		}
		least = run
	}
	if !hasMost {
		if j.get("elasticPolicy", "maxReplicas") != nil {
			return
		}
		most = run
	}
	place := j.spec("elasticPolicy", "minReplicas")
	if !hasLeast {
		place = j.spec("elasticPolicy", "maxReplicas")
	}
	metrics, _ := j.get("elasticPolicy", "metrics").([]any)
	switch {
	case least > most:
		pass.Reportf(place, "%s cannot run: it needs %d workers and may have %d", j.name, least, most).
			See(j.spec(workers, "Worker", "replicas"), "the workers that it runs")
	case run < least && len(metrics) == 0:
		pass.Reportf(place, "%s waits without end: it needs %d workers and runs %d, and no metrics let it grow", j.name, least, run).
			See(j.spec(workers, "Worker", "replicas"), "the workers that it runs")
	}
}
