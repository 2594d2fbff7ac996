package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/kfpreflight/kfpreflight/internal/config"
)

func newConfig(s *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Write or verify the configuration",
		Long:    `Writes a commented ` + config.Name + ` to start from, or verifies one.`,
		Example: "  kfpreflight config init\n\n  kfpreflight config verify",
		Args:    cobra.ArbitraryArgs,
		RunE:    group,
	}
	cmd.AddCommand(newConfigInit(s), newConfigVerify(s))
	return cmd
}

func newConfigInit(s *program) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented configuration to start from",
		Long: `Writes ` + config.Name + ` into the working folder, or FILE. Everything in it is
commented out: a fact that is not given is unknown, and checks that need it say
so. A file that exists is never overwritten.`,
		Example: "  kfpreflight config init",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := config.Name
			if len(args) > 0 {
				name = args[0]
			}
			return initConfig(s, name)
		},
	}
}

func initConfig(s *program, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s exists and is left as it is; kfpreflight config verify checks it", name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, withoutPath(err))
	}
	_, err = f.WriteString(config.Template)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, withoutPath(err))
	}
	return writeOut(s, []byte("wrote "+name+"\n"))
}

func newConfigVerify(s *program) *cobra.Command {
	return &cobra.Command{
		Use:     "verify [FILE]",
		Short:   "Verify a configuration",
		Long:    `Verifies FILE, or the ` + config.Name + ` that render-check would read here: its form, and that the checks and versions it names exist.`,
		Example: "  kfpreflight config verify",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o := configFlags{}
			if len(args) > 0 {
				o.config = args[0]
			}
			cfg, err := o.load()
			if err != nil {
				return err
			}
			if cfg.File == "" {
				return usagef("no %s here or above; kfpreflight config init writes one", config.Name)
			}
			if err := verify(cfg, s.checks); err != nil {
				return &usageError{err: err}
			}
			return writeOut(s, []byte(cfg.File+" is valid\n"))
		},
	}
}
