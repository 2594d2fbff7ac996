package helm

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A tracer follows one rendering: which node of which template wrote which
// bytes, and from which values.
//
// It puts calls of its own between the nodes of the parsed templates. They
// print nothing; they tell the tracer which node comes next and what dot and
// the variables are at that moment. Values are recognised by identity: a
// mapping or list that came from the values is the same Go map or slice
// wherever a template passes it. Scalars are recognised by the expression that
// leads to them.
type tracer struct {
	budget  *budget
	sites   []*site
	seen    map[*parse.Tree]bool
	sources map[string]string       // text of a template file, by its full name
	origins map[string]string       // its path as the user would write it
	charts  map[string]*chart.Chart // the chart it belongs to
	files   map[string]*record      // what it wrote
	frames  []*frame
	calls   int

	bodies   map[parse.Node]*scope       // of with and range
	identity map[identity]inventory.Path // mappings and lists of the values
	contexts map[uintptr]*chart.Chart    // what templates get as dot
	segments int
}

type identity struct {
	pointer uintptr
	length  int // of a list; -1 for mappings
}

// maxSegments bounds the memory of the trace; what is written beyond it is
// located by its file alone.
const maxSegments = 2_000_000

// A site is a node of a template, as the tracer's calls name it.
type site struct {
	template string // full name of the file that it stands in
	nested   bool   // in a text given to tpl; lines count within that text
	line     int
	text     bool
	node     parse.Node
	scope    *scope
	vars     []string // whose values the tracer's call is given
	writes   bool     // it calls a method of the values that writes them down
}

// A scope is the body of a with or range.
type scope struct {
	pipe *parse.PipeNode
}

// A record is what a template, or an include or tpl within it, wrote.
type record struct {
	template string // of a file
	include  string // name given to include
	tpl      *prov  // where the text given to tpl came from
	isTpl    bool
	source   string // the text given to tpl
	text     []byte
	segments []segment

	trace *tracer
}

// A segment is the part of a record, up to the next segment, that one node
// wrote.
type segment struct {
	start    int
	site     *site
	prov     *prov
	children []*record
}

func (r *record) String() string { return string(r.text) }

// Write implements io.Writer for text/template.
func (r *record) Write(p []byte) (int, error) {
	if err := r.trace.budget.write(len(p)); err != nil {
		return 0, err
	}
	if len(p) > 0 {
		f := r.trace.frames[len(r.trace.frames)-1]
		if r.trace.segments < maxSegments {
			r.trace.segments++
			r.segments = append(r.segments, segment{len(r.text), f.site, f.prov, f.pending})
		}
		f.pending = nil
		r.text = append(r.text, p...)
	}
	return len(p), nil
}

// A frame is one template being executed.
type frame struct {
	record  *record
	site    *site
	prov    *prov     // of what the site writes
	pending []*record // includes since the site began
	dot     reflect.Value
	dollar  reflect.Value
	values  map[string]reflect.Value
	vars    map[string]*prov
	scopes  map[*scope]*loop
	arg     *prov // where the template's argument came from
}

type loop struct {
	prov *prov
	at   int
	keys []any // what a range goes through: keys of a mapping, positions of a list
}

// A prov is where a value may have come from.
type prov struct {
	paths    []source
	fields   map[string]*prov // of a dict that a template made
	children []*record        // includes whose text it is
}

// A source is a path in the values of the top chart, or in a Chart.yaml.
type source struct {
	chart *chart.Chart // of the Chart.yaml
	path  inventory.Path
	key   bool // not the value there but its name
}

func newTracer(b *budget, values chartutil.Values) *tracer {
	t := &tracer{
		budget:   b,
		seen:     map[*parse.Tree]bool{},
		sources:  map[string]string{},
		origins:  map[string]string{},
		charts:   map[string]*chart.Chart{},
		files:    map[string]*record{},
		bodies:   map[parse.Node]*scope{},
		identity: map[identity]inventory.Path{},
		contexts: map[uintptr]*chart.Chart{},
	}
	t.identify(reflect.ValueOf(values["Values"]), nil)
	return t
}

