// Package durable replaces and removes files so that a crash loses nothing. After a crash, each
// file has its old content or its new content as a whole.
//
// A write takes six steps: create a temporary file in the directory of the file, write the
// content, set the owner and the mode, sync the temporary file, rename the temporary file, sync
// the directory. Without the first sync, a file system may store the new name before the
// content. Without the second sync, a power failure may undo the rename after the caller has
// relied on the new content. Common libraries for atomic writes leave out the second sync.
//
// A crash can leave a temporary file behind. CleanUp removes the temporary files of a directory.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// temporary is the beginning of the names of temporary files.
const temporary = ".durable-"

// A Step is one action on the file system.
type Step string

// The steps of a write and of a removal, in their sequence.
const (
	Create  Step = "create"  // creates the temporary file
	Write   Step = "write"   // writes the content; may come many times
	Own     Step = "own"     // sets the owner and the mode of the temporary file
	Sync    Step = "sync"    // syncs the temporary file
	Rename  Step = "rename"  // gives the temporary file its name
	Unlink  Step = "unlink"  // removes a name
	SyncDir Step = "syncdir" // syncs the directory
)

// A Hook runs one step by calling run, or returns another error instead. Tests use a Hook to
// fail at a step, or to end the process before or after a step.
type Hook func(s Step, run func() error) error

// An FS writes and removes files durably. The zero FS is ready for use.
type FS struct {
	// Hook is nil outside of tests.
	Hook Hook
}

// do runs one step through the hook.
func (d FS) do(s Step, run func() error) error {
	if d.Hook != nil {
		return d.Hook(s, run)
	}
	return run()
}

// A File is a temporary file that gets its name when its content is complete. It is not safe for
// concurrent use.
type File struct {
	d    FS
	f    *os.File
	dir  string
	err  error // the first error of a write
	done bool
}

// Create creates a temporary file in a directory. Only the user of the process can read the
// temporary file. The caller must call Close.
func (d FS) Create(dir string) (*File, error) {
	f := &File{d: d, dir: dir}
	err := d.do(Create, func() (err error) {
		f.f, err = os.CreateTemp(dir, temporary)
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

// Write writes a part of the content. After an error, all later writes and Commit return the
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

// Commit stores the content under a name in the directory of the file, and replaces a file of
// that name. A symbolic link of that name is itself replaced. The new file has exactly the given
// mode, and the owner and group of the replaced file. Commit fails if the process may not give
// the file to that owner.
//
// When Commit returns nil, the content and the name survive a power failure. When Commit returns
// an error of the step SyncDir, the new content is in place, but may be lost in a power failure.
// When Commit returns another error, the old content is in place.
func (f *File) Commit(name string, mode fs.FileMode) error {
	if f.err != nil {
		return f.err
	}
	if f.done {
		return fmt.Errorf("%s: %w", printable.Line(f.f.Name()), fs.ErrClosed)
	}
	path := filepath.Join(f.dir, name)
	if filepath.Dir(path) != filepath.Clean(f.dir) {
		return fmt.Errorf("%q: not a name in %q", name, f.dir)
	}
	for _, step := range []struct {
		is  Step
		run func() error
	}{
		{Own, func() error {
			// The owner comes first: the system drops some mode bits when the owner changes.
			return errors.Join(keepOwner(f.f, path), f.f.Chmod(mode))
		}},
		{Sync, f.f.Sync},
		{Rename, func() error {
			// The file is closed first, because some systems rename only closed files.
			if err := f.f.Close(); err != nil {
				return err
			}
			return os.Rename(f.f.Name(), path)
		}},
	} {
		if err := f.d.do(step.is, step.run); err != nil {
			return fmt.Errorf("%s: %w", printable.Line(path), err)
		}
	}
	f.done = true
	return f.d.syncDir(f.dir)
}

// Close removes the temporary file, unless Commit has renamed it.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	f.f.Close()
	return os.Remove(f.f.Name())
}

// WriteFile replaces the content of the file at path, or creates the file. WriteFile is Create,
// Write and Commit in one.
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
// failure. It is no error if there is no such file.
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

// Move renames a file within its directory, and replaces a file of the new name. When Move
// returns nil, the new name survives a power failure.
func (d FS) Move(from, to string) error {
	if err := d.do(Rename, func() error { return os.Rename(from, to) }); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(to))
}

// Mkdir creates a directory with the given mode, and its name survives a power failure. It is no
// error if there is a directory already; its mode stays.
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
	return d.syncDir(filepath.Dir(path))
}

// syncDir syncs a directory, so that the names in the directory survive a power failure.
func (d FS) syncDir(dir string) error {
	return d.do(SyncDir, func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(syncDirectory(f), f.Close())
	})
}

// CleanUp removes the temporary files that crashed writes have left in a directory. The caller
// makes sure that no other process writes to the directory, for example with a Lock.
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
