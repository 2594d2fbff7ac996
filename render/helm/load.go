package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// Limits of a chart, subcharts and unpacked archives included. Helm bounds one
// archive at 100 MiB and one file at 5 MiB; it does not bound how many entries
// or nested archives there are.
const (
	maxChartFiles  = 20_000
	maxChartBytes  = 100 << 20
	maxChartFile   = 5 << 20 // loader.MaxDecompressedFileSize
	maxChartDepth  = 32      // subcharts in subcharts
	maxFolderDepth = 64
)

// A FileSystem is where charts are read from. kustomize's file systems are of
// this shape.
type FileSystem interface {
	ReadFile(path string) ([]byte, error)
	ReadDir(path string) ([]string, error)
	IsDir(path string) bool
	Exists(path string) bool
}

// Disk is the machine's file system, within the limits of package input.
type Disk struct{}

// ReadFile implements [FileSystem].
func (Disk) ReadFile(path string) ([]byte, error) { return input.ReadFile(path) }

// ReadDir implements [FileSystem]; the names are sorted.
func (Disk) ReadDir(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, input.PathError(path, err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// IsDir implements [FileSystem].
func (Disk) IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Exists implements [FileSystem].
func (Disk) Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A loaded chart knows where each of its files lies.
type loaded struct {
	chart *chart.Chart
	// files gives the path, as the user would write it, of every file of the
	// chart and its subcharts. Helm copies charts when it processes
	// dependencies, but not their files.
	files map[*chart.File]string
}

// A chartFile is a file of a chart and where it was found.
type chartFile struct {
	name   string // in its chart, slash-separated
	origin string
	data   []byte
}

// chartLoader loads one chart and keeps account of what it has read.
type chartLoader struct {
	ctx   context.Context
	fs    FileSystem
	files map[*chart.File]string
	count int
	bytes int64
	top   string
}

// load reads a chart's folder or archive.
func load(ctx context.Context, fsys FileSystem, at string) (*loaded, error) {
	l := &chartLoader{ctx: ctx, fs: fsys, files: map[*chart.File]string{}, top: slashed(at)}
	var files []chartFile
	var err error
	if fsys.IsDir(at) {
		files, err = l.folder(at)
	} else {
		var data []byte
		if data, err = fsys.ReadFile(at); err == nil {
			files, err = l.archive(slashed(at), data)
		}
	}
	if err != nil {
		return nil, asInputError(l.top, err)
	}
	c, err := l.chart(l.top, files, 0)
	if err != nil {
		return nil, err
	}
	return &loaded{c, l.files}, nil
}

func slashed(p string) string { return filepath.ToSlash(filepath.Clean(p)) }

// folder reads a chart's folder as Helm does: sorted, symbolic links followed,
// .helmignore obeyed.
func (l *chartLoader) folder(dir string) ([]chartFile, error) {
	rules := ignore.Empty()
	if ignoreFile := filepath.Join(dir, ignore.HelmIgnore); l.fs.Exists(ignoreFile) {
		data, err := l.fs.ReadFile(ignoreFile)
		if err != nil {
			return nil, asInputError(slashed(ignoreFile), err)
		}
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, input.Errorf(slashed(ignoreFile), 0, "%w", err)
		}
	}
	rules.AddDefaults()
	var files []chartFile
	var walk func(name string, depth int) error
	walk = func(name string, depth int) error {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := l.ctx.Err(); err != nil {
			return context.Cause(l.ctx)
		}
		if depth > maxFolderDepth {
			return input.Errorf(slashed(full), 0, "folders are nested deeper than %d", maxFolderDepth)
		}
		names, err := l.fs.ReadDir(full)
		if err != nil {
			return asInputError(slashed(full), err)
		}
		slices.Sort(names)
		for _, base := range names {
			rel := path.Join(name, base)
			full := filepath.Join(dir, filepath.FromSlash(rel))
			isDir := l.fs.IsDir(full)
			if rules.Ignore(rel, fileInfo{base, isDir}) {
				continue
			}
			if err := input.LinkLoop(full); err != nil {
				return err
			}
			if isDir {
				if err := walk(rel, depth+1); err != nil {
					return err
				}
				continue
			}
			data, err := l.fs.ReadFile(full)
			if err != nil {
				return asInputError(slashed(full), err)
			}
			file := chartFile{rel, slashed(full), data}
			if err := l.account(file); err != nil {
				return err
			}
			file.data = bytes.TrimPrefix(data, utf8BOM)
			files = append(files, file)
		}
		return nil
	}
	return files, walk("", 0)
}

var utf8BOM = []byte("\xef\xbb\xbf")

func (l *chartLoader) account(file chartFile) error {
	l.count++
	l.bytes += int64(len(file.data))
	switch {
	case len(file.data) > maxChartFile:
		return input.Errorf(file.origin, 0, "a file of a chart may have at most %d MiB", maxChartFile>>20)
	case l.count > maxChartFiles:
		return input.Errorf(l.top, 0, "the chart has more than %d files", maxChartFiles)
	case l.bytes > maxChartBytes:
		return input.Errorf(l.top, 0, "the chart has more than %d MiB", maxChartBytes>>20)
	}
	return nil
}

// archive reads a .tgz with Helm's reader, which checks the paths, after
// looking whether it is worth unpacking: Helm does not bound the number of
// entries.
func (l *chartLoader) archive(origin string, data []byte) ([]chartFile, error) {
	if !bytes.HasPrefix(data, []byte("\x1f\x8b\x08")) {
		return nil, input.Errorf(origin, 0, "not a chart archive: not in gzip format")
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, input.Errorf(origin, 0, "malformed chart archive: %w", err)
	}
	limited := &io.LimitedReader{R: unzipped, N: maxChartBytes + maxChartFiles*1024}
	entries := tar.NewReader(limited)
	for n := 0; ; n++ {
		if err := l.ctx.Err(); err != nil {
			return nil, context.Cause(l.ctx)
		}
		_, err := entries.Next()
		if errors.Is(err, io.EOF) && limited.N > 0 {
			break
		}
		if limited.N <= 0 {
			return nil, input.Errorf(origin, 0, "the chart archive unpacks to more than %d MiB", maxChartBytes>>20)
		}
		if err != nil {
			return nil, input.Errorf(origin, 0, "malformed chart archive: %w", err)
		}
		if n+l.count >= maxChartFiles {
			return nil, input.Errorf(origin, 0, "the chart archive has more than %d entries", maxChartFiles)
		}
	}
	buffered, err := loader.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return nil, input.Errorf(origin, 0, "malformed chart archive: %w", err)
	}
	files := make([]chartFile, len(buffered))
	for i, b := range buffered {
		files[i] = chartFile{b.Name, path.Join(origin, b.Name), b.Data}
		if err := l.account(files[i]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// chart builds a chart of its files. Helm's own loader does one level at a
// time, so that subcharts come in a fixed order (Helm leaves it to chance),
// their archives count towards the limits, and their files keep their origin.
func (l *chartLoader) chart(origin string, files []chartFile, depth int) (*chart.Chart, error) {
	if depth > maxChartDepth {
		return nil, input.Errorf(origin, 0, "subcharts are nested deeper than %d: does an archive hold itself?", maxChartDepth)
	}
	var own []*loader.BufferedFile
	origins := map[string]string{}
	subcharts := map[string][]chartFile{}
	for _, file := range files {
		inCharts, found := strings.CutPrefix(file.name, "charts/")
		if found && path.Ext(file.name) != ".prov" {
			name, _, _ := strings.Cut(inCharts, "/")
			subcharts[name] = append(subcharts[name], chartFile{inCharts, file.origin, file.data})
			continue
		}
		own = append(own, &loader.BufferedFile{Name: file.name, Data: file.data})
		origins[file.name] = file.origin
	}
	if _, ok := origins["Chart.yaml"]; !ok {
		return nil, input.Errorf(origin, 0, "not a chart: it has no Chart.yaml")
	}
	for _, name := range []string{"Chart.yaml", "values.yaml", "requirements.yaml", "Chart.lock", "requirements.lock"} {
		if i := slices.IndexFunc(own, func(f *loader.BufferedFile) bool { return f.Name == name }); i >= 0 {
			if err := checkYAML(origins[name], own[i].Data); err != nil {
				return nil, err
			}
		}
	}
	c, err := loader.LoadFiles(own)
	if err != nil {
		return nil, chartError(origin, origins, own, err)
	}
	for _, list := range [][]*chart.File{c.Raw, c.Templates, c.Files} {
		for _, file := range list {
			l.files[file] = origins[file.Name]
		}
	}
	var names []string
	for name := range subcharts {
		if strings.IndexAny(name, "_.") != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		sub, err := l.subchart(path.Join(origin, "charts", name), name, subcharts[name], depth+1)
		if err != nil {
			return nil, err
		}
		c.AddDependency(sub)
	}
	return c, nil
}

func (l *chartLoader) subchart(origin, name string, files []chartFile, depth int) (*chart.Chart, error) {
	if path.Ext(name) == ".tgz" {
		if files[0].name != name {
			return nil, input.Errorf(origin, 0, "a folder of charts/ may not be named like an archive")
		}
		unpacked, err := l.archive(origin, files[0].data)
		if err != nil {
			return nil, err
		}
		return l.chart(origin, unpacked, depth)
	}
	var inside []chartFile
	for _, file := range files {
		if _, rest, ok := strings.Cut(file.name, "/"); ok {
			inside = append(inside, chartFile{rest, file.origin, file.data})
		}
	}
	return l.chart(origin, inside, depth)
}

// checkYAML reports a syntax error, binary content and alias bombs with their
// line, before Helm's loader meets them: its message has none.
func checkYAML(origin string, data []byte) error {
	if err := input.CheckText(origin, data); err != nil {
		return err
	}
	if err := input.CheckAliases(origin, data); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return input.YAMLError(origin, data, err)
	}
	if len(doc.Content) > 0 && doc.Content[0].Kind != yaml.MappingNode && doc.Content[0].ShortTag() != "!!null" {
		return input.Errorf(origin, doc.Content[0].Line, "not a mapping")
	}
	return nil
}

// chartError moves an error of Helm's loader to the file that it is about.
func chartError(origin string, origins map[string]string, own []*loader.BufferedFile, err error) error {
	file := origin
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "validation: "), strings.Contains(text, "Chart.yaml"):
		file = origins["Chart.yaml"]
	default:
		for name, at := range origins {
			if strings.Contains(text, "cannot load "+name) {
				file = at
			}
		}
	}
	line := 0
	if m := metadataField.FindStringSubmatch(text); m != nil {
		line = fieldLine(own, m[1])
	}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return input.Errorf(file, line, "%s", strings.TrimPrefix(oneLine(text), "validation: "))
}

