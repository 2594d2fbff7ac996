// Package docs writes the page of each check from the check itself and from
// the cases that test it: the documented examples are tested ones.
package docs

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/runner"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// Pages writes all pages and their index, by file name below docs/checks.
// The module's root holds the archives of the families.
func Pages(root fs.FS, list []*checks.Check) (map[string]string, error) {
	pages := map[string]string{"README.md": index(list)}
	for _, check := range list {
		archive, err := archiveOf(root, check)
		if err != nil {
			return nil, err
		}
		page, err := Page(check, archive)
		if err != nil {
			return nil, fmt.Errorf("writing the page of %s: %w", check.ID, err)
		}
		pages[check.ID+".md"] = page
	}
	return pages, nil
}

// archiveOf reads a check's archive; the program's own checks have none.
func archiveOf(root fs.FS, check *checks.Check) (*txtar.Archive, error) {
	if slices.Contains(runner.Checks, check) {
		return nil, nil
	}
	data, err := fs.ReadFile(root, path.Join("checks", check.Family(), "testdata", strings.ReplaceAll(check.Problem(), "-", "_")+".txtar"))
	if err != nil {
		return nil, fmt.Errorf("reading the archive of %s: %w", check.ID, err)
	}
	return txtar.Parse(data), nil
}

func index(list []*checks.Check) string {
	var b strings.Builder
	b.WriteString("# Checks\n\nWritten by `make docs`; do not edit.\n")
	family := ""
	for _, check := range list {
		if check.Family() != family {
			family = check.Family()
			fmt.Fprintf(&b, "\n## %s\n\n| Check | Severity | |\n| --- | --- | --- |\n", family)
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", check.ID, check.ID, check.Severity, strings.ReplaceAll(check.Title(), "|", `\|`))
	}
	return b.String()
}

// Page writes the page of one check; archive may be nil.
func Page(check *checks.Check, archive *txtar.Archive) (string, error) {
	var b strings.Builder
	kind := "examines one render"
	if check.Compare != nil {
		kind = "examines the step from one render to the next"
	}
	fmt.Fprintf(&b, "# %s\n\n%s\n\n%s · %s · since %s\n\n%s\n\n## Fix\n\n%s\n", check.ID, sentence(check.Title()), check.Severity, kind, check.Since, check.Text(), check.Fix)
	if archive != nil {
		bad, good := pick(archive)
		shown := map[string]bool{}
		if bad != nil {
			findings, err := bad.run(check)
			if err != nil {
				return "", err
			}
			b.WriteString("\n## Reported\n" + bad.example(findings, shown))
		}
		if good != nil {
			b.WriteString("\n## Not reported\n" + good.example(nil, shown))
		}
	}
	if check.Family() != "config" {
		fmt.Fprintf(&b, "\n## Accepting it\n\nIn `%s`:\n\n```yaml\nignore:\n- check: %s\n  object: Kind/namespace/name\n  reason: why this is accepted\n```\n\nor beside the line, or above it:\n\n```yaml\n# kfpreflight:ignore %s why this is accepted\n```\n", config.Name, check.ID, check.ID)
	}
	b.WriteString("\n## References\n\n")
	for _, ref := range check.Refs {
		fmt.Fprintf(&b, "* %s\n", link(ref))
	}
	return b.String(), nil
}

func sentence(title string) string {
	if title == "" {
		return ""
	}
	return strings.ToUpper(title[:1]) + title[1:] + "."
}

var issue = regexp.MustCompile(`^([\w.-]+/[\w.-]+)#(\d+)$`)

// link makes owner/repo#number and URLs clickable, and leaves all else.
func link(ref string) string {
	if m := issue.FindStringSubmatch(ref); m != nil {
		return fmt.Sprintf("[%s](https://github.com/%s/issues/%s)", ref, m[1], m[2])
	}
	if strings.HasPrefix(ref, "https://") {
		return "<" + ref + ">"
	}
	return ref
}

// A platform is one case of an archive: a top directory.
type platform struct {
	name  string
	files []txtar.File
}

// pick finds the first case with findings and the first without.
func pick(archive *txtar.Archive) (bad, good *platform) {
	var cases []*platform
	for _, file := range archive.Files {
		name, rest, ok := strings.Cut(path.Clean(file.Name), "/")
		if !ok {
			name, rest = ".", file.Name
		}
		i := slices.IndexFunc(cases, func(c *platform) bool { return c.name == name })
		if i < 0 {
			i = len(cases)
			cases = append(cases, &platform{name: name})
		}
		cases[i].files = append(cases[i].files, txtar.File{Name: rest, Data: file.Data})
	}
	for _, c := range cases {
		reported, undecided := false, false
		for _, file := range c.files {
			for _, m := range want.FindAllStringSubmatch(string(file.Data), -1) {
				reported = reported || m[1] == "want"
				undecided = undecided || m[1] == "undecided"
			}
		}
		if bad == nil && reported {
			bad = c
		}
		if good == nil && !reported && !undecided {
			good = c
		}
	}
	return bad, good
}

var (
	want = regexp.MustCompile(`[ \t]*#\s*(want|undecided)(?:\+\d+)?(?:\s+(?:"(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `))+[ \t]*`)
	// A line that held nothing but an expectation goes with it.
	wantLine = regexp.MustCompile(`(?m)^` + want.String() + `\n`)
)

// manyLines is from where a file is long: the documents of it that have no part
// in what is shown are then left out.
const manyLines = 40

// example shows the files of a case without the expectations of the test, the
// lines with findings marked by what the check really says of them. What was
// shown before is not shown again where the file is long.
func (c *platform) example(findings []*checks.Finding, shown map[string]bool) string {
	marks := map[inventory.Origin]string{}
	part := map[string]map[int]bool{} // lines of a file that findings are about
	touch := func(o inventory.Origin) {
		if part[o.File] == nil {
			part[o.File] = map[int]bool{}
		}
		part[o.File][o.Line] = true
	}
	for _, f := range findings {
		origin := f.Place.Origin()
		touch(origin)
		for _, related := range f.Related {
			touch(related.Place.Origin())
		}
		text := f.Message
		if f.Undecided {
			text = "undecided: " + text
		}
		at := inventory.Origin{File: origin.File, Line: origin.Line}
		if before := marks[at]; before != "" {
			text = before + "; " + text
		}
		marks[at] = text
	}
	var b strings.Builder
	var hidden []string
	for _, file := range c.files {
		source := strings.Split(strings.TrimRight(string(file.Data), "\n"), "\n")
		var lines, document []string
		concerned := false
		flush := func() {
			text := strings.Join(document, "\n")
			if len(source) > manyLines && !concerned && (len(findings) > 0 || shown[text]) {
				document = []string{"# … " + nameOf(text)}
			}
			shown[text] = true
			lines = append(lines, document...)
			document, concerned = nil, false
		}
		for i, line := range source {
			if strings.TrimSpace(want.ReplaceAllString(line, "")) == "---" {
				flush()
				lines = append(lines, "---")
				continue
			}
			alone := wantLine.MatchString(line + "\n")
			line = want.ReplaceAllString(line, "")
			concerned = concerned || part[file.Name][i+1]
			if mark := marks[inventory.Origin{File: file.Name, Line: i + 1}]; mark != "" {
				line += " # ← " + mark
			} else if alone {
				continue
			}
			document = append(document, line)
		}
		flush()
		lines = fold(lines)
		if !slices.ContainsFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "# … ") }) {
			hidden = append(hidden, "`"+file.Name+"`")
			continue
		}
		text := strings.Join(lines, "\n")
		fence := "```"
		for strings.Contains(text, fence) {
			fence += "`"
		}
		fmt.Fprintf(&b, "\n`%s`:\n\n%syaml\n%s\n%s\n", file.Name, fence, text, fence)
	}
	if len(hidden) > 0 {
		fmt.Fprintf(&b, "\nThe rest of the platform (%s) is not shown.\n", strings.Join(hidden, ", "))
	}
	return b.String()
}

