//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// likeOld gives a new file the owner, group and mode of the old file. Only root may change the
// owner. Other users must be in the group of the old file.
func likeOld(f *os.File, old os.FileInfo) error {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			if err := f.Chown(-1, int(s.Gid)); err != nil {
				return fmt.Errorf("the group of %s cannot be kept: %w", old.Name(), err)
			}
		}
	}
	// The mode comes last, because a change of the owner clears bits of the mode.
	return f.Chmod(old.Mode().Perm())
}
