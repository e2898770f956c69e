//go:build !linux

package source

import "io/fs"

// statOf returns the fields of a stat answer that the package uses. This system has no change
// time and no kernel events, so a rename cannot be distinguished from a write. Each changed
// file must therefore stay unchanged for the time Settle.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
