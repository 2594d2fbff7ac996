// Package schema reports what the API server refuses: it asks the server's own
// code about each object, and only puts its words at the right line.
//
// It does not judge what comes after: admission by webhooks, quotas and Pod
// Security, and whether a controller can make sense of an object.
package schema

import (
	"fmt"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	invalidValue,
	unknownField,
	wrongType,
	unservedVersion,
	missingDefinition,
	removedAPI,
	apiNotYetServed,
	fieldNotInTarget,
	unexpandedVariable,
	tooLarge,
	tooLargeToRemember,
}

// ask reports the problems of some kinds that the API server has with the
// objects of the render.
func ask(pass *checks.Pass, report func(o *inventory.Object, problem checks.Problem), kinds ...checks.ProblemKind) {
	if pass.Server == nil {
		pass.NotApplicable()
		return
	}
	for o := range pass.Render.All() {
		problems, _ := pass.Server.Create(o)
		for _, problem := range problems {
			for _, kind := range kinds {
				if problem.Kind == kind {
					report(o, problem)
				}
			}
		}
	}
}

// place is where a problem is: the field, or the object's name where the
// server names none.
func place(o *inventory.Object, problem checks.Problem) inventory.Place {
	if len(problem.Path) == 0 {
		return o.At("metadata", "name")
	}
	return o.At(problem.Path)
}

// said is the server's message with the field that it is about.
func said(o *inventory.Object, problem checks.Problem) string {
	if len(problem.Path) == 0 {
		return problem.Message
	}
	return fmt.Sprintf("%s: %s", problem.Path, problem.Message)
}
