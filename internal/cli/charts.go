package cli

import (
	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/render/helm"
)

// charts are the flags that only Helm charts need.
type charts struct {
	values                  []string
	set, setString, setFile []string
	namespace, release      string
}

func (c *charts) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&c.values, "values", "f", nil, "chart values from this `FILE`; may be repeated")
	f.StringArrayVar(&c.set, "set", nil, "chart value, as `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&c.setString, "set-string", nil, "chart value that is a text, as `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&c.setFile, "set-file", nil, "chart value from a file, as `KEY=FILE`; may be repeated")
	f.StringVarP(&c.namespace, "namespace", "n", "", "`NAMESPACE` that charts are installed in (default \"default\")")
	f.StringVar(&c.release, "release-name", "", "`NAME` of the charts' release (default \"release-name\")")
}

// options are Helm's; kubernetes is the version of the cluster, where known.
func (c *charts) options(kubernetes string) helm.Options {
	o := helm.Options{
		ReleaseName: c.release, Namespace: c.namespace,
		ValueFiles: c.values, Set: c.set, SetString: c.setString, SetFile: c.setFile,
	}
	if kubernetes != "" {
		o.KubeVersion = "v" + kubernetes + ".0"
	}
	return o
}

// unused refuses flags that no source heeds.
func (c *charts) unused() error {
	if c.options("").HasValues() || c.namespace != "" {
		return usagef("--values, --set, --set-string, --set-file, --namespace and --release-name are for Helm charts, and no source is one")
	}
	return nil
}
