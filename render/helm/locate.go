package helm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"helm.sh/helm/v3/pkg/chartutil"

	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/render/input"
)

// places finds the way back from what templates wrote. It only reads, so that
// several checks may ask at once.
type places struct {
	trace  *tracer
	values *valuePlaces
	final  chartutil.Values // as the top chart's templates saw them
}

// locator implements [inventory.Locator] for an object that a template wrote.
type locator struct {
	places   *places
	document *document
	node     *yaml.Node
	prefix   inventory.Path
}

// Locate names the line that holds the value: in the template where it stands
// there as text, in a values file where the template only passes it on. A value
// that a template puts together of several is located at the template, or at
// the value that the user gave, and is not exact.
func (l *locator) Locate(_ *inventory.Object, path inventory.Path, line int) inventory.Origin {
	full := l.prefix.Join(path)
	node, reached := inventory.NodeAt(l.node, full)
	if node == nil {
		return l.places.at(l.document, 0, 0, "").origin()
	}
	if reached < len(full) {
		line = 0
	}
	lines := strings.SplitAfter(l.document.text, "\n")
	if line > 0 {
		at, sure := inventory.TextLine(node, line)
		if start, end, ok := textRange(lines, at); ok {
			found := l.places.at(l.document, start, end, l.document.text[start:end])
			found.exact = found.exact && sure
			return found.origin()
		}
	}
	start, end, want := nodeRange(lines, node)
	return l.places.at(l.document, start, end, want).origin()
}

// offsetOf is where a line, from 1, begins in a text of lines.
func offsetOf(lines []string, line int) int {
	offset := 0
	for _, text := range lines[:min(max(line-1, 0), len(lines))] {
		offset += len(text)
	}
	return offset
}

// nodeRange is where a value stands in the text it was parsed from. A mapping
// or list stands where its key begins.
func nodeRange(lines []string, node *yaml.Node) (start, end int, want string) {
	if node.Line < 1 || node.Line > len(lines) {
		return 0, 0, ""
	}
	text := strings.TrimRight(lines[node.Line-1], "\r\n")
	begin := offsetOf(lines, node.Line)
	column := 0
	for i := 1; i < node.Column && column < len(text); i++ { // columns count characters
		_, size := utf8.DecodeRuneInString(text[column:])
		column += size
	}
	if column >= len(text) {
		column = len(text) - len(strings.TrimLeft(text, " \t"))
	}
	start = begin + column
	if node.Kind != yaml.ScalarNode {
		return start, start + 1, ""
	}
	raw := text[column:]
	if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		if strings.HasPrefix(raw, node.Value) {
			raw = raw[:len(node.Value)]
		}
	}
	raw = strings.TrimRight(raw, " \t")
	return start, start + len(raw), node.Value
}

var textKey = regexp.MustCompile(`^\s*(?:- )*(?:(?:"[^"]*"|'[^']*'|[\w./-]+)\s*[:=]\s+)?`)

// textRange is the value on one line of an embedded text: what follows a key,
// or the whole line.
func textRange(lines []string, line int) (start, end int, ok bool) {
	if line < 1 || line > len(lines) {
		return 0, 0, false
	}
	text := strings.TrimRight(lines[line-1], " \t\r\n")
	key := len(textKey.FindString(text))
	if key >= len(text) {
		key = len(text) - len(strings.TrimLeft(text, " \t"))
	}
	start = offsetOf(lines, line)
	return start + key, start + len(text), len(text) > 0
}

// A placed is an origin and how it was found.
type placed struct {
	file  string
	line  int
	exact bool
	kind  placeKind
	user  bool // in a file that the user gave beside the chart
}

type placeKind int

const (
	nowhere placeKind = iota
	computed
	literal
	fromValues
)

func (p placed) origin() inventory.Origin {
	return inventory.Origin{File: p.file, Line: p.line, Exact: p.exact}
}

