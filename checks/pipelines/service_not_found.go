package pipelines

import (
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/endpoint"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var serviceNotFound = &checks.Check{
	ID:       "pipelines/service-not-found",
	Severity: checks.Error,
	Doc: `component of pipelines is told an address that leads nowhere

The components of Kubeflow Pipelines find the database, the object store and each
other by host and port in their environment, mostly from pipeline-install-config.
The host must be a Service of the render, with that port and a pod behind it;
otherwise the component restarts until it is ("dial tcp: lookup mysql: no such
host"). Where the object store's host is not set, the API server calls
minio-service in its own namespace.

Hosts outside of the cluster are left out: a managed database, a bucket of the
cloud. So are Services without a selector. That no pod is behind a Service is a
warning where no workload has the Service's name: an operator may make the pods.`,
	Fix:   "Name the Service that is there, or render it.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/pipelines/operator-guides/configure-object-store/"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		reported := map[string]bool{}
		for _, c := range containers(pass.Render) {
			if !c.ofPipelines() {
				continue
			}
			found = true
			for _, setting := range kubeflow.PipelineServices {
				if strings.HasSuffix(c.image.Path, setting.Image) {
					call(pass, c, setting, reported)
				}
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func call(pass *checks.Pass, c container, setting kubeflow.ServiceSetting, reported map[string]bool) {
	read := func(name, otherwise string) (value string, at inventory.Place, known bool) {
		value, at, known = kubeflow.EnvAt(pass.Render, c.pod, c.at, c.Container, name)
		switch {
		case known && value != "":
			return value, at, true
		case !known && !at.IsZero():
			return "", at, false
		}
		return otherwise, c.at.At("env"), true
	}
	host, hostAt, known := read(setting.Host, setting.DefaultHost)
	port, portAt, portKnown := read(setting.Port, setting.DefaultPort)
	if !known || !portKnown || host == "" {
		return
	}
	if setting.Namespace != "" && !strings.Contains(host, ".") {
		if namespace, _, ok := read(setting.Namespace, ""); ok && namespace != "" {
			host += "." + namespace
		}
	}
	number := 0
	if port != "" {
		var err error
		if number, err = strconv.Atoi(port); err != nil {
			pass.Reportf(portAt, "%s looks for %s at port %q, which is no number", c.pod.Owner.Key, setting.What, port)
			return
		}
	}
	r := endpoint.Resolve(pass.Render, c.pod.Namespace, host, number)
	problem := r.Problem()
	if problem == "" {
		return
	}
	place := hostAt
	if r.State == endpoint.NoPort {
		place = portAt
	}
	// Several components and variables read the same value.
	key := place.Object.Key.String() + " " + place.Field()
	if !strings.HasSuffix(place.Field(), ".env") && reported[key] {
		return
	}
	reported[key] = true
	address := host
	if port != "" {
		address += ":" + port
	}
	f := pass.Reportf(place, "%s looks for %s at %s: %s", c.pod.Owner.Key, setting.What, address, problem)
	if r.Doubtful {
		f.As(checks.Warning)
	}
}
