// Package input reads the files of a source within limits: what a user's tree
// holds is not trusted to be small, regular or text.
package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"
)

// MaxFile is the largest file that is read, in bytes. The largest one of a
// Kubeflow release, a bundle of CRDs, has about 2 MiB.
const MaxFile = 64 << 20

// maxNodes is how many YAML nodes a document may hold once its aliases are
// followed.
const maxNodes = 10_000_000

// An Error is a problem of the input, at a file and, where known, a line.
type Error struct {
	File string
	Line int // 0 where only the file is known
	Err  error
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an [Error].
func Errorf(file string, line int, format string, args ...any) error {
	return &Error{file, line, fmt.Errorf(format, args...)}
}

// PathError makes an [Error] of what the operating system says about a file,
// without naming the file twice.
func PathError(file string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return &Error{File: filepath.ToSlash(file), Err: err}
}

// ReadFile reads a regular file of at most [MaxFile] bytes.
func ReadFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, PathError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, Errorf(filepath.ToSlash(name), 0, "not a regular file")
	}
	if info.Size() > MaxFile {
		return nil, Errorf(filepath.ToSlash(name), 0, "the file has %d MiB; at most %d MiB are read", info.Size()>>20, MaxFile>>20)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, PathError(name, err)
	}
	defer f.Close()
	return ReadAll(filepath.ToSlash(name), f)
}

// ReadAll reads at most [MaxFile] bytes; name stands in errors.
func ReadAll(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, PathError(name, err)
	}
	if len(data) > MaxFile {
		return nil, Errorf(name, 0, "more than %d MiB", MaxFile>>20)
	}
	return data, nil
}

// ReadStream is ReadAll for a reader that may never end: it gives up when the
// context does. The reader is then still being read.
func ReadStream(ctx context.Context, name string, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := ReadAll(name, r)
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-done:
		return r.data, r.err
	}
}

// LinkLoop refuses a symbolic link that leads to a folder it lies in: following
// it never ends.
func LinkLoop(name string) error {
	info, err := os.Lstat(name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return nil // whoever reads it says so, better
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return PathError(name, err)
		}
		return Errorf(filepath.ToSlash(name), 0, "a symbolic link that leads to itself")
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return PathError(name, err)
	}
	if target, err = filepath.Abs(target); err != nil {
		return PathError(name, err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return PathError(name, err)
	}
	if rel, err := filepath.Rel(target, folder); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return Errorf(filepath.ToSlash(name), 0, "a symbolic link to a folder that holds it: following it would never end")
	}
	return nil
}

// CheckText refuses what is not UTF-8 text: YAML libraries take some binary
// files for one long string.
func CheckText(name string, data []byte) error {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return Errorf(name, 1, "the file is in UTF-16; save it as UTF-8")
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return Errorf(name, 1+bytes.Count(data[:i], []byte("\n")), "not a text file: it holds a NUL byte")
	}
	if !utf8.Valid(data) {
		line := 1
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return Errorf(name, line, "not UTF-8 text")
	}
	return nil
}

// CheckAliases refuses a file with a document that [CheckDocument] refuses.
func CheckAliases(name string, data []byte) error {
	if !bytes.ContainsRune(data, '&') || !bytes.ContainsRune(data, '*') {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); err != nil {
			return nil // whoever parses the file says so, better
		}
		if err := CheckDocument(name, &doc); err != nil {
			return err
		}
	}
}

// CheckDocument refuses a document whose aliases would expand to more than any
// real manifest holds ("billion laughs").
func CheckDocument(name string, doc *yaml.Node) error {
	if n := expanded(doc, map[*yaml.Node]int{}); n > maxNodes {
		line := doc.Line
		if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
			line = doc.Content[0].Line
		}
		return Errorf(name, line, "the YAML aliases of this document expand to more than %d values", maxNodes)
	}
	return nil
}

func expanded(node *yaml.Node, known map[*yaml.Node]int) int {
	if n, ok := known[node]; ok {
		return n
	}
	n := 1
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		known[node] = maxNodes + 1 // an anchor inside itself never ends
	}
	if node.Kind == yaml.AliasNode {
		n += expanded(node.Alias, known)
	}
	for _, child := range node.Content {
		n += expanded(child, known)
		if n > maxNodes {
			n = maxNodes + 1
			break
		}
	}
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		known[node] = n
	}
	return n
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): `)

// YAMLError makes an [Error] of what the YAML library says about data, and
// moves the line out of its text to where it belongs.
//
// The library names the line where the broken mapping or list begins. Its older
// version, which kubectl and Helm read with, names the line of the problem.
func YAMLError(name string, data []byte, err error) error {
	decoder := goyaml.NewDecoder(bytes.NewReader(data))
	for {
		var value any
		older := decoder.Decode(&value)
		if older == nil {
			continue
		}
		text, line := splitYAMLError(older)
		if line == 0 {
			text, line = splitYAMLError(err)
		}
		switch {
		case line > 0 && parserProblem.MatchString(text):
			line++ // counted from 0, unlike the scanner's
		case line > 0:
		case unknownAnchor.MatchString(text):
			line = lineOf(data, "*"+unknownAnchor.FindStringSubmatch(text)[1])
		case strings.HasPrefix(text, "control characters"):
			line = 1 + bytes.Count(data[:max(bytes.IndexFunc(data, isControl), 0)], []byte("\n"))
		default:
			line = 1 // the library counts from 0 and says nothing of line 0
		}
		if last := 1 + bytes.Count(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")); line > last {
			line = last
		}
		return Errorf(name, line, "malformed YAML: %s", text)
	}
}

var (
	parserProblem = regexp.MustCompile(`^did not find expected (key|node content|<document start>|'-' indicator|',' or )`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85
}

func lineOf(data []byte, text string) int {
	return 1 + bytes.Count(data[:max(bytes.Index(data, []byte(text)), 0)], []byte("\n"))
}

func splitYAMLError(err error) (text string, line int) {
	text = strings.Join(strings.Fields(err.Error()), " ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	return strings.TrimPrefix(text, "yaml: "), line
}
