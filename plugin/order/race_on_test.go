//go:build race

package order

// cutStep is the number of bytes between two cuts of TestTruncated. It is larger here, because
// the race detector makes the parser five times slower.
const cutStep = 7
