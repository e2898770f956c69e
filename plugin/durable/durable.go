// Package durable replaces and removes files. After a crash, each file has its complete old content
// or its complete new content.
package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const temporary = ".durable-"

// A Step is an action on the file system. Tests can make a Step fail.
type Step string

// Writes and removals take these steps in this sequence.
const (
	Create  Step = "create"  // creates the temporary file
	Write   Step = "write"   // writes the content, with one step for each call
	Own     Step = "own"     // sets the owner and the mode of the temporary file
	Sync    Step = "sync"    // syncs the temporary file
	Rename  Step = "rename"  // renames the temporary file to its final name
	Unlink  Step = "unlink"  // removes a file
	SyncDir Step = "syncdir" // syncs the directory
)

// A Hook is called for each step. It must call its second argument or return an error. Only tests
// use a Hook.
type Hook func(s Step, run func() error) error

// An FS writes and removes files durably. The zero FS is ready for use.
type FS struct {
	Hook Hook
	// Inherit gives new files and directories the owner and group of the parent directory. Inherit
	// works only for root.
	Inherit   bool
	GroupOnly bool
}

func (d FS) do(s Step, run func() error) error {
	if d.Hook != nil {
		return d.Hook(s, run)
	}
	return run()
}

// A File is a temporary file. Commit renames the file to its final name.
type File struct {
	d    FS
	f    *os.File
	dir  string
	err  error  // the first error of a write
	path string // the final path; set by Prepare
	done bool
}

// Create creates a temporary file with mode 0600 in the directory dir. The caller must call Close.
func (d FS) Create(dir string) (*File, error) { return d.CreateMode(dir, 0o600) }

// CreateMode is like Create, but with the given mode. The umask applies.
func (d FS) CreateMode(dir string, mode fs.FileMode) (*File, error) {
	f := &File{d: d, dir: dir}
	err := d.do(Create, func() (err error) {
		f.f, err = os.OpenFile(filepath.Join(dir, temporary+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		return err
	})
	if err != nil {
		if f.f != nil {
			f.Close()
		}
		return nil, err
	}
	return f, nil
}

// Write appends p to the content. After an error, all later calls of Write and Commit return the
// same error.
func (f *File) Write(p []byte) (n int, err error) {
	if f.err != nil {
		return 0, f.err
	}
	f.err = f.d.do(Write, func() (err error) {
		n, err = f.f.Write(p)
		return err
	})
	return n, f.err
}

// With KeepMode in place of a mode, Prepare and Commit keep the mode of the temporary file.
const KeepMode = fs.ModeIrregular

// Commit gives the temporary file its final name. It replaces an existing file or symbolic link.
// The new file gets the given mode and the owner of the old file.
//
// When Commit returns nil, the new file survives a power failure. After an error, the old content
// stays, unless the step SyncDir failed.
func (f *File) Commit(name string, mode fs.FileMode) error {
	if err := f.Prepare(name, mode); err != nil {
		return err
	}
	return f.Install()
}

// Prepare sets the owner and the mode, and syncs the file. Install then renames the file. To
// replace several files, call Prepare for all files before the first Install. A full disk then
// changes no file.
func (f *File) Prepare(name string, mode fs.FileMode) error {
	if f.err != nil {
		return f.err
	}
	if f.done || f.path != "" {
		return fmt.Errorf("%s: %w", printable.Line(f.f.Name()), fs.ErrClosed)
	}
	path := filepath.Join(f.dir, name)
	if filepath.Dir(path) != filepath.Clean(f.dir) {
		return fmt.Errorf("%q: not a name in %q", name, f.dir)
	}
	err := f.d.do(Own, func() error {
		// Set the owner first. A change of the owner clears some mode bits.
		err := f.d.own(f.f, path)
		if mode != KeepMode {
			err = errors.Join(err, f.f.Chmod(mode))
		}
		return err
	})
	if err == nil {
		err = f.d.do(Sync, f.f.Sync)
	}
	if err == nil {
		// Some systems cannot rename open files.
		err = f.f.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", printable.Line(path), err)
	}
	f.path = path
	return nil
}

// Install renames a prepared file to its final name and syncs the directory.
func (f *File) Install() error {
	if err := f.Place(); err != nil {
		return err
	}
	return f.d.syncDir(f.dir)
}

// Place renames a prepared file to its final name. Without a later call of SyncDir, a power failure
// could lose the name.
func (f *File) Place() error {
	if f.done || f.path == "" {
		return fmt.Errorf("%s: %w", printable.Line(f.f.Name()), fs.ErrClosed)
	}
	err := f.d.do(Rename, func() error { return os.Rename(f.f.Name(), f.path) })
	if err != nil {
		return fmt.Errorf("%s: %w", printable.Line(f.path), err)
	}
	f.done = true
	return nil
}

func (d FS) own(f *os.File, path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return keepOwner(f, path, d.GroupOnly)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case d.Inherit && os.Geteuid() == 0:
		return keepOwner(f, filepath.Dir(path), false)
	}
	return nil
}

// Close removes the temporary file. After a successful Commit, Close does nothing.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	f.f.Close()
	return os.Remove(f.f.Name())
}

// WriteFile replaces or creates the file at path.
func (d FS) WriteFile(path string, content []byte, mode fs.FileMode) error {
	f, err := d.Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Commit(filepath.Base(path), mode)
}

// Remove removes files of one directory. When Remove returns nil, the removals survive a power
// failure. A missing file is no error.
func (d FS) Remove(paths ...string) error {
	if len(paths) == 0 {
		return nil
	}
	var errs []error
	for _, path := range paths {
		err := d.do(Unlink, func() error { return os.Remove(path) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, d.syncDir(filepath.Dir(paths[0])))
	return errors.Join(errs...)
}

// Move renames a file within its directory and replaces an existing file. When Move returns
// nil, the new name survives a power failure.
func (d FS) Move(from, to string) error {
	if err := d.do(Rename, func() error { return os.Rename(from, to) }); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(to))
}

// Mkdir creates a directory. When Mkdir returns nil, its name survives a power failure. An
// existing directory is no error, and keeps its mode.
func (d FS) Mkdir(path string, mode fs.FileMode) error {
	switch err := os.Mkdir(path, mode); {
	case errors.Is(err, fs.ErrExist):
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: not a directory", printable.Line(path))
		}
		return nil
	case err != nil:
		return err
	}
	if d.Inherit && os.Geteuid() == 0 {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := errors.Join(keepOwner(f, filepath.Dir(path), false), f.Close()); err != nil {
			return err
		}
	}
	return d.syncDir(filepath.Dir(path))
}

// SyncDir syncs a directory. New names then survive a power failure.
func (d FS) SyncDir(dir string) error { return d.syncDir(dir) }

func (d FS) syncDir(dir string) error {
	return d.do(SyncDir, func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(syncDirectory(f), f.Close())
	})
}

// CleanUp removes the temporary files of crashed writes from a directory. No other process may
// write to the directory; see Lock.
func (d FS) CleanUp(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		if strings.HasPrefix(e.Name(), temporary) && e.Type().IsRegular() {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
