//go:build !linux

package source

import "io/fs"

// stampOf takes a file's stamp from what stat said about it. Without a change
// time a rename from a folder that is not watched cannot be told from a file
// being written, so here such a file waits for Settle.
func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
}