// at locates a part of a document.
func (p *places) at(d *document, start, end int, want string) placed {
	if d.record == nil {
		return placed{file: d.origin, line: 1 + strings.Count(d.text[:start], "\n"), exact: true, kind: literal}
	}
	found := p.in(d.record, d.offset+start, d.offset+end, want, 0)
	if found.kind == nowhere {
		found = placed{file: p.trace.origins[d.record.template], kind: computed}
	}
	return found
}

// relocate moves an error about a rendered document to the chart.
func (p *places) relocate(d *document, err error) error {
	var at *input.Error
	if !errors.As(err, &at) {
		return err
	}
	return p.errorAt(d, max(at.Line, 1), "%w", at.Err)
}

// errorAt makes an error about a line, from 1, of a rendered document.
func (p *places) errorAt(d *document, line int, format string, args ...any) error {
	lines := strings.SplitAfter(d.text, "\n")
	line = min(line, len(lines))
	text := lines[line-1]
	start := offsetOf(lines, line) + len(text) - len(strings.TrimLeft(text, " \t"))
	end := offsetOf(lines, line) + len(strings.TrimRight(text, " \t\r\n"))
	found := p.at(d, start, max(start, end), "")
	return input.Errorf(found.file, found.line, format, args...)
}

// maxInside bounds how far includes within includes are followed.
const maxInside = 32

// A piece is the part of a segment that lies in a range.
type piece struct {
	segment    *segment
	start, end int // of the whole segment
	at         int // where the piece begins
}

// in locates the bytes from start to end of what a template or include wrote.
// want is the value that they stand for.
func (p *places) in(r *record, start, end int, want string, depth int) placed {
	if depth > maxInside || len(r.segments) == 0 {
		return placed{}
	}
	pieces := r.pieces(start, end)
	if len(pieces) == 0 {
		return placed{}
	}
	var texts, actions []piece
	for _, piece := range pieces {
		if piece.segment.site.text {
			texts = append(texts, piece)
		} else {
			actions = append(actions, piece)
		}
	}
	if len(actions) == 0 {
		return p.text(r, texts[0])
	}
	if len(texts) == 0 && len(actions) == 1 {
		return p.action(r, actions[0], start, end, want, depth)
	}
	// Of several parts: the one that the user gave, or the only one that came
	// from the values, or the template.
	var candidates []placed
	for _, piece := range actions {
		out := string(r.text[max(piece.start, start):min(piece.end, end)])
		found := p.action(r, piece, max(piece.start, start), min(piece.end, end), out, depth)
		if found.kind == fromValues {
			found.exact = false
			if found.user {
				return found
			}
			candidates = append(candidates, found)
		}
	}
	if len(candidates) == 1 && len(actions) == 1 {
		return candidates[0]
	}
	found := p.site(r, pieces[0].segment.site, pieces[0].segment.site.line)
	if pieces[0].segment.site.text {
		found = p.text(r, pieces[0])
	}
	found.exact, found.kind = false, computed
	return found
}

// pieces finds the segments of a range, those left out that only add quotes or
// space. If nothing is left, it is the segment that the range begins in.
func (r *record) pieces(start, end int) []piece {
	var pieces []piece
	first := -1
	for i := range r.segments {
		segment := &r.segments[i]
		stop := len(r.text)
		if i+1 < len(r.segments) {
			stop = r.segments[i+1].start
		}
		if segment.start <= start && start < stop || segment.start >= end && first < 0 {
			first = i
		}
		from, to := max(segment.start, start), min(stop, end)
		if from >= to {
			continue
		}
		if strings.Trim(string(r.text[from:to]), " \t\r\n\"'") != "" {
			pieces = append(pieces, piece{segment, segment.start, stop, from})
		}
	}
	if len(pieces) == 0 {
		if first < 0 {
			first = len(r.segments) - 1
		}
		stop := len(r.text)
		if first+1 < len(r.segments) {
			stop = r.segments[first+1].start
		}
		segment := &r.segments[first]
		pieces = []piece{{segment, segment.start, stop, min(max(start, segment.start), stop)}}
	}
	return pieces
}

// text locates a part that stands in the template as it is.
func (p *places) text(r *record, at piece) placed {
	line := at.segment.site.line + bytes.Count(r.text[at.start:at.at], []byte("\n"))
	found := p.site(r, at.segment.site, line)
	if found.kind == computed {
		found.exact, found.kind = true, literal
	}
	return found
}

