package apiserver

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// split takes the server's refusal apart into its causes.
func split(o *inventory.Object, err error) []checks.Problem {
	var fieldErr *field.Error
	if errors.As(err, &fieldErr) {
		return []checks.Problem{{Kind: checks.Invalid, Path: pathOf(o, fieldErr.Field), Message: clean(o, fieldErr.ErrorBody())}}
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Details == nil || len(status.ErrStatus.Details.Causes) == 0 {
		return []checks.Problem{{Kind: checks.Invalid, Message: clean(o, err.Error())}}
	}
	var problems []checks.Problem
	for _, cause := range status.ErrStatus.Details.Causes {
		if len(status.ErrStatus.Details.Causes) > 1 && (cause.Field == "<nil>" || strings.HasPrefix(cause.Field, "status.")) {
			continue // follows from another cause, and no file can hold it
		}
		kind := checks.Invalid
		if cause.Type == metav1.CauseTypeTypeInvalid {
			kind = checks.Malformed
		}
		problems = append(problems, checks.Problem{Kind: kind, Path: pathOf(o, cause.Field), Message: clean(o, cause.Message)})
	}
	return problems
}

// quoted values may be those of a Secret.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// clean makes the server's words fit to print: nothing of a Secret's values,
// and not a whole object.
func clean(o *inventory.Object, message string) string {
	if o.Key.GroupKind == (inventory.GroupKind{Kind: "Secret"}) {
		if before, after, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(before, "Invalid value") {
			return before + ": (not shown)" + tail(after)
		}
		return message
	}
	const longest = 600
	if len(message) > longest {
		message = message[:longest/2] + " … " + strings.ToValidUTF8(message[len(message)-longest/2:], "")
	}
	return strings.ToValidUTF8(message, "")
}

// tail is what follows the first quoted value.
func tail(message string) string {
	if at := quoted.FindStringIndex(message); at != nil && at[0] == 0 {
		return message[at[1]:]
	}
	return ""
}

var strictError = regexp.MustCompile(`^(unknown|duplicate) field "(.*)"$`)

// strictProblem reads a strict decoding error: unknown field "spec.a[0].b".
func strictProblem(o *inventory.Object, message string) checks.Problem {
	m := strictError.FindStringSubmatch(message)
	if m == nil {
		return checks.Problem{Kind: checks.Malformed, Message: message}
	}
	return checks.Problem{Kind: checks.UnknownField, Path: pathOf(o, m[2]), Message: message}
}

var goField = regexp.MustCompile(`cannot unmarshal (\w+) into Go (?:struct field |value of type )(\S*)(?: of type (\S+))?`)

// typeProblem reads a decoding error, which names the field by the names of
// the JSON fields on the way, without positions.
func typeProblem(o *inventory.Object, err error) checks.Problem {
	problem := checks.Problem{Kind: checks.Malformed, Message: clean(o, err.Error())}
	m := goField.FindStringSubmatch(err.Error())
	if m == nil {
		if path, ok := mentioned(o, err.Error()); ok {
			problem.Path = path
		} else if strings.Contains(err.Error(), "quantities must match") {
			problem.Path = badQuantity(o)
		}
		return problem
	}
	steps := strings.Split(m[2], ".")
	if len(steps) > 1 {
		if path, ok := badlyTyped(o.Content(), steps[1:], m[1]); ok {
			problem.Path = path
		}
	}
	return problem
}

// badlyTyped finds the field of these names whose value has the JSON type that
// did not fit, through whatever lists and maps stand between.
func badlyTyped(value any, names []string, jsonType string) (inventory.Path, bool) {
	if len(names) == 0 {
		return nil, jsonTypeOf(value) == jsonType
	}
	switch value := value.(type) {
	case map[string]any:
		if next, ok := value[names[0]]; ok {
			if rest, ok := badlyTyped(next, names[1:], jsonType); ok {
				return append(inventory.Path{names[0]}, rest...), true
			}
			if len(names) == 1 {
				// The value of a map, or an item of a list, has the type.
				if rest, ok := badItem(next, jsonType); ok {
					return append(inventory.Path{names[0]}, rest...), true
				}
			}
		}
	case []any:
		for i, item := range value {
			if rest, ok := badlyTyped(item, names, jsonType); ok {
				return append(inventory.Path{i}, rest...), true
			}
		}
	}
	return nil, false
}

func badItem(value any, jsonType string) (inventory.Path, bool) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			if jsonTypeOf(value[key]) == jsonType {
				return inventory.Path{key}, true
			}
		}
	case []any:
		for i, item := range value {
			if jsonTypeOf(item) == jsonType {
				return inventory.Path{i}, true
			}
		}
	}
	return nil, false
}

func jsonTypeOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case int64, float64:
		return "number"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	}
	return "null"
}

// mentioned finds the scalar whose text an error quotes, as those of
// quantities and times do, where it is the only one.
func mentioned(o *inventory.Object, message string) (found inventory.Path, ok bool) {
	var texts []string
	for _, q := range quoted.FindAllString(message, -1) {
		if s, err := strconv.Unquote(q); err == nil && s != "" {
			texts = append(texts, s)
		}
	}
	count := 0
	walk(o.Content(), nil, func(path inventory.Path, value any) {
		for _, text := range texts {
			if value == text {
				found, count = append(inventory.Path{}, path...), count+1
			}
		}
	})
	return found, count == 1
}

// quantityParents are the fields of built-in kinds whose values are quantities.
var quantityParents = []string{"requests", "limits", "hard", "capacity", "min", "max", "default", "defaultRequest", "maxLimitRequestRatio", "overhead", "podFixed"}

// badQuantity finds the first text in the place of a quantity that is none.
func badQuantity(o *inventory.Object) (found inventory.Path) {
	walk(o.Content(), nil, func(path inventory.Path, value any) {
		text, ok := value.(string)
		if found != nil || !ok || len(path) < 2 {
			return
		}
		parent, _ := path[len(path)-2].(string)
		if !slices.Contains(quantityParents, parent) && path[len(path)-1] != "sizeLimit" && path[len(path)-1] != "divisor" {
			return
		}
		if _, err := resource.ParseQuantity(text); err != nil {
			found = append(inventory.Path{}, path...)
		}
	})
	return found
}

func walk(value any, path inventory.Path, visit func(inventory.Path, any)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			walk(value[key], path.Join(key), visit)
		}
	case []any:
		for i, item := range value {
			walk(item, path.Join(i), visit)
		}
	default:
		visit(path, value)
	}
}

// pathOf reads the server's way to write a field path. The object decides what
// is a key with dots, what a position and what a key in brackets.
func pathOf(o *inventory.Object, text string) inventory.Path {
	var path inventory.Path
	var value any = o.Content()
	for text != "" {
		step, rest := nextStep(value, text)
		if step == nil {
			break
		}
		path = append(path, step)
		value, _ = inventory.Lookup(value, inventory.Path{step})
		text = rest
	}
	return path
}

func nextStep(value any, text string) (step any, rest string) {
	if strings.HasPrefix(text, "[") {
		end := strings.Index(text, "]")
		if end < 0 {
			return nil, ""
		}
		// A key may hold brackets itself.
		if m, ok := value.(map[string]any); ok {
			for i := end; i > 0 && i < len(text); i++ {
				if text[i] == ']' {
					if _, ok := m[text[1:i]]; ok {
						return text[1:i], text[i+1:]
					}
				}
			}
			return text[1:end], text[end+1:]
		}
		inner := text[1:end]
		if i, err := strconv.Atoi(inner); err == nil {
			return i, text[end+1:]
		}
		return inner, text[end+1:]
	}
	text = strings.TrimPrefix(text, ".")
	if m, ok := value.(map[string]any); ok {
		best := ""
		for key := range m {
			after, ok := strings.CutPrefix(text, key)
			if ok && len(key) > len(best) && (after == "" || after[0] == '.' || after[0] == '[') {
				best = key
			}
		}
		if best != "" {
			return best, text[len(best):]
		}
	}
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return nil, ""
	}
	return text[:end], text[end:]
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
