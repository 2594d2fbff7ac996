package oidc

import (
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var missingDexNamespace = &checks.Check{
	ID:       "oidc/missing-dex-namespace",
	Severity: checks.Error,
	Doc: `Dex that does not know its namespace

Dex crash-loops with 'jwt claim "kubernetes.io/serviceaccount/namespace" not
found': with its storage in Kubernetes it needs the name of its namespace, and
the tokens of Kubernetes 1.21 and later do not say it any more. The variable
KUBERNETES_POD_NAMESPACE does.

Dex 2.30 and later also read the file that the kubelet mounts beside the token;
for them a missing variable is a matter of information, unless the pod mounts no
token. For an image whose version cannot be told it is a warning.`,
	Fix: "Set KUBERNETES_POD_NAMESPACE from the field metadata.namespace.",
	Refs: []string{
		"kubeflow/manifests#1882",
		"kubeflow/manifests#1883",
		"dexidp/dex#2082",
		"dexidp/dex#2092",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		for _, dex := range c.Dexes {
			if dex.Storage.Or("") != "kubernetes" || !dex.InCluster || dex.Opaque != "" {
				continue
			}
			if s := dex.Env["KUBERNETES_POD_NAMESPACE"]; s != nil && (s.Unknown != "" || s.Text != "") {
				continue
			}
			if old(pass.Target.Kubernetes, 21) {
				continue
			}
			f := pass.Reportf(dex.Place.At("env"), "%s keeps its data in Kubernetes and is not told its namespace by KUBERNETES_POD_NAMESPACE", dex.Name()).
				See(dex.Storage.Place, "the storage")
			_, tag := login.ImageName(dex.Container.Image)
			switch minor, ok := dexMinor(tag); {
			case !ok:
				f.As(checks.Warning)
			case minor >= 30:
				f.As(checks.Info)
			}
		}
	},
}

// old reports whether a version of Kubernetes is known to be below 1.minor.
func old(version string, minor int) bool {
	_, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	rest, _, _ = strings.Cut(rest, ".")
	n, err := strconv.Atoi(rest)
	return err == nil && n < minor
}

func dexMinor(tag string) (int, bool) {
	major, rest, _ := strings.Cut(strings.TrimPrefix(tag, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	return n, err == nil && major == "2"
}
