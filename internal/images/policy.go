package images

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kfpreflight/kfpreflight/internal/facts"
)

// Allowed reports whether a policy lets an image be used: one of its patterns
// matches, or there are none, and a place that images are mirrored to is
// always one.
func Allowed(policy facts.ImagePolicy, r Reference) bool {
	if policy.Allow == nil {
		return true
	}
	for _, pattern := range policy.Allow {
		if matches(pattern, r) {
			return true
		}
	}
	for _, to := range policy.Mirror {
		if below(to, r.Name()) {
			return true
		}
	}
	return false
}

// matches holds one pattern against an image. One without * means all below
// it; one with a tag or digest is held against the image's too.
func matches(pattern string, r Reference) bool {
	name := r.Name()
	if i := strings.LastIndexByte(pattern, '/'); i >= 0 && strings.ContainsAny(pattern[i:], ":@") {
		name = r.String()
		if !strings.Contains(pattern, "@") {
			name, _, _ = strings.Cut(name, "@")
		}
	}
	pattern = complete(pattern)
	if !strings.ContainsAny(pattern, "*?[{") {
		return name == pattern || below(pattern, name)
	}
	ok, err := doublestar.Match(pattern, name)
	return err == nil && ok
}

// complete adds the registry to a pattern of Docker Hub's short names.
func complete(pattern string) string {
	first, rest, several := strings.Cut(strings.TrimSuffix(pattern, "/"), "/")
	switch {
	case strings.ContainsAny(first, ".:*?[{") && (several || !strings.Contains(first, ":") || strings.Contains(first, ".")), first == "localhost":
		return strings.TrimSuffix(pattern, "/")
	case several:
		return "docker.io/" + first + "/" + rest
	}
	return "docker.io/library/" + first
}

// below reports whether a name is the prefix or stands below it.
func below(prefix, name string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return name == prefix || strings.HasPrefix(name, prefix+"/")
}

// Mirrored is the name under which a policy wants an image to be pulled, and
// whether it says anything about it. The longest registry or part of one that
// the image is from decides.
func Mirrored(policy facts.ImagePolicy, r Reference) (string, bool) {
	froms := slices.SortedFunc(maps.Keys(policy.Mirror), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for _, to := range policy.Mirror {
		if below(to, r.Name()) {
			return "", false // it is there already
		}
	}
	for _, from := range froms {
		prefix := strings.TrimSuffix(from, "/")
		if below(prefix, r.Name()) {
			return strings.TrimSuffix(policy.Mirror[from], "/") + strings.TrimPrefix(r.String(), prefix), true
		}
	}
	return "", false
}
