package helm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"
)

// helmTemplate does what the command helm template --include-crds does, with
// Helm's own engine (cmd/helm/template.go and install.go).
func helmTemplate(path string, opts Options) (string, error) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	client := action.NewInstall(new(action.Configuration))
	kubeVersion := opts.KubeVersion
	if kubeVersion == "" {
		kubeVersion = DefaultKubeVersion
	}
	parsed, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return "", err
	}
	client.KubeVersion = parsed
	client.DryRunOption = "true"
	client.DryRun = true
	client.ReleaseName = "release-name"
	if opts.ReleaseName != "" {
		client.ReleaseName = opts.ReleaseName
	}
	client.Replace = true
	client.ClientOnly = true
	client.APIVersions = opts.APIVersions
	client.IncludeCRDs = !opts.NoCRDs
	client.IsUpgrade = opts.IsUpgrade
	client.SkipSchemaValidation = opts.SkipSchemaValidation
	client.Namespace = "default"
	if opts.Namespace != "" {
		client.Namespace = opts.Namespace
	}
	valueOptions := values.Options{
		ValueFiles: opts.ValueFiles, Values: opts.Set, StringValues: opts.SetString,
		FileValues: opts.SetFile, JSONValues: opts.SetJSON, LiteralValues: opts.SetLiteral,
	}
	merged, err := valueOptions.MergeValues(getter.All(cli.New()))
	if err != nil {
		return "", err
	}
	chart, err := loader.Load(path)
	if err != nil {
		return "", err
	}
	if chart.Metadata.Type != "" && chart.Metadata.Type != "application" {
		return "", fmt.Errorf("%s charts are not installable", chart.Metadata.Type)
	}
	if dependencies := chart.Metadata.Dependencies; dependencies != nil {
		if err := action.CheckDependencies(chart, dependencies); err != nil {
			return "", err
		}
	}
	release, err := client.Run(chart, merged)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	fmt.Fprintln(&out, strings.TrimSpace(release.Manifest))
	if !opts.NoHooks {
		for _, hook := range release.Hooks {
			if opts.SkipTests && isTest(hook) {
				continue
			}
			fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
		}
	}
	return out.String(), nil
}

// compare renders with Helm and with this package.
func compare(t *testing.T, path string, opts Options) {
	t.Helper()
	want, wantErr := helmTemplate(path, opts)
	got, err := Render(context.Background(), Disk{}, path, opts)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v; helm's is %v", err, wantErr)
	}
	if err != nil {
		t.Logf("both refuse:\n%v\n%v", err, wantErr)
		return
	}
	if string(got.Manifest) != want {
		t.Errorf("%s\nwant %s", got.Manifest, want)
	}
	if _, err := got.Objects(); err != nil {
		t.Logf("objects: %v", err)
	}
}