// fold joins documents that are left out and follow each other.
func fold(lines []string) []string {
	var folded []string
	for _, line := range lines {
		if n := len(folded); n >= 2 && strings.HasPrefix(line, "# … ") && folded[n-1] == "---" && strings.HasPrefix(folded[n-2], "# … ") {
			folded = append(folded[:n-1], line)
			continue
		}
		folded = append(folded, line)
	}
	return folded
}

var (
	kindLine = regexp.MustCompile(`(?m)^kind: *(\S+)`)
	nameLine = regexp.MustCompile(`(?m)^(?:metadata: *\{ *|  )name: *([^\s,}]+)`)
)

// nameOf says in a few words what document is left out.
func nameOf(document string) string {
	kind, name := kindLine.FindStringSubmatch(document), nameLine.FindStringSubmatch(document)
	if kind == nil || name == nil {
		return "more of the platform"
	}
	return kind[1] + " " + name[1]
}

func (c *platform) run(check *checks.Check) ([]*checks.Finding, error) {
	if check.Run == nil {
		return nil, nil
	}
	var objects []*inventory.Object
	var opts runner.Options
	for _, file := range c.files {
		if file.Name == config.Name {
			cfg, err := config.Parse(file.Name, file.Data)
			if err != nil {
				return nil, err
			}
			opts.Cluster = &cfg.Cluster
			opts.Target = checks.Target{Kubernetes: cfg.Cluster.KubernetesVersion, Kubeflow: cfg.KubeflowVersion}
			continue
		}
		found, err := manifest.Parse(file.Name, file.Data)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		return nil, err
	}
	result, err := runner.Run(context.Background(), inv, []*checks.Check{check}, opts)
	if err != nil {
		return nil, err
	}
	return result.Findings, nil
}