var metadataField = regexp.MustCompile(`chart\.metadata\.(\w+)`)

// fieldLine is the line of a field of Chart.yaml; 0 where it is missing.
func fieldLine(files []*loader.BufferedFile, field string) int {
	for _, f := range files {
		var doc yaml.Node
		if f.Name != "Chart.yaml" || yaml.Unmarshal(f.Data, &doc) != nil {
			continue
		}
		if node := exactly(&doc, inventory.Path{field}); node != nil {
			return node.Line
		}
	}
	return 0
}

var yamlLine = regexp.MustCompile(`yaml: (?:unmarshal errors:\s*)?line (\d+): `)

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// asInputError gives an error the type that all errors of the input have.
func asInputError(file string, err error) error {
	var known *input.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return input.PathError(file, err)
}

// fileInfo is what the rules of .helmignore look at.
type fileInfo struct {
	name string
	dir  bool
}

func (f fileInfo) Name() string       { return f.name }
func (f fileInfo) Size() int64        { return 0 }
func (f fileInfo) ModTime() time.Time { return time.Time{} }
func (f fileInfo) IsDir() bool        { return f.dir }
func (f fileInfo) Sys() any           { return nil }
func (f fileInfo) Mode() fs.FileMode {
	if f.dir {
		return fs.ModeDir
	}
	return 0
}
