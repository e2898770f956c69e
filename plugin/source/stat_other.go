//go:build !linux

package source

import "io/fs"

// statOf returns the fields of a stat result that the package uses. This system reports no change
// time, so a rename looks like a write. Each changed file therefore waits for the duration Settle.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
