package helm

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"text/template"
)

// Limits of one rendering. The largest charts in use stay below a hundredth of
// each: what exceeds one never ends, or ends in an exhausted machine.
const (
	maxOutput  = 64 << 20  // bytes that all templates write together
	maxText    = 16 << 20  // bytes of one function's result
	maxWork    = 1 << 30   // bytes of all functions' results
	maxItems   = 1_000_000 // items of a generated list
	maxSpread  = 5_000_000 // values inside one value, shared ones counted each time
	maxNesting = 1_000     // levels of one value
	maxCalls   = 1_200     // templates that call each other
	maxBlocks  = 200       // blocks, or parentheses, inside each other
	maxActions = 100_000   // actions of one template
)

// maxSteps is how many nodes of templates are executed; a variable for tests.
var maxSteps = 5_000_000

// A budget bounds one rendering in time and memory. What it finds ends the
// rendering and stays in err.
type budget struct {
	ctx    context.Context
	err    error
	steps  int
	output int
	work   int64
}

func newBudget(ctx context.Context) *budget { return &budget{ctx: ctx} }

func (b *budget) fail(format string, args ...any) error {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
	return b.err
}

// step counts the execution of one node.
func (b *budget) step() error {
	if b.err != nil {
		return b.err
	}
	b.steps++
	if b.steps > maxSteps {
		return b.fail("the templates do not end: more than %d steps", maxSteps)
	}
	if b.steps%256 == 0 && b.ctx.Err() != nil {
		b.err = context.Cause(b.ctx)
		return b.err
	}
	return nil
}

func (b *budget) write(n int) error {
	if b.output += n; b.output > maxOutput {
		return b.fail("the templates write more than %d MiB", maxOutput>>20)
	}
	return nil
}

func (b *budget) spend(bytes int64) error {
	if bytes > maxText {
		return b.fail("a template makes a text or list of more than %d MiB", maxText>>20)
	}
	if b.work += bytes + 256; b.work > maxWork {
		return b.fail("the templates use more than %d MiB of memory", maxWork>>20)
	}
	return nil
}

// measure refuses values that hold themselves, or so much that writing them
// down would never end.
func (b *budget) measure(v reflect.Value) error {
	spread, text := 0, 0
	var walk func(v reflect.Value, depth int) error
	walk = func(v reflect.Value, depth int) error {
		if spread++; spread > maxSpread {
			return b.fail("a template handles a value of more than %d parts", maxSpread)
		}
		if depth > maxNesting {
			return b.fail("a template handles a value that is nested deeper than %d levels", maxNesting)
		}
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			return walk(v.Elem(), depth+1)
		case reflect.String:
			if text += v.Len(); text > maxOutput {
				return b.fail("a template handles a value of more than %d MiB", maxOutput>>20)
			}
		case reflect.Slice, reflect.Array:
			switch v.Type().Elem().Kind() {
			case reflect.Uint8, reflect.Int:
				return nil
			}
			for i := range v.Len() {
				if err := walk(v.Index(i), depth+1); err != nil {
					return err
				}
			}
		case reflect.Map:
			entries := v.MapRange()
			for entries.Next() {
				if err := walk(entries.Value(), depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(v, 0)
}

// guard puts limits round functions: before a call where the arguments tell
// how large the result will be, and after it in any case.
func (b *budget) guard(functions template.FuncMap) template.FuncMap {
	guarded := make(template.FuncMap, len(functions))
	for name, f := range functions {
		inner := reflect.ValueOf(f)
		before := foresight[name]
		deep := writesOut[name]
		guarded[name] = reflect.MakeFunc(inner.Type(), func(args []reflect.Value) []reflect.Value {
			// A template function may panic: text/template makes an error of it.
			if b.err != nil {
				panic(b.err)
			}
			if deep {
				for _, arg := range args {
					if err := b.measure(arg); err != nil {
						panic(err)
					}
				}
			}
			if before != nil {
				if err := b.spend(before(args)); err != nil {
					panic(err)
				}
			}
			var results []reflect.Value
			if inner.Type().IsVariadic() {
				results = inner.CallSlice(args)
			} else {
				results = inner.Call(args)
			}
			if err := b.spend(shallowSize(results[0])); err != nil {
				panic(err)
			}
			return results
		}).Interface()
	}
	return guarded
}

func shallowSize(v reflect.Value) int64 {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		return int64(v.Len()) * int64(v.Type().Elem().Size())
	case reflect.Map:
		return int64(v.Len()) * 64
	}
	return 0
}

// writesOut names the functions that go through a whole value.
var writesOut = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`toYaml toYamlPretty toJson toPrettyJson toRawJson mustToJson mustToPrettyJson mustToRawJson
		toToml deepCopy mustDeepCopy deepEqual merge mergeOverwrite mustMerge mustMergeOverwrite print printf println
		html js urlquery quote squote cat toString toStrings join sortAlpha uniq mustUniq has mustHas without mustWithout
		toDecimal`) {
		names[name] = true
	}
	return names
}()

