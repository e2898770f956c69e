package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// modeSealed is the mode of a new file with a sealed order, before the umask: only the owner
// and the group, in which the server is, may read the file.
const modeSealed = 0o640

// writeFile replaces a file by rename, so that a server that watches the file never
// reads half of it. The new file has the owner, group and mode of the file that it
// replaces. A file that was not there gets the mode, less the umask. A symbolic link stays,
// and the file that it leads to is replaced.
func writeFile(path string, data []byte, mode fs.FileMode) (err error) {
	old, err := os.Stat(path)
	switch {
	case err == nil && !old.Mode().IsRegular():
		return fmt.Errorf("%s: is not a regular file", path)
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if link, err := os.Readlink(path); err == nil {
			return fmt.Errorf("%s: is a symbolic link to %s, which is not there", path, link)
		}
		old = nil
	}
	// Hidden: a server that reads the directory must not take it for an order. While it is
	// written, nobody but its owner may read it when it is to have another group.
	tmp := filepath.Join(filepath.Dir(path), ".blocklistctl-"+rand.Text())
	if old != nil {
		mode = 0o600
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
		}
	}()
	_, err = f.Write(data)
	if old != nil {
		err = errors.Join(err, likeOld(f, old))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// mode returns the mode of the files that an import makes, before the umask.
func (f *headFlags) mode() fs.FileMode {
	if f.Disclosure == "code" || f.Disclosure == "none" {
		return modeSealed
	}
	return 0o644
}