// site locates a line of a template. A template that was given to tpl stands
// in the values.
func (p *places) site(r *record, s *site, line int) placed {
	if !s.nested {
		return placed{file: p.trace.origins[s.template], line: line, kind: computed}
	}
	if !r.isTpl || r.tpl == nil {
		return placed{}
	}
	lines := strings.SplitAfter(r.source, "\n")
	if line > len(lines) {
		return placed{}
	}
	lead := len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " \t"))
	for _, source := range r.tpl.paths {
		if found := p.passedOn(source, r.source, line-1, offsetOf(lines, line)+lead, "", ""); found.kind != nowhere {
			return found
		}
	}
	return placed{}
}

// find names the file and node of a source of values.
func (p *places) find(s source) (*valuesFile, *yaml.Node, bool) {
	if s.chart != nil {
		file := p.values.chartFile(s.chart, "Chart.yaml")
		if file == nil {
			return nil, nil, false
		}
		if node := exactly(file.doc, s.path); node != nil {
			return file, node, false
		}
		return nil, nil, false
	}
	return p.values.find(s.path)
}

// value is the value of a source as the templates saw it.
func (p *places) value(s source) (any, bool) {
	if s.key {
		return s.path[len(s.path)-1], true
	}
	if s.chart != nil {
		file := p.values.chartFile(s.chart, "Chart.yaml")
		if file == nil {
			return nil, false
		}
		if node := exactly(file.doc, s.path); node != nil && node.Kind == yaml.ScalarNode {
			return node.Value, true
		}
		return nil, false
	}
	return inventory.Lookup(map[string]any(p.final), s.path)
}

// action locates bytes that an action wrote.
func (p *places) action(r *record, at piece, start, end int, want string, depth int) placed {
	segment := at.segment
	out := string(r.text[at.start:at.end])
	raw := string(r.text[start:max(start, end)])
	line := strings.Count(out[:start-at.start], "\n")
	here := p.site(r, segment.site, segment.site.line)

	children := segment.children
	var sources []source
	if segment.prov != nil {
		children = append(children[:len(children):len(children)], segment.prov.children...)
		sources = segment.prov.paths
	}
	for i := len(children) - 1; i >= 0; i-- {
		child := children[i]
		if from, to, ok := inside(out, line, raw, string(child.text)); ok {
			found := p.in(child, from, to, want, depth+1)
			if found.kind == literal || found.kind == fromValues {
				return found
			}
		}
	}
	for _, source := range sources {
		if found := p.passedOn(source, out, line, start-at.start, raw, want); found.kind != nowhere {
			return found
		}
	}
	if literalIn(segment.site.node, want) {
		here.exact, here.kind = true, literal
		return here
	}
	if strings.Contains(strings.Trim(out, "\n"), "\n") {
		if found := p.chartFile(r, out, line); found.kind != nowhere {
			return found
		}
	}
	// Made of several values: the one that the user gave, or the only one.
	var candidates []placed
	for _, source := range sources {
		if value, ok := p.value(source); !ok || !isScalar(value) {
			continue
		}
		if file, node, user := p.find(source); file != nil {
			found := placed{file.origin, node.Line, false, fromValues, user}
			if user {
				return found
			}
			candidates = append(candidates, found)
		}
	}
	if len(candidates) == 1 && len(children) == 0 {
		return candidates[0]
	}
	return here
}

