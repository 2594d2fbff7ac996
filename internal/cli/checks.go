package cli

import (
	"bytes"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

type listChecks struct {
	*program
	output choice
}

func newChecks(s *program) *cobra.Command {
	o := &listChecks{program: s, output: choice{"text", []string{"text", "json"}}}
	cmd := &cobra.Command{
		Use:        "checks [CHECK...]",
		SuggestFor: []string{"list", "rules"},
		Short:      "List the checks",
		Long:       `Lists all checks, or those of the given ids, families or globs.`,
		Example: `  kfpreflight checks

  kfpreflight checks rbac 'oidc/*' -o json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: s.completeChecks,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	cmd.Flags().VarP(&o.output, "output", "o", "write as `FORMAT`: text or json")
	o.output.complete(cmd, "output")
	return cmd
}

// described is a check in the json output.
type described struct {
	ID       string   `json:"id"`
	Family   string   `json:"family"`
	Severity string   `json:"severity"`
	Title    string   `json:"title"`
	Doc      string   `json:"doc"`
	Fix      string   `json:"fix"`
	Refs     []string `json:"refs"`
	Since    string   `json:"since"`
	On       string   `json:"on"` // render or upgrade
}

func (o *listChecks) run(names []string) error {
	list, err := runner.Select(o.checks, config.Selection{Only: names})
	if err != nil {
		return &usageError{err: err}
	}
	var b bytes.Buffer
	if o.output.value == "text" {
		table(&b, list)
		return writeOut(o.program, b.Bytes())
	}
	descriptions := []described{}
	for _, check := range list {
		descriptions = append(descriptions, describe(check))
	}
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(descriptions); err != nil {
		return err
	}
	return writeOut(o.program, b.Bytes())
}

func describe(check *checks.Check) described {
	d := described{
		ID: check.ID, Family: check.Family(), Severity: check.Severity.String(), Title: check.Title(),
		Doc: check.Text(), Fix: check.Fix, Refs: check.Refs, Since: check.Since, On: "render",
	}
	if check.Compare != nil {
		d.On = "upgrade"
	}
	return d
}
