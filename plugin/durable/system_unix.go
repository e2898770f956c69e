//go:build unix && !solaris && !aix

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// errLocked means that another Lock locks the file.
var errLocked = syscall.EWOULDBLOCK

// lock locks a file until it is closed.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

// keepOwner gives f the owner and group of the file at path, if there is such a file.
func keepOwner(f *os.File, path string) error {
	old, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
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
	if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
		return fmt.Errorf("owner %d:%d cannot be kept: %w", was.Uid, was.Gid, err)
	}
	return nil
}

// syncDirectory syncs an open directory. Some file systems cannot sync directories and return
// EINVAL; there is no other way to sync on them.
func syncDirectory(f *os.File) error {
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
