package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/durable"
)

// modeSealed is the mode of a file with a sealed order, before the umask. The group may
// read the file, because the server is in the group.
const modeSealed = 0o640

// files replaces order files on the disk. After a crash, a file has its old content or its new
// content. GroupOnly means that the owner of a replaced file may change. The group and the mode
// stay.
var files = durable.FS{GroupOnly: true}

// A staged file contains the new content of a file until it is renamed. Its temporary name begins
// with a dot, because servers skip hidden files.
type staged struct {
	*durable.File
	name string      // the final name
	mode fs.FileMode // the final mode
}

// stage creates a hidden file that will replace the file at path. The new file gets the group and
// the mode of the old file, and its owner if possible. If there is no old file, its mode is the
// parameter "mode". If path is a symbolic link, stage keeps the link and replaces the target of the
// link.
func stage(path string, mode fs.FileMode) (*staged, error) {
	given := path
	final := durable.KeepMode
	old, err := os.Stat(path)
	switch {
	case err == nil && !old.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file", path)
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		// At first, only the owner can read the new file. Prepare sets the final mode together with
		// the group.
		mode, final = 0o600, old.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if link, err := os.Readlink(path); err == nil {
			return nil, fmt.Errorf("%s: is a symbolic link to %s, which is not there", path, link)
		}
	}
	f, err := files.CreateMode(filepath.Dir(path), mode)
	if err != nil {
		return nil, unwritable(given, err)
	}
	return &staged{f, filepath.Base(path), final}, nil
}

func (s *staged) prepare() error { return s.Prepare(s.name, s.mode) }

// writeFile replaces a file by rename, so that a server never reads an incomplete file. See stage
// for the group and the mode.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	return writeText(path, bytes.NewReader(data), mode)
}

// writeText is like writeFile. It reads the new content from a reader.
func writeText(path string, text io.Reader, mode fs.FileMode) error {
	s, err := stage(path, mode)
	if err != nil {
		return err
	}
	defer s.Close() // removes the hidden file after an error
	_, err = io.CopyBuffer(s, text, make([]byte, 1<<20))
	if err = cmp.Or(err, s.prepare()); err != nil {
		return unwritable(path, err)
	}
	return unwritable(path, s.Install())
}

// unwritable replaces the path in an error with the path from the user. The original error has the
// name of the hidden file.
func unwritable(path string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return fmt.Errorf("%s: cannot be written: %w", path, err)
}

// mode returns the mode, before the umask, of the files that an import writes.
func (f *headFlags) mode() fs.FileMode {
	if f.Disclosure == "code" || f.Disclosure == "none" {
		return modeSealed
	}
	return 0o644
}