func (t *tracer) identify(v reflect.Value, path inventory.Path) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	id, ok := identityOf(v)
	if !ok || len(path) > maxNesting {
		return
	}
	if _, known := t.identity[id]; known {
		return
	}
	t.identity[id] = path
	switch v.Kind() {
	case reflect.Map:
		entries := v.MapRange()
		for entries.Next() {
			if key := entries.Key(); key.Kind() == reflect.String {
				t.identify(entries.Value(), path.Join(key.String()))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			t.identify(v.Index(i), path.Join(i))
		}
	}
}

func identityOf(v reflect.Value) (identity, bool) {
	switch v.Kind() {
	case reflect.Map:
		return identity{v.Pointer(), -1}, !v.IsNil()
	case reflect.Slice:
		return identity{v.Pointer(), v.Len()}, v.Len() > 0
	}
	return identity{}, false
}

func (t *tracer) addContext(context map[string]any, c *chart.Chart) {
	t.contexts[reflect.ValueOf(context).Pointer()] = c
}

func (t *tracer) source(name, text string) { t.sources[name] = text }

// The names of the tracer's calls.
const (
	callAt    = "kfpreflight_at"
	callDo    = "kfpreflight_do"
	callNext  = "kfpreflight_next"
	callEnter = "kfpreflight_enter"
	callLeave = "kfpreflight_leave"
	callValue = "kfpreflight_value"
)

func (t *tracer) functions() template.FuncMap {
	return template.FuncMap{
		callAt: func(id int) (string, error) {
			f := t.top()
			f.settle()
			f.site, f.prov, f.pending = t.sites[id], nil, nil
			return "", t.budget.step()
		},
		callDo: t.do,
		callNext: func(id int) (string, error) {
			t.top().next(t.sites[id])
			return "", t.budget.step()
		},
		callEnter: func() (string, error) {
			if err := t.enter(); err != nil {
				return "", err
			}
			f := t.top()
			var arg *prov
			if node, ok := f.site.node.(*parse.TemplateNode); ok && node.Pipe != nil {
				arg = f.provOf(t, node.Pipe)
			}
			t.push(f.record, arg)
			return "", nil
		},
		callLeave: func() string {
			t.pop()
			return ""
		},
		callValue: func(v reflect.Value) (reflect.Value, error) {
			switch v.Kind() {
			case reflect.Map, reflect.Slice, reflect.Array, reflect.Interface, reflect.Pointer:
				if err := t.budget.measure(v); err != nil {
					return v, err
				}
			}
			return v, nil
		},
	}
}

func (t *tracer) top() *frame { return t.frames[len(t.frames)-1] }

func (t *tracer) push(r *record, arg *prov) {
	t.frames = append(t.frames, &frame{record: r, arg: arg, values: map[string]reflect.Value{}, vars: map[string]*prov{}, scopes: map[*scope]*loop{}})
}

func (t *tracer) pop() {
	t.frames = t.frames[:len(t.frames)-1]
	t.calls--
}

func (t *tracer) enter() error {
	if t.calls++; t.calls > maxCalls {
		return t.budget.fail("the templates call each other without end: more than %d levels", maxCalls)
	}
	return nil
}

func (t *tracer) enterFile(name string) *record {
	r := &record{template: name, trace: t}
	t.files[name] = r
	t.frames, t.calls = nil, 0
	t.push(r, nil)
	return r
}

// leaveFile ends a file. Helm removes "<no value>" from what it wrote; the
// trace has to follow.
func (t *tracer) leaveFile() string {
	r := t.top().record
	t.frames = nil
	r.dropNoValue()
	return string(r.text)
}

const noValue = "<no value>"

func (r *record) dropNoValue() {
	if !strings.Contains(string(r.text), noValue) {
		return
	}
	var text []byte
	rest, at, segment := string(r.text), 0, 0
	for {
		i := strings.Index(rest, noValue)
		end := at + len(rest)
		if i >= 0 {
			end = at + i
		}
		for segment < len(r.segments) && r.segments[segment].start < end+len(noValue) {
			r.segments[segment].start += len(text) - at
			if limit := len(text) + end - at; r.segments[segment].start > limit {
				r.segments[segment].start = limit
			}
			segment++
		}
		if i < 0 {
			text = append(text, rest...)
			break
		}
		text = append(text, rest[:i]...)
		rest, at = rest[i+len(noValue):], end+len(noValue)
	}
	for ; segment < len(r.segments); segment++ {
		r.segments[segment].start = len(text)
	}
	r.text = text
}

