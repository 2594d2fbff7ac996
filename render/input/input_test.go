package input

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	yaml "go.yaml.in/yaml/v3"
)

func TestErrors(t *testing.T) {
	err := error(&Error{File: "a.yaml", Line: 3, Err: fs.ErrNotExist})
	if err.Error() != "a.yaml:3: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	_, read := ReadFile(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(read, fs.ErrNotExist) || strings.Count(read.Error(), "none") != 1 {
		t.Error(read)
	}
	if _, err := ReadFile(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), ": not a regular file") {
		t.Error(err)
	}
}

func TestReadStream(t *testing.T) {
	data, err := ReadStream(context.Background(), "-", strings.NewReader("x"))
	if string(data) != "x" || err != nil {
		t.Error(data, err)
	}
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := ReadStream(ctx, "-", reader); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestLinkLoop(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"a/b", "ab"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		target string
		loop   bool
	}{
		"a/up": {"..", true}, "a/here": {".", true}, "a/b/top": {"../..", true}, "a/itself": {"itself", true},
		"a/beside": {"../ab", false}, "a/down": {"b", false}, "other": {"a", false}, "gone": {"none", true},
	} {
		if err := os.Symlink(c.target, name); err != nil {
			t.Skip(err)
		}
		if err := LinkLoop(name); (err != nil) != c.loop {
			t.Errorf("%s -> %s: %v", name, c.target, err)
		}
	}
	if err := LinkLoop("a"); err != nil {
		t.Error(err)
	}
}

// The line must be that of the mistake, not of where its block begins.
func TestYAMLErrorLine(t *testing.T) {
	for text, want := range map[string]int{
		"a:\n  b: 1\n  c: 2\n d: 3\n":           4,
		"a:\n- b\n- c\n d: 3\n":                 4,
		"a: 1\nb:\n  c: [1,\n  2\nd: 3\n":       5,
		"a: 1\nb: {c: 1\nd: 2\n":                3,
		"a: 1\nb: c: d\n":                       2,
		"a: 1\nb: \"c\n":                        2,
		"a: 1\n\tb: 2\n":                        2,
		"a: 1\nb: @x\n":                         2,
		"a: *none\n":                            1,
		"a: &x 1\nb:\n  c: *y\n":                3,
		"a\nb: 1\n":                             2,
		"a: 1\nb: 'x' y\n":                      2,
		"]\n":                                   1,
		"a: 1\n---\nb: 1\nc: [\n---\nd: 1\n":    5,
		"# x\n\na: |\n  text\n b: 1\n":          5,
		"a: !!binary |\n  x\nb: - c\n":          3,
		"a: 1\nb: \x02\n":                       2,
		"a:\n  - b: 1\n    c: 2\n   d: 3\ne: 4": 4,
	} {
		decoder := yaml.NewDecoder(strings.NewReader(text))
		var err error
		for err == nil {
			var doc yaml.Node
			err = decoder.Decode(&doc)
		}
		if err == io.EOF {
			t.Errorf("%q: no error", text)
			continue
		}
		var at *Error
		if !errors.As(YAMLError("x", []byte(text), err), &at) || at.Line != want {
			t.Errorf("%q: %v, want line %d", text, at, want)
		}
	}
}
