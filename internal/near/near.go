// Package near finds the word that somebody may have meant.
package near

import (
	"slices"
	"strings"
)

// Words returns the candidates close to a word, closest first, at most three.
func Words(word string, candidates []string) []string {
	type scored struct {
		word     string
		distance int
	}
	var found []scored
	lower := strings.ToLower(word)
	for _, candidate := range candidates {
		c := strings.ToLower(candidate)
		d := distance(lower, c)
		if len(lower) >= 3 && strings.Contains(c, lower) {
			d = min(d, 1)
		}
		if d <= max(1, min(len(lower), len(c))/3) {
			found = append(found, scored{candidate, d})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return a.distance - b.distance })
	if len(found) > 0 && found[0].distance == 0 {
		return []string{found[0].word}
	}
	var words []string
	for _, f := range found[:min(3, len(found))] {
		words = append(words, f.word)
	}
	return words
}

// Hint is "; did you mean X?" or, where no candidate is close, empty.
func Hint(word string, candidates []string) string {
	words := Words(word, candidates)
	if len(words) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(words, " or ") + "?"
}

// distance is the number of letters to add, drop, replace or swap.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}

// Close reports whether one of two words is surely meant for the other: one
// letter in five differs, at most.
func Close(a, b string) bool {
	return distance(strings.ToLower(a), strings.ToLower(b)) <= max(1, len(a)/5)
}
