// Package layout holds the test that imports point one way.
package layout
