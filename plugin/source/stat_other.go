//go:build !linux

package source

import "io/fs"

// statOf returns the fields of a stat result that the package uses. Without a change time and kernel events, a
// rename looks like a write, so each changed file must stay unchanged for the duration Settle.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
