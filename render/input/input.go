// Package input reads the files of a source within limits: what a user's tree
// holds is not trusted to be small, regular or text.
package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
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

// ReadFile reads a regular file of at most [MaxFile] bytes.
func ReadFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, &Error{File: name, Err: err}
	}
	if !info.Mode().IsRegular() {
		return nil, Errorf(name, 0, "not a regular file")
	}
	if info.Size() > MaxFile {
		return nil, Errorf(name, 0, "the file has %d MiB; at most %d MiB are read", info.Size()>>20, MaxFile>>20)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	defer f.Close()
	return ReadAll(name, f)
}

// ReadAll reads at most [MaxFile] bytes; name stands in errors.
func ReadAll(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	if len(data) > MaxFile {
		return nil, Errorf(name, 0, "more than %d MiB", MaxFile>>20)
	}
	return data, nil
}

// CheckText refuses what is not text: YAML libraries take some binary files for
// one long string.
func CheckText(name string, data []byte) error {
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

// CheckAliases refuses a document whose aliases would expand to more than any
// real manifest holds ("billion laughs").
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
		if n := expanded(&doc, map[*yaml.Node]int{}); n > maxNodes {
			return Errorf(name, doc.Line, "the YAML aliases of this document expand to more than %d values", maxNodes)
		}
	}
}

func expanded(node *yaml.Node, known map[*yaml.Node]int) int {
	if n, ok := known[node]; ok {
		return n
	}
	known[node] = maxNodes + 1 // an anchor inside itself never ends
	n := 1
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
	known[node] = n
	return n
}
