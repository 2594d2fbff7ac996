package helm

import (
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/kfpreflight/kfpreflight/render/input"
)

// checkSource refuses a template that the parser could not bear: it recurses
// into blocks, and a goroutine's stack is finite.
func (e *engine) checkSource(name, text string) error {
	if len(text) > maxText {
		return e.budget.fail("template %s has more than %d MiB", name, maxText>>20)
	}
	if strings.Count(text, "{{") > maxActions {
		return e.budget.fail("template %s has more than %d actions", name, maxActions)
	}
	return nil
}

// instrument puts the tracer's calls into the templates that have none yet. A
// text given to tpl has no file: its lines count within the text.
func (t *tracer) instrument(tmpl *template.Template, tplName, tplText string) error {
	all := tmpl.Templates()
	if tmpl.Tree != nil {
		all = append(all, tmpl)
	}
	for _, one := range all {
		tree := one.Tree
		if tree == nil || tree.Root == nil || t.seen[tree] {
			continue
		}
		t.seen[tree] = true
		in := &instrumenter{tracer: t, name: tree.ParseName, text: tplText, nested: true}
		if tplName == "" {
			in.text, in.nested = t.sources[tree.ParseName], false
		}
		in.lines = lineStarts(in.text)
		in.list(tree.Root, nil, 0)
		if in.err != nil {
			return in.err
		}
	}
	return nil
}

type instrumenter struct {
	tracer *tracer
	name   string
	text   string
	lines  []int
	nested bool
	err    error
}

func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// lineAt is the line, from 1, that holds an offset.
func lineAt(starts []int, offset int) int {
	low, high := 0, len(starts)
	for low+1 < high {
		if middle := (low + high) / 2; starts[middle] <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	return low + 1
}

func (in *instrumenter) site(node parse.Node, s *scope) (int, *site) {
	at := &site{template: in.name, nested: in.nested, line: lineAt(in.lines, int(node.Position())), node: node, scope: s}
	in.tracer.sites = append(in.tracer.sites, at)
	return len(in.tracer.sites) - 1, at
}

func (in *instrumenter) fail(node parse.Node, format string, args ...any) {
	if in.err == nil {
		in.err = in.tracer.budget.fail(format, args...)
		if file := in.tracer.origins[in.name]; file != "" && !in.nested {
			in.err = input.Errorf(file, lineAt(in.lines, int(node.Position())), "%w", in.err)
			in.tracer.budget.err = in.err
		}
	}
}

func (in *instrumenter) list(list *parse.ListNode, s *scope, depth int) {
	if list == nil || in.err != nil {
		return
	}
	if depth > maxBlocks {
		in.fail(list, "blocks are nested deeper than %d levels", maxBlocks)
		return
	}
	nodes := make([]parse.Node, 0, 2*len(list.Nodes)+1)
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			id, at := in.site(node, s)
			at.text = true
			nodes = append(nodes, call(node, callAt, number(node, id)), node)
		case *parse.ActionNode:
			nodes = append(nodes, in.do(node, node.Pipe, s), node)
			if len(node.Pipe.Decl) == 0 {
				node.Pipe.Cmds = append(node.Pipe.Cmds, command(node, callValue))
			}
		case *parse.IfNode:
			nodes = append(nodes, in.do(node, node.Pipe, s), node)
			in.list(node.List, s, depth+1)
			in.list(node.ElseList, s, depth+1)
		case *parse.WithNode:
			nodes = append(nodes, in.do(node, node.Pipe, s), node)
			in.list(node.List, in.body(node, node.Pipe), depth+1)
			in.list(node.ElseList, s, depth+1)
		case *parse.RangeNode:
			nodes = append(nodes, in.do(node, node.Pipe, s), node)
			body := in.body(node, node.Pipe)
			in.list(node.List, body, depth+1)
			id, _ := in.site(node, body)
			node.List.Nodes = append([]parse.Node{call(node, callNext, number(node, id))}, node.List.Nodes...)
			in.list(node.ElseList, s, depth+1)
		case *parse.TemplateNode:
			nodes = append(nodes, in.do(node, node.Pipe, s), call(node, callEnter), node, call(node, callLeave))
		default:
			nodes = append(nodes, node)
		}
	}
	list.Nodes = nodes
}

// do makes the call before a node with a pipeline: it is given dot and the
// variables that the pipeline uses.
func (in *instrumenter) do(node parse.Node, pipe *parse.PipeNode, s *scope) parse.Node {
	id, at := in.site(node, s)
	declared := map[string]bool{"$": true}
	if pipe != nil && !pipe.IsAssign {
		for _, variable := range pipe.Decl {
			declared[variable.Ident[0]] = true
		}
	}
	args := []parse.Node{number(node, id), &parse.DotNode{NodeType: parse.NodeDot, Pos: node.Position()}, variable(node, "$")}
	in.walk(pipe, 0, func(n parse.Node) {
		at.writes = at.writes || writesDown(n)
		if used, ok := n.(*parse.VariableNode); ok && !declared[used.Ident[0]] {
			declared[used.Ident[0]] = true
			at.vars = append(at.vars, used.Ident[0])
			args = append(args, variable(node, used.Ident[0]))
		}
	})
	return call(node, callDo, args...)
}

func (in *instrumenter) body(node parse.Node, pipe *parse.PipeNode) *scope {
	body := &scope{pipe}
	in.tracer.bodies[node] = body
	return body
}

// walk visits the nodes of a pipeline.
func (in *instrumenter) walk(node parse.Node, depth int, visit func(parse.Node)) {
	if depth > maxBlocks {
		in.fail(node, "parentheses are nested deeper than %d levels", maxBlocks)
		return
	}
	switch node := node.(type) {
	case *parse.PipeNode:
		if node == nil {
			return
		}
		for _, c := range node.Cmds {
			for _, arg := range c.Args {
				in.walk(arg, depth+1, visit)
			}
		}
	case *parse.ChainNode:
		visit(node)
		in.walk(node.Node, depth+1, visit)
	default:
		visit(node)
	}
}

// writesDown tells whether an expression calls one of the methods of the values
// that go through all of them: they come under no other limit.
func writesDown(node parse.Node) bool {
	var fields []string
	switch node := node.(type) {
	case *parse.FieldNode:
		fields = node.Ident
	case *parse.ChainNode:
		fields = node.Field
	case *parse.VariableNode:
		fields = node.Ident
	}
	return slices.Contains(fields, "YAML") || slices.Contains(fields, "Encode")
}

func call(at parse.Node, name string, args ...parse.Node) *parse.ActionNode {
	return &parse.ActionNode{
		NodeType: parse.NodeAction,
		Pos:      at.Position(),
		Pipe:     &parse.PipeNode{NodeType: parse.NodePipe, Pos: at.Position(), Cmds: []*parse.CommandNode{command(at, name, args...)}},
	}
}

func command(at parse.Node, name string, args ...parse.Node) *parse.CommandNode {
	identifier := parse.NewIdentifier(name).SetPos(at.Position())
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at.Position(), Args: append([]parse.Node{identifier}, args...)}
}

func number(at parse.Node, n int) *parse.NumberNode {
	return &parse.NumberNode{NodeType: parse.NodeNumber, Pos: at.Position(), IsInt: true, Int64: int64(n)}
}

func variable(at parse.Node, name string) *parse.VariableNode {
	return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: at.Position(), Ident: []string{name}}
}
