package observability

import (
	"path"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var collectorWithoutLogs = &checks.Check{
	ID:       "observability/collector-without-logs",
	Severity: checks.Warning,
	Doc: `log collector does not mount the logs of its node

Fluent Bit, Fluentd, Promtail and Filebeat read the logs of containers from
/var/log of the node. One that runs on every node without mounting it, or with the
volume in the pod and no mount in the container, tails files that are not there and
sends nothing.

Only DaemonSets: a Deployment of the same images forwards what it is sent. A mount
of a directory above (/ or /var) or below (/var/log/pods) counts.`,
	Fix:   "Mount the node's /var/log by hostPath into the collector, read-only.",
	Refs:  []string{"https://docs.fluentbit.io/manual/installation/downloads/kubernetes", "https://kubernetes.io/docs/concepts/cluster-administration/logging/#using-a-node-logging-agent"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		checked := false
		for pod := range kubeflow.Pods(pass.Render) {
			if pod.Owner.Key.Kind != "DaemonSet" || pod.Owner.Made != nil {
				continue
			}
			for i, c := range pod.Spec.Containers {
				ref, err := images.Parse(c.Image)
				if err != nil || !isCollector(path.Base(ref.Path)) {
					continue
				}
				checked = true
				var dir string
				mounted := false
				for _, volume := range pod.Spec.Volumes {
					if volume.HostPath == nil || !holdsLogs(volume.HostPath.Path) {
						continue
					}
					dir = volume.HostPath.Path
					for _, m := range c.VolumeMounts {
						mounted = mounted || m.Name == volume.Name
					}
				}
				switch {
				case mounted:
				case dir != "":
					pass.Reportf(pod.ContainerAt("containers", i, "volumeMounts"), "container %s of %s collects logs and does not mount the volume with %s of its node", c.Name, pod.Owner.Key, dir)
				default:
					pass.Reportf(pod.At("spec", "volumes"), "%s collects logs in container %s without /var/log of its node among its volumes", pod.Owner.Key, c.Name)
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

func isCollector(name string) bool {
	return slices.Contains([]string{"fluent-bit", "fluentd", "fluentd-kubernetes-daemonset", "promtail", "filebeat"}, name)
}

// holdsLogs reports whether a directory of a node holds logs, or a part of them.
func holdsLogs(dir string) bool {
	dir = path.Clean(dir)
	return dir == "/" || dir == "/var" || dir == "/var/log" || strings.HasPrefix(dir, "/var/log/")
}
