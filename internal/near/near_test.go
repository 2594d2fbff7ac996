package near

import "testing"

func TestHint(t *testing.T) {
	candidates := []string{"storageClasses", "namespaces", "rbac/wildcard-verbs", "rbac/dangling-role-ref"}
	for word, want := range map[string]string{
		"storageClases":      "; did you mean storageClasses?",
		"storageclasses":     "; did you mean storageClasses?",
		"wildcard-verbs":     "; did you mean rbac/wildcard-verbs?",
		"rbac/wildcard-verb": "; did you mean rbac/wildcard-verbs?",
		"namepsaces":         "; did you mean namespaces?",
		"x":                  "",
		"nothing-like-it":    "",
		"":                   "",
	} {
		if got := Hint(word, candidates); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
