//go:build !race

package order

// cutStep is the number of bytes between two cuts of TestTruncated.
const cutStep = 1