// passedOn locates bytes that an action took from one value, unchanged.
func (p *places) passedOn(s source, out string, line, offset int, raw, want string) placed {
	value, ok := p.value(s)
	if !ok {
		return placed{}
	}
	if text, ok := value.(string); ok && strings.Contains(strings.TrimSuffix(text, "\n"), "\n") {
		at, sure := align(strings.Split(out, "\n"), line, strings.Split(text, "\n"))
		if at < 0 {
			return placed{}
		}
		file, node, user := p.find(s)
		if file == nil {
			return placed{}
		}
		inFile, exact := inventory.TextLine(node, at+1)
		return placed{file.origin, inFile, sure && exact, fromValues, user}
	}
	if isScalar(value) {
		if raw == "" && want == "" && !sameScalar(value, out) {
			return placed{}
		}
		if raw+want != "" && !sameScalar(value, want) && !sameScalar(value, unquote(raw)) && !sameScalar(value, unquote(strings.TrimSpace(out))) {
			return placed{}
		}
		file, node, user := p.find(s)
		if file == nil {
			return placed{}
		}
		return placed{file.origin, node.Line, s.key || sameScalar(value, node.Value), fromValues, user}
	}
	// A mapping or list that was written down: find the field in it.
	path, ok := fieldAt(out, line, offset)
	if !ok {
		return placed{}
	}
	inner := source{chart: s.chart, path: s.path.Join(path)}
	field, ok := p.value(inner)
	if !ok || isScalar(field) && want != "" && !sameScalar(field, want) && !strings.Contains(fmt.Sprint(field), "\n") {
		return placed{}
	}
	file, node, user := p.find(inner)
	if file == nil {
		return placed{}
	}
	if text, ok := field.(string); ok && strings.Contains(strings.TrimSuffix(text, "\n"), "\n") {
		if at, sure := align(strings.Split(out, "\n"), line, strings.Split(text, "\n")); at >= 0 {
			inFile, exact := inventory.TextLine(node, at+1)
			return placed{file.origin, inFile, sure && exact, fromValues, user}
		}
	}
	return placed{file.origin, node.Line, true, fromValues, user}
}

// fieldAt finds which field of a written-down value stands at an offset of it.
func fieldAt(out string, line, offset int) (inventory.Path, bool) {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(out), &doc) != nil || len(doc.Content) == 0 {
		return nil, false
	}
	begin := strings.LastIndexByte(out[:offset], '\n') + 1
	column := 1 + utf8.RuneCountInString(out[begin:offset])
	var find func(node *yaml.Node, path inventory.Path) (inventory.Path, bool)
	here := func(node *yaml.Node) bool { return node.Line == line+1 && node.Column == column }
	find = func(node *yaml.Node, path inventory.Path) (inventory.Path, bool) {
		switch node.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				key, value := node.Content[i], node.Content[i+1]
				inner := path.Join(key.Value)
				if here(key) || value.Kind == yaml.ScalarNode && here(value) || inLiteral(value, line+1) {
					return inner, true
				}
				if found, ok := find(value, inner); ok {
					return found, true
				}
			}
		case yaml.SequenceNode:
			for i, item := range node.Content {
				inner := path.Join(i)
				if found, ok := find(item, inner); ok {
					return found, true
				}
				if here(item) || inLiteral(item, line+1) {
					return inner, true
				}
			}
		}
		return nil, false
	}
	if path, ok := find(doc.Content[0], nil); ok {
		return path, true
	}
	// Between keys and values: the field of the line.
	var onLine func(node *yaml.Node, path inventory.Path) (inventory.Path, bool)
	onLine = func(node *yaml.Node, path inventory.Path) (inventory.Path, bool) {
		switch node.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Line == line+1 {
					return path.Join(node.Content[i].Value), true
				}
				if found, ok := onLine(node.Content[i+1], path.Join(node.Content[i].Value)); ok {
					return found, true
				}
			}
		case yaml.SequenceNode:
			for i, item := range node.Content {
				if found, ok := onLine(item, path.Join(i)); ok {
					return found, true
				}
			}
		}
		return nil, false
	}
	return onLine(doc.Content[0], nil)
}

func inLiteral(node *yaml.Node, line int) bool {
	return node.Kind == yaml.ScalarNode && node.Style&yaml.LiteralStyle != 0 &&
		line > node.Line && line <= node.Line+strings.Count(strings.TrimRight(node.Value, "\n"), "\n")+1
}

