//go:build race

package order

// cutStep is the number of bytes between two cuts of TestTruncated. The race detector makes
// the parser five times slower, so the test cuts only at some bytes. Without the race
// detector, the test cuts at each byte.
const cutStep = 7
