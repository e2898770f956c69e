//go:build !linux

package source

import "io/fs"

// statOf returns the fields of a stat result that the package uses. Without a change time,
// a rename looks like a write. Each changed file waits for the duration Settle.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
