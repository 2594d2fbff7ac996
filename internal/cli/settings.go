package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

// settings are the flags that a configuration file also holds.
type settings struct {
	configFlags
	known []*checks.Check

	enable, disable, only []string

	failOn          choice
	failOnUndecided bool

	kubeflow string
}

func (o *settings) register(cmd *cobra.Command, p *program) {
	o.known = p.checks
	o.configFlags.register(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.enable, "enable", nil, "run these `CHECKS` too: ids, families or globs")
	f.StringSliceVar(&o.disable, "disable", nil, "do not run these `CHECKS`; beats --enable")
	f.StringSliceVar(&o.only, "only", nil, "run these `CHECKS` and no others")
	o.failOn = choice{"error", []string{"error", "warning", "info", "never"}}
	f.Var(&o.failOn, "fail-on", "exit with 1 on findings of this `SEVERITY` or worse: error, warning, info or never")
	f.BoolVar(&o.failOnUndecided, "fail-on-undecided", false, "exit with 1 where a check could not tell, too")
	f.StringVar(&o.kubeflow, "kubeflow-version", "", "the `RELEASE` of Kubeflow, as 1.10.2; detected from the images by default")
	o.failOn.complete(cmd, "fail-on")
	for _, flag := range []string{"enable", "disable", "only"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, p.completeChecks)
	}
	_ = cmd.RegisterFlagCompletionFunc("kubeflow-version", cobra.FixedCompletions(kubeflow.Versions(), cobra.ShellCompDirectiveNoFileComp))
}

func (p *program) completeChecks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, check := range p.checks {
		names = append(names, check.ID+"\t"+check.Title())
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// resolved are the settings of a run: flags over environment over file over
// defaults.
type resolved struct {
	config          *config.Config // never nil; without File where none was read
	selected        []*checks.Check
	failOn          string
	failOnUndecided bool
	target          checks.Target // an empty release is yet to be detected
}

func (o *settings) resolve(cmd *cobra.Command) (*resolved, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, err
	}
	r := &resolved{config: cfg, failOn: o.failOn.value, failOnUndecided: o.failOnUndecided}
	changed := cmd.Flags().Changed
	if !changed("fail-on") && cfg.FailOn != "" {
		r.failOn = cfg.FailOn
	}
	if !changed("fail-on-undecided") {
		r.failOnUndecided = cfg.FailOnUndecided
	}
	if err := verify(cfg, o.known); err != nil {
		return nil, &usageError{err: err}
	}
	for _, flag := range []struct {
		name   string
		values []string
	}{{"enable", o.enable}, {"disable", o.disable}, {"only", o.only}} {
		for _, value := range flag.values {
			if _, err := runner.Matching(o.known, value); err != nil {
				return nil, &usageError{err: fmt.Errorf("--%s: %w", flag.name, err), hint: "kfpreflight checks"}
			}
		}
	}
	r.selected, err = runner.Select(o.known, cfg.Checks, config.Selection{Enable: o.enable, Disable: o.disable, Only: o.only})
	if err != nil {
		return nil, &usageError{err: err}
	}
	// A run that looks at nothing must not end as one that found nothing.
	if !slices.ContainsFunc(r.selected, func(c *checks.Check) bool { return c.Run != nil && !slices.Contains(runner.Checks, c) }) {
		return nil, usagef("no check is left to run: see --only, --enable and --disable, and checks in the configuration")
	}
	return r, r.versions(o)
}

// versions settles the target. The release of the file was verified already.
func (r *resolved) versions(o *settings) error {
	version, err := o.version(r.config)
	if err != nil {
		return err
	}
	release := r.config.KubeflowVersion
	if o.kubeflow != "" {
		release = o.kubeflow
	}
	if release != "" {
		if release, err = kubeflow.ParseRelease(release); err != nil {
			return usagef("--kubeflow-version: %w", err)
		}
	}
	r.target = checks.Target{Kubernetes: version, Kubeflow: release}
	r.config.Cluster.KubernetesVersion = version
	return nil
}

// configFlags say which configuration is read, and what a render needs of it.
type configFlags struct {
	config     string
	noConfig   bool
	kubernetes string
}

