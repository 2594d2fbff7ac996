// Package inventory holds the objects of one render: indexed, typed, located
// and immutable.
//
// Everything that a check knows about the user's manifests it reads from here,
// through a [View], which remembers what it was asked for: that is how the
// runner can tell "nothing found" from "nothing to look at".
//
// Objects come from a renderer, which gives each one a [Locator]: the way back
// from a field of the object to the line of the user's tree that set it.
// Locating is lazy, because a render has hundreds of thousands of fields and a
// report names a handful of them.
package inventory
