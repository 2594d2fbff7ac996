package webhook

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

var portNotOffered = &checks.Check{
	ID:       "webhook/port-not-offered",
	Severity: checks.Error,
	Doc: `webhook is called at a port that its Service does not have

The port is the Service's, not the pod's, and 443 where none is given. Where the
Service has no such port, every call fails (` + "`no service port 443 found`" + `).
Upstream's spark-operator names port 9443 on both sides, which is right.`,
	Fix: "Name a port of the Service, or give the Service port 443.",
	Refs: []string{
		"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#service-reference",
		"https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		each(pass, func(c *call) {
			s, ok := services.Get(pass.Render, c.service.Namespace, c.service.Name)
			if !ok || s.Value.Spec.Type == corev1.ServiceTypeExternalName || s.Made != nil {
				return
			}
			var numbers []string
			for _, p := range s.Value.Spec.Ports {
				numbers = append(numbers, strconv.Itoa(int(p.Port)))
			}
			if slices.Contains(numbers, strconv.Itoa(int(c.service.port()))) {
				return
			}
			c.severity(pass.Reportf(c.serviceAt("port"), "%s is called at port %d of %s, which has %s: %s", c.what, c.service.port(), s.Key, strings.Join(numbers, ", "), c.effect)).
				See(s.At("spec", "ports"), "the ports of the Service")
		})
	},
}

var services = inventory.Kind[corev1.Service]{Group: corev1.GroupName, Name: "Service"}
