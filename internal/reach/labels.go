package reach

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Labels are what is known of the labels of a pod or a namespace.
type Labels struct {
	Set labels.Set
	// Carries are names of labels whose values are unknown.
	Carries []string
	// Open says that there may be others.
	Open bool
}

// A requirement is one condition of a label selector and where it stands.
type requirement struct {
	path     inventory.Path // below the selector
	key      string
	operator metav1.LabelSelectorOperator
	values   []string
}

// requirementsOf lists the conditions of a selector, sorted for matchLabels.
func requirementsOf(selector *metav1.LabelSelector) []requirement {
	var list []requirement
	for _, key := range sortedKeys(selector.MatchLabels) {
		list = append(list, requirement{
			path: inventory.Path{"matchLabels", key},
			key:  key, operator: metav1.LabelSelectorOpIn, values: []string{selector.MatchLabels[key]},
		})
	}
	for i, e := range selector.MatchExpressions {
		list = append(list, requirement{
			path: inventory.Path{"matchExpressions", i},
			key:  e.Key, operator: e.Operator, values: e.Values,
		})
	}
	return list
}

// valuePath leads to the i-th value of the requirement.
func (r requirement) valuePath(i int) inventory.Path {
	if r.path[0] == "matchLabels" {
		return r.path
	}
	return r.path.Join("values", i)
}

// keyPath leads to the name of the label.
func (r requirement) keyPath() inventory.Path {
	if r.path[0] == "matchLabels" {
		return r.path
	}
	return r.path.Join("key")
}

func (r requirement) match(l Labels) truth {
	value, set := l.Set[r.key]
	if !set {
		if slices.Contains(l.Carries, r.key) {
			switch r.operator {
			case metav1.LabelSelectorOpExists:
				return yes
			case metav1.LabelSelectorOpDoesNotExist:
				return no
			}
			return maybe
		}
		if l.Open {
			return maybe
		}
	}
	switch r.operator {
	case metav1.LabelSelectorOpIn:
		return truthOf(set && slices.Contains(r.values, value))
	case metav1.LabelSelectorOpNotIn:
		return truthOf(!set || !slices.Contains(r.values, value))
	case metav1.LabelSelectorOpExists:
		return truthOf(set)
	case metav1.LabelSelectorOpDoesNotExist:
		return truthOf(!set)
	}
	// The API server refuses other operators: there will be no such policy.
	return maybe
}

// match evaluates a selector. An empty one matches everything.
func match(selector *metav1.LabelSelector, l Labels) truth {
	result := yes
	for _, r := range requirementsOf(selector) {
		result = min(result, r.match(l))
	}
	return result
}

// positive reports whether the selector asks for some label, rather than
// taking everything or everything but something.
func positive(selector *metav1.LabelSelector) bool {
	for _, r := range requirementsOf(selector) {
		if r.operator == metav1.LabelSelectorOpIn || r.operator == metav1.LabelSelectorOpExists {
			return true
		}
	}
	return false
}

// Similar reports whether one text is probably a misspelling of the other: it
// differs in one letter or two that were added, left out, replaced or swapped,
// or in case or separators alone. Short texts are not compared, nor those that
// differ in digits ("v1", "v2") or in whole words alone.
func Similar(a, b string) bool {
	if a == b || a == "" || b == "" {
		return false
	}
	fa, fb := fold(a), fold(b)
	if fa == fb {
		return true
	}
	if min(len(fa), len(fb)) < 4 || withoutDigits(fa) == withoutDigits(fb) || hasWords(a, b) || hasWords(b, a) {
		return false
	}
	allowed := 1
	if min(len(fa), len(fb)) >= 9 {
		allowed = 2
	}
	return distance(fa, fb) <= allowed
}

// hasWords reports whether a text has all words of another and more, as
// ml-pipeline-ui has those of ml-pipeline: two names, not one misspelled.
func hasWords(more, less string) bool {
	separator := func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == '/' }
	all, some := strings.FieldsFunc(more, separator), strings.FieldsFunc(less, separator)
	if len(all) <= len(some) {
		return false
	}
	for _, word := range some {
		if !slices.Contains(all, word) {
			return false
		}
	}
	return true
}

// fold drops what people mix up: case and separators.
func fold(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return string(out)
}

func withoutDigits(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			out = append(out, s[i])
		}
	}
	return string(out)
}

// distance is the number of letters added, left out, replaced or swapped with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

func sortedKeys(set map[string]string) []string { return slices.Sorted(maps.Keys(set)) }
