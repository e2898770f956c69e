//go:build !linux

package source

import "io/fs"

// This system reports no ctime, so a rename looks like a write.
func statOf(info fs.FileInfo) stat {
	return stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
}
