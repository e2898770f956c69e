//go:build race

package order

// cutStep is the number of bytes between two cuts of TestTruncated. The race detector makes the
// parser five times slower, and the parser has no goroutines. The test without the race
// detector cuts at each byte.
const cutStep = 7