// foresight tells the size of a result before it is made.
var foresight = map[string]func([]reflect.Value) int64{
	"repeat":          func(a []reflect.Value) int64 { return times(a[0].Int(), int64(a[1].Len())) },
	"until":           func(a []reflect.Value) int64 { return items(a[0].Int()) },
	"untilStep":       func(a []reflect.Value) int64 { return stepItems(a[0].Int(), a[1].Int(), a[2].Int()) },
	"seq":             seqItems,
	"indent":          func(a []reflect.Value) int64 { return indented(a) },
	"nindent":         func(a []reflect.Value) int64 { return indented(a) },
	"randAlphaNum":    func(a []reflect.Value) int64 { return max(a[0].Int(), 0) },
	"randAlpha":       func(a []reflect.Value) int64 { return max(a[0].Int(), 0) },
	"randNumeric":     func(a []reflect.Value) int64 { return max(a[0].Int(), 0) },
	"randAscii":       func(a []reflect.Value) int64 { return max(a[0].Int(), 0) },
	"randBytes":       func(a []reflect.Value) int64 { return max(a[0].Int(), 0) },
	"replace":         replaced,
	"join":            joined,
	"printf":          formatted,
	"regexReplaceAll": expandedBy, "mustRegexReplaceAll": expandedBy,
	"regexReplaceAllLiteral": expandedBy, "mustRegexReplaceAllLiteral": expandedBy,
}

const tooMuch = int64(1) << 40

func times(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	if a > tooMuch/b {
		return tooMuch
	}
	return a * b
}

func items(n int64) int64 {
	if n > maxItems || n < -maxItems {
		return tooMuch
	}
	return 8 * max(n, -n)
}

func stepItems(start, stop, step int64) int64 {
	if step == 0 {
		return 0
	}
	if (step > 0) != (stop > start) {
		return 0
	}
	const far = 1 << 61 // beyond it, counting would overflow and start again
	for _, n := range []int64{start, stop, step} {
		if n > far || n < -far {
			return tooMuch
		}
	}
	return items((stop - start) / step)
}

func seqItems(args []reflect.Value) int64 {
	params, _ := args[0].Interface().([]int)
	n := func(i int) int64 { return int64(params[i]) }
	switch len(params) {
	case 1:
		return stepItems(1, n(0), 1)
	case 2:
		return stepItems(n(0), n(1), 1)
	case 3:
		return stepItems(n(0), n(2), n(1))
	}
	return 0
}

func indented(args []reflect.Value) int64 {
	text := args[1].String()
	return times(args[0].Int(), int64(strings.Count(text, "\n")+1)) + int64(len(text))
}

func replaced(args []reflect.Value) int64 {
	old, with, text := args[0].String(), args[1].String(), args[2].String()
	return times(int64(strings.Count(text, old)), int64(len(with))) + int64(len(text))
}

func joined(args []reflect.Value) int64 {
	list := args[1]
	for list.Kind() == reflect.Interface {
		list = list.Elem()
	}
	if list.Kind() != reflect.Slice && list.Kind() != reflect.Array {
		return 0
	}
	return times(int64(list.Len()), int64(args[0].Len()))
}

var wideVerb = regexp.MustCompile(`%[-+# 0]*(?:\d*\.)?(\d{5,}|\*)`)

func formatted(args []reflect.Value) int64 {
	if wide := wideVerb.FindAllStringIndex(args[0].String(), -1); len(wide) > 0 {
		return times(int64(len(wide)), 1_000_000)
	}
	return 0
}

// expandedBy is generous: only what no chart does is refused.
func expandedBy(args []reflect.Value) int64 {
	if times(int64(args[1].Len()+1), int64(args[2].Len()+1)) > 1<<34 {
		return tooMuch
	}
	return 0
}
