// Package checktest runs a family's checks on their archives.
//
// Each check has an archive testdata/<problem_in_words>.txtar beside it. Each
// top directory of the archive is a case: a platform of plain YAML files, and
// optionally a .kfpreflight.yaml with cluster facts and the target:
//
//	-- bad/role.yaml --
//	kind: ClusterRole
//	...
//	  verbs: ["*"] # want "grants every verb on .notebooks"
//	-- good/role.yaml --
//	...
//
// A comment `# want "re"` says that the check reports a finding on that line
// whose message matches the regular expression; several may follow each other.
// `# undecided "re"` expects an undecided one. `# want+2 "re"` means the second
// line below, which reaches into block scalars, where # is content.
//
// Run fails on a finding that no want expects, an unmet want, an archive
// without check, a check without archive, and an archive that lacks a case with
// findings or one without any. Each check runs twice over the same inventory:
// one that changes what it reads fails.
package checktest

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// Run tests a family's checks against the archives in testdata.
func Run(t *testing.T, family []*checks.Check) {
	t.Helper()
	RunWith(t, family, runner.Options{})
}

// RunWith is [Run] with options for the runs, such as a server; cases add their
// facts and target.
func RunWith(t *testing.T, family []*checks.Check, opts runner.Options) {
	t.Helper()
	archives := map[string]bool{}
	for _, check := range family {
		file := ArchiveName(check)
		archives[file] = true
		t.Run(check.Problem(), func(t *testing.T) {
			if err := check.Validate(); err != nil {
				t.Error(err)
			}
			archive, err := txtar.ParseFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatalf("a check needs an archive: %v", err)
			}
			runArchive(t, check, archive, opts)
		})
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".txtar") && !archives[entry.Name()] {
			t.Errorf("testdata/%s belongs to no check", entry.Name())
		}
	}
}

// ArchiveName is the file name of a check's archive.
func ArchiveName(check *checks.Check) string {
	return strings.ReplaceAll(check.Problem(), "-", "_") + ".txtar"
}

func runArchive(t *testing.T, check *checks.Check, archive *txtar.Archive, base runner.Options) {
	var withFindings, without bool
	for _, c := range Cases(archive) {
		t.Run(c.Name, func(t *testing.T) {
			wants, err := Wants(c.Files)
			if err != nil {
				t.Fatal(err)
			}
			var reported bool
			for _, w := range wants {
				reported = reported || !w.Undecided
			}
			withFindings = withFindings || reported
			without = without || !reported
			var first []string
			var findings []*checks.Finding
			inv, opts := c.load(t, base)
			for run := range 2 {
				result, err := runner.Run(context.Background(), inv, []*checks.Check{check}, opts)
				if err != nil {
					t.Fatal(err)
				}
				findings = result.Findings
				var texts []string
				for _, f := range findings {
					texts = append(texts, describe(f))
				}
				if run == 0 {
					first = texts
				} else if !slices.Equal(first, texts) {
					t.Errorf("a second run over the same inventory answers differently: does the check change what it reads?\nfirst:  %q\nsecond: %q", first, texts)
				}
			}
			Match(t, wants, findings, func(f *checks.Finding) string { return f.Message })
		})
	}
	if !withFindings || !without {
		t.Errorf("the archive needs a case with findings and one without")
	}
}

func describe(f *checks.Finding) string {
	origin := f.Place.Origin()
	text := fmt.Sprintf("%s:%d: %s: %s [%s]", origin.File, origin.Line, f.Severity, f.Message, f.Place.Field())
	if f.Undecided {
		text += " (undecided)"
	}
	return text
}

// Match holds findings against what was wanted: each finding needs a want at
// its line whose pattern its text matches, and each want a finding.
func Match(t *testing.T, wants []*Want, findings []*checks.Finding, text func(*checks.Finding) string) {
	t.Helper()
	met := map[*Want]bool{}
	for _, f := range findings {
		origin := f.Place.Origin()
		i := slices.IndexFunc(wants, func(w *Want) bool {
			return !met[w] && w.Undecided == f.Undecided && w.File == origin.File && w.Line == origin.Line && w.Re.MatchString(text(f))
		})
		if i < 0 {
			t.Errorf("unexpected finding: %s", describe(f))
			continue
		}
		met[wants[i]] = true
	}
	for _, w := range wants {
		if !met[w] {
			t.Errorf("%s:%d: no finding matches %q", w.File, w.Line, w.Re)
		}
	}
}

// A Case is one platform of an archive.
type Case struct {
	Name  string
	Files []txtar.File // names without the case's directory
}

// Cases splits an archive by its top directories, in the archive's order.
func Cases(archive *txtar.Archive) []*Case {
	var cases []*Case
	for _, file := range archive.Files {
		name, rest, ok := strings.Cut(path.Clean(file.Name), "/")
		if !ok {
			name, rest = ".", file.Name
		}
		i := slices.IndexFunc(cases, func(c *Case) bool { return c.Name == name })
		if i < 0 {
			i = len(cases)
			cases = append(cases, &Case{Name: name})
		}
		cases[i].Files = append(cases[i].Files, txtar.File{Name: rest, Data: file.Data})
	}
	return cases
}

func (c *Case) load(t *testing.T, opts runner.Options) (*inventory.Inventory, runner.Options) {
	t.Helper()
	var objects []*inventory.Object
	for _, file := range c.Files {
		if file.Name == config.Name {
			cfg, err := config.Parse(file.Name, file.Data)
			if err != nil {
				t.Fatal(err)
			}
			opts.Cluster = &cfg.Cluster
			opts.Target = checks.Target{Kubernetes: cfg.Cluster.KubernetesVersion, Kubeflow: cfg.KubeflowVersion}
			continue
		}
		found, err := manifest.Parse(file.Name, file.Data)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, found...)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	return inv, opts
}

// A Want is a finding that a comment asks for.
type Want struct {
	File      string
	Line      int
	Re        *regexp.Regexp
	Undecided bool
}

var (
	wantComment = regexp.MustCompile(`#\s*(want|undecided)(\+\d+)?((?:\s+(?:"(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `))+)`)
	quoted      = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|` + "`[^`]*`")
)

// Wants reads the comments of files.
func Wants(files []txtar.File) ([]*Want, error) {
	var wants []*Want
	for _, file := range files {
		for i, line := range strings.Split(string(file.Data), "\n") {
			for _, m := range wantComment.FindAllStringSubmatch(line, -1) {
				at := i + 1
				if m[2] != "" {
					offset, err := strconv.Atoi(m[2][1:])
					if err != nil {
						return nil, err
					}
					at += offset
				}
				for _, q := range quoted.FindAllString(m[3], -1) {
					text, err := strconv.Unquote(q)
					if err != nil {
						return nil, fmt.Errorf("%s:%d: %s: %w", file.Name, i+1, q, err)
					}
					re, err := regexp.Compile(text)
					if err != nil {
						return nil, fmt.Errorf("%s:%d: %w", file.Name, i+1, err)
					}
					wants = append(wants, &Want{File: file.Name, Line: at, Re: re, Undecided: m[1] == "undecided"})
				}
			}
		}
	}
	return wants, nil
}