// inside finds the bytes, or the line, of what an action wrote in the text of
// an include that it wrote.
func inside(out string, line int, raw, text string) (start, end int, ok bool) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return 0, 0, false
	}
	lead := len(text) - len(strings.TrimLeft(text, " \t\r\n"))
	if !strings.Contains(strings.TrimSpace(out), "\n") && !strings.Contains(trimmed, "\n") {
		if unquote(strings.TrimSpace(out)) != trimmed && strings.TrimSpace(out) != trimmed {
			return 0, 0, false
		}
		if i := strings.Index(trimmed, raw); i >= 0 && raw != "" {
			return lead + i, lead + i + len(raw), true
		}
		return lead, lead + len(trimmed), true
	}
	lines := strings.Split(text, "\n")
	at, _ := align(strings.Split(out, "\n"), line, lines)
	if at < 0 {
		return 0, 0, false
	}
	begin := 0
	for _, l := range lines[:at] {
		begin += len(l) + 1
	}
	if i := strings.Index(lines[at], raw); i >= 0 && raw != "" {
		return begin + i, begin + i + len(raw), true
	}
	lead = len(lines[at]) - len(strings.TrimLeft(lines[at], " \t"))
	return begin + lead, begin + len(strings.TrimRight(lines[at], " \t\r")), true
}

// align finds the line of a source that became a line of the output: equal but
// for the space round it, and of several equal ones the one whose neighbours
// agree most. It is sure if no other agrees as much.
func align(out []string, line int, source []string) (at int, sure bool) {
	want := strings.TrimSpace(out[line])
	if want == "" {
		return -1, false
	}
	agree := func(i, j int) bool {
		return i >= 0 && j >= 0 && i < len(out) && j < len(source) && strings.TrimSpace(out[i]) == strings.TrimSpace(source[j])
	}
	best := 0
	at = -1
	for j := range source {
		if !agree(line, j) {
			continue
		}
		n := 1
		for k := 1; agree(line-k, j-k) && k < 1000; k++ {
			n++
		}
		for k := 1; agree(line+k, j+k) && k < 1000; k++ {
			n++
		}
		switch {
		case n > best:
			best, at, sure = n, j, true
		case n == best:
			sure = false
		}
	}
	return at, sure
}

// chartFile locates a line that came from a file of the chart, by .Files.
func (p *places) chartFile(r *record, out string, line int) placed {
	c := p.trace.charts[r.template]
	if c == nil {
		return placed{}
	}
	lines := strings.Split(out, "\n")
	var found placed
	for _, file := range c.Files {
		if len(file.Data) == 0 || !utf8.Valid(file.Data) {
			continue
		}
		at, sure := align(lines, line, strings.Split(string(file.Data), "\n"))
		if at < 0 {
			continue
		}
		if found.kind != nowhere {
			return placed{} // two files have this line
		}
		found = placed{file: p.values.loaded.files[file], line: at + 1, exact: sure, kind: literal}
	}
	return found
}

// literalIn tells whether an action writes a text that stands in it.
func literalIn(node parse.Node, want string) bool {
	pipe := pipeOf(node)
	if pipe == nil || want == "" {
		return false
	}
	found := false
	var walk func(parse.Node)
	walk = func(node parse.Node) {
		switch node := node.(type) {
		case *parse.PipeNode:
			for _, c := range node.Cmds {
				for _, arg := range c.Args {
					walk(arg)
				}
			}
		case *parse.StringNode:
			found = found || node.Text == want || unquote(node.Text) == want
		case *parse.NumberNode:
			found = found || node.Text == want && node.Text != ""
		case *parse.BoolNode:
			found = found || strconv.FormatBool(node.True) == want
		}
	}
	walk(pipe)
	return found
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, map[string]any, chartutil.Values, []any:
		return false
	}
	return true
}

func unquote(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		if plain, err := strconv.Unquote(text); err == nil {
			return plain
		}
	}
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'")
	}
	return text
}

func sameScalar(v any, text string) bool {
	if f, ok := v.(float64); ok {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n == f
		}
	}
	written := strings.TrimSuffix(fmt.Sprint(v), "\n")
	return written == strings.TrimSuffix(text, "\n") || text != "" && base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(v))) == text
}

var _ inventory.Locator = (*locator)(nil)
