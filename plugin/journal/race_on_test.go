//go:build race

package journal

// raceDetector reports whether the race detector is on. Tests are then some ten times
// slower.
const raceDetector = true
