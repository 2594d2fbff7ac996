package checks

import "github.com/kfpreflight/kfpreflight/internal/inventory"

// A Server judges objects as the target's API server would. Families ask it
// through their pass, so that they need not link it.
type Server interface {
	// Create returns what the API server would say to the creation of the
	// object, nothing where it would take it. Known is false for kinds that
	// it does not serve: custom resources whose CRD is not in the render.
	Create(*inventory.Object) (problems []Problem, known bool)
}

// A Problem is one thing that the API server finds wrong with an object.
type Problem struct {
	Kind    ProblemKind
	Path    inventory.Path // empty where the server names no field
	Message string         // the server's own words
}

// ProblemKind says at which step the API server stumbles.
type ProblemKind int

const (
	Invalid        ProblemKind = iota // a value breaks a rule of its kind
	UnknownField                      // a field that the kind does not have
	Malformed                         // a value of another type, undecodable
	Unserved                          // the version is not served
	Undeterminable                    // the verdict cannot be had
)
