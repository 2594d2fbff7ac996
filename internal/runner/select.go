package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/config"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

// An UnknownCheck is a name that selects no check.
type UnknownCheck struct {
	Name string
	Near []string // what may have been meant
}

func (e *UnknownCheck) Error() string {
	text := fmt.Sprintf("unknown check %q", e.Name)
	if len(e.Near) > 0 {
		text += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return text
}

// Matching returns the checks that a name selects: an id, a family, or a glob
// over either. A name that selects none is an [*UnknownCheck].
func Matching(list []*checks.Check, name string) ([]*checks.Check, error) {
	var found []*checks.Check
	for _, check := range list {
		if matches(name, check) {
			found = append(found, check)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	var names []string
	for _, check := range list {
		if !slices.Contains(names, check.Family()) {
			names = append(names, check.Family())
		}
		names = append(names, check.ID)
	}
	return nil, &UnknownCheck{name, near.Words(name, names)}
}

func matches(name string, check *checks.Check) bool {
	if name == "**" {
		return true
	}
	against := check.ID
	if !strings.Contains(name, "/") {
		against = check.Family()
	}
	ok, _ := doublestar.Match(name, against)
	return ok
}

// Select chooses checks by layers of settings, weakest first: the configuration
// file, then flags. Within a layer, only replaces what was chosen before,
// enable adds to it, and disable, which beats enable, takes away.
func Select(list []*checks.Check, layers ...config.Selection) ([]*checks.Check, error) {
	chosen := map[*checks.Check]bool{}
	for _, check := range list {
		chosen[check] = true
	}
	set := func(names []string, value bool) error {
		for _, name := range names {
			found, err := Matching(list, name)
			if err != nil {
				return err
			}
			for _, check := range found {
				chosen[check] = value
			}
		}
		return nil
	}
	for _, layer := range layers {
		if len(layer.Only) > 0 {
			clear(chosen)
		}
		if err := set(layer.Only, true); err != nil {
			return nil, err
		}
		if err := set(layer.Enable, true); err != nil {
			return nil, err
		}
		if err := set(layer.Disable, false); err != nil {
			return nil, err
		}
	}
	var selected []*checks.Check
	for _, check := range list {
		if chosen[check] {
			selected = append(selected, check)
		}
	}
	return selected, nil
}
