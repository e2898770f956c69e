//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// likeOld sets the owner, group and mode of a new file to those of the old file. Only root may
// change the owner of a file. For other users the new file has the user as its owner, and the
// user must be in the group of the old file.
func likeOld(f *os.File, old os.FileInfo) error {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			if err := f.Chown(-1, int(s.Gid)); err != nil {
				return fmt.Errorf("the group of %s cannot be kept: %w", old.Name(), err)
			}
		}
	}
	// Set the mode after the owner, because a change of the owner clears bits of the mode.
	return f.Chmod(old.Mode().Perm())
}
