package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A staged file contains the new content of a file before the rename. Its name is hidden,
// because a server does not load hidden files.
type staged struct {
	path string // the path of the file that will be replaced
	tmp  *os.File
	old  os.FileInfo // the file that will be replaced, or nil if there is none
	done bool        // the file was installed or removed
}

// stage creates a hidden file that will replace the file at path, with the owner, the group
// and the mode of the old file. The given mode is for a new file. A symbolic link stays, and
// its target is replaced.
func stage(path string, mode fs.FileMode) (*staged, error) {
	old, err := os.Stat(path)
	switch {
	case err == nil && !old.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file", path)
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		// Until likeOld changes the group, only the owner may read the new file.
		mode = 0o600
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if link, err := os.Readlink(path); err == nil {
			return nil, fmt.Errorf("%s: is a symbolic link to %s, which is not there", path, link)
		}
		old = nil
	}
	name := filepath.Join(filepath.Dir(path), ".blocklistctl-"+rand.Text())
	tmp, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return &staged{path: path, tmp: tmp, old: old}, nil
}

// Write appends bytes to the new content.
func (s *staged) Write(p []byte) (int, error) { return s.tmp.Write(p) }

// finish completes the new file with the old owner and mode, and closes it.
func (s *staged) finish() (err error) {
	if s.old != nil {
		err = likeOld(s.tmp, s.old)
	}
	return errors.Join(err, s.tmp.Sync(), s.tmp.Close())
}

// rename is os.Rename. Tests replace this variable.
var rename = os.Rename

// install renames the new file to the path of the old file.
func (s *staged) install() error {
	err := rename(s.tmp.Name(), s.path)
	s.done = err == nil
	return err
}

// discard removes the new file, unless it was installed.
func (s *staged) discard() {
	if !s.done {
		s.tmp.Close() // an error does not matter, because the file is removed
		os.Remove(s.tmp.Name())
		s.done = true
	}
}
