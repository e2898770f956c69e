package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A staged file is complete in the directory of the file that it will replace, under a hidden
// name. A server that reads the directory does not load hidden files.
type staged struct {
	path string // of the file to be replaced
	tmp  *os.File
	old  os.FileInfo // nil if there is no file to be replaced
	done bool        // there is nothing to discard
}

// stage begins a file that will replace the file at path. The new file has the owner, group and
// mode of the file that it replaces. A file that was not there gets the mode, less the umask. A
// symbolic link stays, and the file that it leads to is replaced.
func stage(path string, mode fs.FileMode) (*staged, error) {
	old, err := os.Stat(path)
	switch {
	case err == nil && !old.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file", path)
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		// Before likeOld runs, only the owner may read a file that is to have another group.
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

// Write adds bytes to the file.
func (s *staged) Write(p []byte) (int, error) { return s.tmp.Write(p) }

// finish ends the file and writes it to the disk.
func (s *staged) finish() (err error) {
	if s.old != nil {
		err = likeOld(s.tmp, s.old)
	}
	return errors.Join(err, s.tmp.Sync(), s.tmp.Close())
}

// rename is os.Rename, for tests to replace.
var rename = os.Rename

// install renames the file into its place.
func (s *staged) install() error {
	err := rename(s.tmp.Name(), s.path)
	s.done = err == nil
	return err
}

// discard removes the file, unless it was installed.
func (s *staged) discard() {
	if !s.done {
		s.tmp.Close() // an error changes nothing: the file is removed
		os.Remove(s.tmp.Name())
		s.done = true
	}
}
