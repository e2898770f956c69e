//go:build race

package order

// cutStep is the number of bytes between two cuts of TestTruncated. The race detector
// makes the parser five times slower, so the step is larger here.
const cutStep = 7
