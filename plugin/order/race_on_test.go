//go:build race

package order

// The race detector makes the parser five times slower.
const cutStep = 7
