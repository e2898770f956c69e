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

// A file with a sealed order has this mode before the umask. The server reads the file as a group
// member.
const modeSealed = 0o640

// After a crash, an order file has its old or its new content. With GroupOnly, the owner of a
// replaced file may change.
var files = durable.FS{GroupOnly: true}

// The new content is in a hidden file, because servers skip hidden files.
type staged struct {
	*durable.File
	name string      // the final name
	mode fs.FileMode // the final mode
}

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
		// Only the owner can read the new file until Prepare sets the final mode and group.
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

// The function replaces the file by rename, because a server must never read an incomplete file.
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

// In the error, the user's path replaces the path of the hidden file.
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

func (f *headFlags) mode() fs.FileMode {
	if f.Disclosure == "code" || f.Disclosure == "none" {
		return modeSealed
	}
	return 0o644
}