func (t *tracer) enterInclude(name string) (*record, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	r := &record{include: name, trace: t}
	var arg *prov
	if len(t.frames) > 0 {
		arg = t.top().argOf(t, "include", name)
	}
	t.push(r, arg)
	return r, nil
}

func (t *tracer) enterTpl(text string) (*record, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	r := &record{isTpl: true, source: text, trace: t}
	if len(t.frames) > 0 {
		r.tpl = t.top().argOf(t, "tpl", "")
	}
	t.push(r, nil)
	return r, nil
}

// leaveInclude hands what an include wrote to the node that called it.
func (t *tracer) leaveInclude() {
	r := t.top().record
	t.pop()
	if len(t.frames) > 0 {
		f := t.top()
		f.pending = append(f.pending, r)
	}
}

// do tells the tracer that a node comes next that is more than text.
func (t *tracer) do(id int, dot, dollar reflect.Value, values ...reflect.Value) (string, error) {
	if err := t.budget.step(); err != nil {
		return "", err
	}
	f := t.top()
	f.settle()
	s := t.sites[id]
	f.site, f.prov, f.pending = s, nil, nil
	f.dot, f.dollar = plain(dot), plain(dollar)
	for i, name := range s.vars {
		f.values[name] = plain(values[i])
	}
	if s.writes {
		if err := t.budget.measure(f.dollar); err != nil {
			return "", err
		}
		if err := t.budget.measure(f.dot); err != nil {
			return "", err
		}
	}
	switch node := s.node.(type) {
	case *parse.ActionNode:
		f.prov = f.provOf(t, node.Pipe)
		f.declare(node.Pipe, f.prov)
	case *parse.WithNode:
		p := f.provOf(t, node.Pipe)
		f.scopes[t.bodies[s.node]] = &loop{prov: p}
		f.declare(node.Pipe, p)
	case *parse.IfNode:
		if len(node.Pipe.Decl) > 0 {
			f.declare(node.Pipe, f.provOf(t, node.Pipe))
		}
	case *parse.RangeNode:
		p, value := f.eval(t, node.Pipe)
		f.scopes[t.bodies[s.node]] = &loop{prov: p, at: -1, keys: keysOf(value)}
	}
	return "", nil
}

