package apiserver

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// split takes the server's refusal apart into its causes.
func split(o *inventory.Object, err error) []checks.Problem {
	var fieldErr *field.Error
	if errors.As(err, &fieldErr) {
		return []checks.Problem{{Kind: checks.Invalid, Path: placeOf(o, fieldErr.Field, fieldErr.ErrorBody()), Message: clean(o, fieldErr.ErrorBody())}}
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
		problems = append(problems, checks.Problem{Kind: kind, Path: placeOf(o, cause.Field, cause.Message), Message: clean(o, cause.Message)})
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

// typeProblem places a decoding error. The decoder says which Go type did not
// fit, not where; so it is asked again about parts of the object.
func typeProblem(o *inventory.Object, err error, decode func(map[string]any) error) checks.Problem {
	same := func(content map[string]any) bool {
		again := decode(content)
		return again != nil && again.Error() == err.Error()
	}
	return checks.Problem{Kind: checks.Malformed, Path: culprit(o.Content(), same), Message: clean(o, err.Error())}
}

// culprit finds the innermost value that fails when all beside it is taken
// away. Nothing is found where no field fails alone.
func culprit(content map[string]any, fails func(map[string]any) bool) inventory.Path {
	// keep makes an object that has nothing but a value at a path.
	keep := func(path inventory.Path, value any) map[string]any {
		for i := len(path) - 1; i > 0; i-- {
			if key, ok := path[i].(string); ok {
				value = map[string]any{key: value}
			} else {
				value = []any{value}
			}
		}
		object := map[string]any{"apiVersion": content["apiVersion"], "kind": content["kind"]}
		object[path[0].(string)] = value
		return object
	}
	var path inventory.Path
	var value any = content
	for {
		var next inventory.Path
		switch value := value.(type) {
		case map[string]any:
			if len(path) > 0 && fails(keep(path, map[string]any{})) {
				return path
			}
			for _, key := range sortedKeys(value) {
				if child := path.Join(key); fails(keep(child, value[key])) {
					next = child
					break
				}
			}
		case []any:
			if fails(keep(path, []any{})) {
				return path
			}
			for i, item := range value {
				if child := path.Join(i); fails(keep(child, item)) {
					next = child
					break
				}
			}
		}
		if next == nil {
			return path
		}
		path = next
		value, _ = inventory.Lookup(content, path)
	}
}

// misnamed are fields that the server's messages name otherwise than files do,
// because its internal types have them elsewhere.
var misnamed = map[inventory.GroupKind][][2]string{
	{Group: "apps", Kind: "Deployment"}:        {{"spec.template.labels", "spec.template.metadata.labels"}, {"spec.template.annotations", "spec.template.metadata.annotations"}},
	{Group: "apps", Kind: "DaemonSet"}:         {{"spec.template.labels", "spec.template.metadata.labels"}, {"spec.template.annotations", "spec.template.metadata.annotations"}},
	{Group: "apps", Kind: "ReplicaSet"}:        {{"spec.template.labels", "spec.template.metadata.labels"}, {"spec.template.annotations", "spec.template.metadata.annotations"}},
	{Group: "apps", Kind: "StatefulSet"}:       {{"spec.template.labels", "spec.template.metadata.labels"}, {"spec.template.annotations", "spec.template.metadata.annotations"}},
	{Group: "batch", Kind: "Job"}:              {{"spec.template.labels", "spec.template.metadata.labels"}, {"spec.template.annotations", "spec.template.metadata.annotations"}},
	{Group: "", Kind: "PersistentVolumeClaim"}: {{"spec.resources[storage]", "spec.resources.requests.storage"}},
	crdKind: {
		// What all versions have in common stands outside of them there.
		{"spec.validation", "spec.versions[0].schema"},
		{"spec.subresources", "spec.versions[0].subresources"},
		{"spec.additionalPrinterColumns", "spec.versions[0].additionalPrinterColumns"},
		{"spec.selectableFields", "spec.versions[0].selectableFields"},
		{"spec.conversion.webhookClientConfig", "spec.conversion.webhook.clientConfig"},
	},
}

// placeOf is the path of the field that the server complains about. Where it
// names a map or list and quotes one thing in it, that is the place.
func placeOf(o *inventory.Object, name, message string) inventory.Path {
	for _, names := range misnamed[o.Key.GroupKind] {
		if rest, ok := strings.CutPrefix(name, names[0]); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			name = names[1] + rest
		}
	}
	if strings.HasPrefix(message, "Required value") {
		// The server's callers of ValidateWebhookService give it name and
		// namespace the wrong way round, so it names the wrong one.
		if before, ok := strings.CutSuffix(name, ".clientConfig.service.name"); ok {
			name = before + ".clientConfig.service.namespace"
		} else if before, ok := strings.CutSuffix(name, ".clientConfig.service.namespace"); ok {
			name = before + ".clientConfig.service.name"
		}
	}
	path := pathOf(o, name)
	at := invalid.FindStringSubmatch(message)
	if at == nil || len(path) == 0 {
		return path
	}
	text, err := strconv.Unquote(at[1])
	if err != nil {
		return path
	}
	var found []inventory.Path
	switch value := o.Get(path).(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			if key == text || value[key] == text {
				found = append(found, path.Join(key))
			}
		}
	case []any:
		for i, item := range value {
			if item == text {
				found = append(found, path.Join(i))
			}
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return path
}

var invalid = regexp.MustCompile(`^(?:Invalid value|Unsupported value|Duplicate value|Not found): ("(?:[^"\\]|\\.)*")`)

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
