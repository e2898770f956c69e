//go:build unix && !solaris && !aix

package durable

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

var errLocked = syscall.EWOULDBLOCK

func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

func keepOwner(f *os.File, path string, groupOnly bool) error {
	old, err := os.Lstat(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	if was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	err = f.Chown(int(was.Uid), int(was.Gid))
	if err == nil {
		return nil
	}
	if !groupOnly {
		return fmt.Errorf("owner %d:%d cannot be kept: %w", was.Uid, was.Gid, err)
	}
	if err := f.Chown(-1, int(was.Gid)); err != nil {
		return fmt.Errorf("the group of %s cannot be kept: %w", old.Name(), err)
	}
	return nil
}

// Some file systems cannot sync a directory and return EINVAL.
func syncDirectory(f *os.File) error {
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
