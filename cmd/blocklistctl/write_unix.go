//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// likeOld gives a new file the owner, group and mode of the file that it will replace. Only
// root may give a file to another owner: for others the new file is their own, and the group
// must be one that they are in.
func likeOld(f *os.File, old os.FileInfo) error {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			if err := f.Chown(-1, int(s.Gid)); err != nil {
				return fmt.Errorf("the group of %s cannot be kept: %w", old.Name(), err)
			}
		}
	}
	// After the owner: a change of the owner takes bits of the mode away.
	return f.Chmod(old.Mode().Perm())
}