// plain takes a value out of the interfaces round it.
func plain(v reflect.Value) reflect.Value {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

func keysOf(v reflect.Value) []any {
	var keys []any
	switch v.Kind() {
	case reflect.Map:
		if v.Len() > maxItems {
			return nil
		}
		for _, key := range v.MapKeys() {
			if key.Kind() != reflect.String {
				return nil
			}
			keys = append(keys, key.String())
		}
		slices.SortFunc(keys, func(a, b any) int { return cmp.Compare(a.(string), b.(string)) })
	case reflect.Slice:
		for i := range min(v.Len(), maxItems) {
			keys = append(keys, i)
		}
	}
	return keys
}

// settle ends a site: the text of an include that was assigned belongs to the
// variable.
func (f *frame) settle() {
	if f.site == nil || len(f.pending) == 0 {
		return
	}
	if node, ok := f.site.node.(*parse.ActionNode); ok && len(node.Pipe.Decl) > 0 {
		name := node.Pipe.Decl[0].Ident[0]
		p := &prov{}
		if known := f.vars[name]; known != nil {
			*p = *known
		}
		p.children = slices.Clone(f.pending)
		f.vars[name] = p
	}
}

func (f *frame) declare(pipe *parse.PipeNode, p *prov) {
	for _, variable := range pipe.Decl {
		f.vars[variable.Ident[0]] = p
		delete(f.values, variable.Ident[0])
	}
}

// next begins another turn of a range.
func (f *frame) next(s *site) {
	state := f.scopes[s.scope]
	if state == nil {
		return
	}
	state.at++
	element := state.element()
	switch decl := s.scope.pipe.Decl; len(decl) {
	case 1:
		f.vars[decl[0].Ident[0]] = element
		delete(f.values, decl[0].Ident[0])
	case 2:
		f.vars[decl[0].Ident[0]] = element.name()
		f.vars[decl[1].Ident[0]] = element
		delete(f.values, decl[0].Ident[0])
		delete(f.values, decl[1].Ident[0])
	}
}

func (l *loop) element() *prov {
	if l.at < 0 {
		return l.prov
	}
	if l.prov == nil || l.at >= len(l.keys) {
		return nil
	}
	return l.prov.field(l.keys[l.at])
}

// field follows a value into one of its fields.
func (p *prov) field(step any) *prov {
	if p == nil {
		return nil
	}
	if name, ok := step.(string); ok && p.fields != nil {
		return p.fields[name]
	}
	inside := &prov{}
	for _, s := range p.paths {
		inside.paths = append(inside.paths, source{chart: s.chart, path: s.path.Join(step)})
	}
	if len(inside.paths) == 0 {
		return nil
	}
	return inside
}

// name is where the name of a field came from.
func (p *prov) name() *prov {
	if p == nil {
		return nil
	}
	named := &prov{}
	for _, s := range p.paths {
		if _, ok := s.path[len(s.path)-1].(string); ok {
			named.paths = append(named.paths, source{s.chart, s.path, true})
		}
	}
	return named
}

// maxPaths bounds how many sources of one value are followed.
const maxPaths = 16

func union(provs ...*prov) *prov {
	var all *prov
	for _, p := range provs {
		if p == nil {
			continue
		}
		if all == nil {
			all = p
			continue
		}
		merged := &prov{paths: slices.Concat(all.paths, p.paths), fields: all.fields, children: slices.Concat(all.children, p.children)}
		if merged.fields == nil {
			merged.fields = p.fields
		}
		if len(merged.paths) > maxPaths {
			merged.paths = merged.paths[:maxPaths]
		}
		all = merged
	}
	return all
}

func (f *frame) provOf(t *tracer, node parse.Node) *prov {
	p, _ := f.eval(t, node)
	return p
}

// eval follows an expression to where its value came from, and to the value
// itself where no function stands between.
func (f *frame) eval(t *tracer, node parse.Node) (*prov, reflect.Value) {
	switch node := node.(type) {
	case *parse.DotNode:
		return f.dotProv(t), f.dot
	case *parse.FieldNode:
		return t.follow(f.dotProv(t), f.dot, node.Ident)
	case *parse.VariableNode:
		p, v := f.vars[node.Ident[0]], f.values[node.Ident[0]]
		if node.Ident[0] == "$" {
			p, v = f.arg, f.dollar
		}
		if known := t.known(v); known != nil {
			p = union(known, p) // what was merged into it too
		}
		return t.follow(p, v, node.Ident[1:])
	case *parse.ChainNode:
		p, v := f.eval(t, node.Node)
		return t.follow(p, v, node.Field)
	case *parse.PipeNode:
		var p *prov
		var v reflect.Value
		for i, command := range node.Cmds {
			if name, ok := command.Args[0].(*parse.IdentifierNode); ok && name.Ident == callValue {
				break
			}
			p, v = f.command(t, command, p, i > 0)
		}
		return p, v
	}
	return nil, reflect.Value{}
}

func (f *frame) dotProv(t *tracer) *prov {
	if known := t.known(f.dot); known != nil {
		return known
	}
	if s := f.site.scope; s != nil {
		if state := f.scopes[s]; state != nil {
			return state.element()
		}
		return nil
	}
	return f.arg
}

// known finds a mapping or list that is one of the values.
func (t *tracer) known(v reflect.Value) *prov {
	if id, ok := identityOf(v); ok {
		if path, ok := t.identity[id]; ok {
			return &prov{paths: []source{{path: path}}}
		}
	}
	return nil
}

func (t *tracer) follow(p *prov, v reflect.Value, fields []string) (*prov, reflect.Value) {
	for i, name := range fields {
		if v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String {
			if c := t.contexts[v.Pointer()]; c != nil && name == "Chart" && i+1 < len(fields) {
				field := strings.ToLower(fields[i+1][:1]) + fields[i+1][1:]
				return &prov{paths: []source{{chart: c, path: inventory.MakePath(field)}}}, reflect.Value{}
			}
			v = plain(v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key())))
			p = p.field(name)
			if known := t.known(v); known != nil {
				p = known
			}
			continue
		}
		v = reflect.Value{}
		p = p.field(name)
	}
	return p, v
}

