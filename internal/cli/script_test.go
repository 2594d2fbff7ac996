package cli

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
)

// scripted are checks that do what the key of a ConfigMap says, so that scripts
// can bring about every outcome.
func scripted() []*checks.Check {
	on := func(key string, do func(*checks.Pass, inventory.Place)) func(*checks.Pass) {
		return func(pass *checks.Pass) {
			found := false
			for o := range pass.Render.Of(inventory.GroupKind{Kind: "ConfigMap"}) {
				if _, ok := o.At("data", key).Value(); ok {
					found = true
					do(pass, o.At("data", key))
				}
			}
			if !found && key == "ghost" {
				pass.NotApplicable()
			}
		}
	}
	report := func(pass *checks.Pass, at inventory.Place) {
		pass.Reportf(at, "%s says %s", at.Object.Key, at.Text())
	}
	check := func(id string, severity checks.Severity, run func(*checks.Pass)) *checks.Check {
		return &checks.Check{
			ID: id, Severity: severity, Run: run, Since: "0.1.0",
			Doc: "says what the manifests say\n\nIt is for scripts.", Fix: "Say something else.", Refs: []string{"owner/repo#1"},
		}
	}
	list := []*checks.Check{
		check("test/break", checks.Error, on("break", report)),
		check("test/warn", checks.Warning, on("warn", report)),
		check("test/note", checks.Info, on("note", report)),
		check("test/undecided", checks.Error, on("undecided", func(pass *checks.Pass, at inventory.Place) {
			if pass.Cluster.StorageClasses == nil {
				pass.Undecidedf(at, "%s needs the storage classes of the cluster", at.Object.Key)
			}
		})),
		check("test/target", checks.Info, on("target", func(pass *checks.Pass, at inventory.Place) {
			pass.Reportf(at, "Kubernetes %q, Kubeflow %q", pass.Target.Kubernetes, pass.Target.Kubeflow)
		})),
		check("slow/sleep", checks.Error, on("sleep", func(*checks.Pass, inventory.Place) { time.Sleep(time.Minute) })),
		check("slow/panic", checks.Error, on("panic", func(_ *checks.Pass, at inventory.Place) { panic(at.Text()) })),
		check("other/ghost", checks.Error, on("ghost", report)),
	}
	return append(list, runner.Checks...)
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kfpreflight": func() {
			p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, checks: scripted()}
			os.Exit(p.run(os.Args[1:]))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
		},
		Setup: func(env *testscript.Env) error {
			// A repository of its own, so that no configuration above is found.
			return os.Mkdir(env.WorkDir+"/.git", 0o755)
		},
	})
}

// code runs a command and wants its exit code: code 2 kfpreflight …
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [argument...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = exitCode(err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
func exitCode(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}