func (o *configFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "read this `FILE` instead of looking for "+config.Name)
	f.BoolVar(&o.noConfig, "no-config", false, "read no configuration")
	f.StringVar(&o.kubernetes, "kubernetes-version", "", "the `VERSION` of the cluster, as 1.34")
	_ = cmd.RegisterFlagCompletionFunc("kubernetes-version", cobra.FixedCompletions(kubeflow.KubernetesVersions(), cobra.ShellCompDirectiveNoFileComp))
}

// version is the cluster's: the flag's, else the file's, else unknown.
func (o *configFlags) version(cfg *config.Config) (string, error) {
	if o.kubernetes != "" {
		version, err := kubeflow.ParseKubernetes(o.kubernetes)
		if err != nil {
			return "", usagef("--kubernetes-version: %w", err)
		}
		return version, nil
	}
	if cfg.Cluster.KubernetesVersion == "" {
		return "", nil
	}
	version, err := kubeflow.ParseKubernetes(cfg.Cluster.KubernetesVersion)
	if err != nil {
		return "", &usageError{err: cfg.Errorf(inventory.Path{"cluster", "kubernetesVersion"}, "%w", err)}
	}
	return version, nil
}

// load reads the configuration: the file that was named, or the one found.
func (o *configFlags) load() (*config.Config, error) {
	if o.noConfig {
		if o.config != "" {
			return nil, usagef("--config and --no-config contradict each other")
		}
		return &config.Config{}, nil
	}
	name := o.config
	if name == "" {
		found, err := config.Find(".")
		if err != nil {
			return nil, &usageError{err: fmt.Errorf("looking for %s: %w", config.Name, err)}
		}
		if found == "" {
			return &config.Config{}, nil
		}
		name = fromHere(found)
	}
	cfg, err := config.Load(name)
	if err != nil {
		return nil, &usageError{err: err}
	}
	return cfg, nil
}

// verify finds what the format allows and this program does not know: checks
// and versions.
func verify(cfg *config.Config, list []*checks.Check) error {
	if cfg.File == "" {
		return nil
	}
	var errs []error
	known := func(name string, path ...any) {
		if _, err := runner.Matching(list, name); err != nil {
			errs = append(errs, cfg.Errorf(inventory.MakePath(path...), "%w", err))
		}
	}
	for i, name := range cfg.Checks.Enable {
		known(name, "checks", "enable", i)
	}
	for i, name := range cfg.Checks.Disable {
		known(name, "checks", "disable", i)
	}
	for i, name := range cfg.Checks.Only {
		known(name, "checks", "only", i)
	}
	for i := range cfg.Ignore {
		known(cfg.Ignore[i].Check, "ignore", i, "check")
	}
	if v := cfg.Cluster.KubernetesVersion; v != "" {
		if _, err := kubeflow.ParseKubernetes(v); err != nil {
			errs = append(errs, cfg.Errorf(inventory.Path{"cluster", "kubernetesVersion"}, "%w", err))
		}
	}
	if v := cfg.KubeflowVersion; v != "" {
		if _, err := kubeflow.ParseRelease(v); err != nil {
			errs = append(errs, cfg.Errorf(inventory.Path{"kubeflowVersion"}, "%w", err))
		}
	}
	return errors.Join(errs...)
}

// fromHere names a file from the working folder, where that is no longer.
func fromHere(name string) string {
	here, err := os.Getwd()
	if err != nil {
		return name
	}
	rel, err := filepath.Rel(here, name)
	if err != nil {
		return name
	}
	return rel
}

// relativeTo returns a function that names files, given from the working
// folder, from another one; false means that they lie outside of it.
func relativeTo(base string) func(file string) (string, bool) {
	return func(file string) (string, bool) {
		if file == "-" || base == "" {
			return file, true
		}
		absolute, err := filepath.Abs(filepath.FromSlash(file))
		if err != nil {
			return file, false
		}
		rel, err := filepath.Rel(base, absolute)
		if err != nil {
			return filepath.ToSlash(absolute), false
		}
		if rel = filepath.ToSlash(rel); rel == ".." || strings.HasPrefix(rel, "../") {
			return filepath.ToSlash(absolute), false
		}
		return rel, true
	}
}
