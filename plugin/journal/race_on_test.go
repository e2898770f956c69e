//go:build race

package journal

// raceDetector reports whether the race detector is on, which makes the tests some ten times
// slower.
const raceDetector = true
