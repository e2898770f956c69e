//go:build !linux

package source

import "io/fs"

// statOf returns the fields of a stat answer that matter. This system has no change time and no
// events. A rename can therefore not be distinguished from a write, and each changed file waits
// for Settle.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
