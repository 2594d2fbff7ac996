package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/report"
	"github.com/kfpreflight/kfpreflight/render/kustomize"
)

// buildVersion is set by the linker on a release.
var buildVersion = ""

// Version is the program's own.
func Version() string {
	if buildVersion != "" {
		return strings.TrimPrefix(buildVersion, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.0.0-dev"
}

func tool() report.Tool {
	return report.Tool{Name: "kfpreflight", Version: Version(), Kustomize: strings.TrimPrefix(kustomize.Version, "v")}
}

type version struct {
	*program
	output choice
}

func newVersion(s *program) *cobra.Command {
	o := &version{program: s, output: choice{"text", []string{"text", "json"}}}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is, of what, and how old its data is",
		Long: `Says the versions of the program and of the libraries that decide what it sees:
a kustomization is rendered as that release of kustomize renders it. The data
about releases of Kubernetes and Kubeflow is embedded; its date tells its age.`,
		Example: `  kfpreflight version -o json`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return o.run() },
	}
	cmd.Flags().VarP(&o.output, "output", "o", "write as `FORMAT`: text or json")
	o.output.complete(cmd, "output")
	return cmd
}

type versions struct {
	Version       string `json:"version"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	Kustomize     string `json:"kustomize"`
	Helm          string `json:"helm"`
	KubernetesLib string `json:"kubernetesLibraries"`
	Data          struct {
		Date       string   `json:"date"`
		Kubernetes []string `json:"kubernetes"`
		Kubeflow   []string `json:"kubeflow"`
	} `json:"data"`
}

func (o *version) run() error {
	v := versions{
		Version: Version(), Go: strings.TrimPrefix(runtime.Version(), "go"), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Kustomize: tool().Kustomize, Helm: dependency("helm.sh/helm/v3"), KubernetesLib: kubernetesOf(dependency("k8s.io/api")),
	}
	v.Data.Date, v.Data.Kubernetes, v.Data.Kubeflow = kubeflow.DataDate, kubeflow.KubernetesVersions(), kubeflow.Versions()
	var b bytes.Buffer
	if o.output.value == "json" {
		encoder := json.NewEncoder(&b)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(v); err != nil {
			return err
		}
		return writeOut(o.program, b.Bytes())
	}
	ends := func(list []string) string { return list[0] + " to " + list[len(list)-1] }
	fmt.Fprintf(&b, "kfpreflight %s (%s, Go %s)\n", v.Version, v.Platform, v.Go)
	fmt.Fprintf(&b, "renders as   kustomize %s, Helm %s\n", v.Kustomize, orUnknown(v.Helm))
	fmt.Fprintf(&b, "decides as   Kubernetes %s (libraries)\n", orUnknown(v.KubernetesLib))
	fmt.Fprintf(&b, "data of      %s: Kubernetes %s, Kubeflow %s\n", v.Data.Date, ends(v.Data.Kubernetes), ends(v.Data.Kubeflow))
	return writeOut(o.program, b.Bytes())
}

func orUnknown(s string) string {
	if s == "" {
		return "(not built in)"
	}
	return s
}

// dependency is the version of a module that is linked in, empty for none.
func dependency(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return ""
}

// kubernetesOf turns the version of a staging module into Kubernetes' own.
func kubernetesOf(version string) string {
	if rest, ok := strings.CutPrefix(version, "0."); ok {
		return "1." + rest
	}
	return version
}
