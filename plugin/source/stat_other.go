//go:build !linux

package source

import "io/fs"

// statOf takes the fields that matter from stat's answer. Without a change time and
// without events a rename cannot be distinguished from a write, so that every changed
// file waits for Settle on this system.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