func (f *frame) command(t *tracer, command *parse.CommandNode, final *prov, hasFinal bool) (*prov, reflect.Value) {
	name, ok := command.Args[0].(*parse.IdentifierNode)
	if !ok {
		if len(command.Args) > 1 || hasFinal {
			return nil, reflect.Value{} // a method
		}
		return f.eval(t, command.Args[0])
	}
	args := command.Args[1:]
	switch name.Ident {
	case "include", "lookup", "len", "eq", "ne", "not", "empty", "hasKey":
		return nil, reflect.Value{}
	case "index":
		if len(args) == 0 {
			return nil, reflect.Value{}
		}
		p, v := f.eval(t, args[0])
		for _, arg := range args[1:] {
			switch arg := arg.(type) {
			case *parse.StringNode:
				p, v = t.follow(p, v, []string{arg.Text})
			case *parse.NumberNode:
				p, v = p.field(int(arg.Int64)), reflect.Value{}
			default:
				return nil, reflect.Value{}
			}
		}
		return p, v
	case "get":
		if len(args) == 2 {
			p, v := f.eval(t, args[0])
			if key, ok := args[1].(*parse.StringNode); ok {
				return t.follow(p, v, []string{key.Text})
			}
		}
		return nil, reflect.Value{}
	case "dict":
		made := &prov{fields: map[string]*prov{}}
		for i := 0; i+1 < len(args); i += 2 {
			if key, ok := args[i].(*parse.StringNode); ok {
				made.fields[key.Text] = f.provOf(t, args[i+1])
			}
		}
		return made, reflect.Value{}
	}
	var provs []*prov
	if hasFinal {
		provs = append(provs, final)
	}
	for _, arg := range args {
		provs = append(provs, f.provOf(t, arg))
	}
	return union(provs...), reflect.Value{}
}

// argOf finds where the argument came from of the include or tpl that the
// current node calls.
func (f *frame) argOf(t *tracer, function, name string) *prov {
	if f.site == nil {
		return nil
	}
	var found *prov
	var search func(pipe *parse.PipeNode) bool
	search = func(pipe *parse.PipeNode) bool {
		if pipe == nil {
			return false
		}
		var final *prov
		for i, command := range pipe.Cmds {
			for _, arg := range command.Args {
				if inner, ok := arg.(*parse.PipeNode); ok && search(inner) {
					return true
				}
			}
			called, ok := command.Args[0].(*parse.IdentifierNode)
			if ok && called.Ident == function {
				if function == "tpl" && len(command.Args) > 1 {
					found = f.provOf(t, command.Args[1])
					return true
				}
				if function == "include" && len(command.Args) > 1 {
					if text, ok := command.Args[1].(*parse.StringNode); ok && text.Text == name || !ok {
						if len(command.Args) > 2 {
							found = f.provOf(t, command.Args[2])
						} else {
							found = final
						}
						return true
					}
				}
			}
			if ok && called.Ident == callValue {
				break
			}
			final, _ = f.command(t, command, final, i > 0)
		}
		return false
	}
	search(pipeOf(f.site.node))
	return found
}

func pipeOf(node parse.Node) *parse.PipeNode {
	switch node := node.(type) {
	case *parse.ActionNode:
		return node.Pipe
	case *parse.IfNode:
		return node.Pipe
	case *parse.WithNode:
		return node.Pipe
	case *parse.RangeNode:
		return node.Pipe
	case *parse.TemplateNode:
		return node.Pipe
	}
	return nil
}
