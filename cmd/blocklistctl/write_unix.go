//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// likeOld gives a new file the owner, group and mode of the old file. Only root may change the
// owner of a file. For other users, the user stays the owner of the new file and must be in
// the group of the old file.
func likeOld(f *os.File, old os.FileInfo) error {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			if err := f.Chown(-1, int(s.Gid)); err != nil {
				return fmt.Errorf("the group of %s cannot be kept: %w", old.Name(), err)
			}
		}
	}
	// The mode is set after the owner, because a change of the owner clears bits of the mode.
	return f.Chmod(old.Mode().Perm())
}
