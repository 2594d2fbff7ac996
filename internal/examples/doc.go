// Package examples tests the trees in examples/: nothing is wrong with the
// platform, and all that was planted in its broken twin is found.
package examples
