package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// modeSealed is the mode of a new file with a sealed order (a secret order), before the umask.
// Only the owner and the group may read the file. The server is in that group.
const modeSealed = 0o640

// writeFile replaces a file by rename, so that a server that watches the file never reads a
// half-written file. The new file has the owner, group and mode of the old file. If there is
// no old file, the new file has the given mode, less the umask. If path is a symbolic link,
// writeFile keeps the link and replaces the file to which the link leads.
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
	// The name begins with a dot, so that a server that reads the directory does not load the
	// file. Only the owner may read the file until likeOld has set the group.
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

// mode returns the mode, before the umask, of the files that an import writes.
func (f *headFlags) mode() fs.FileMode {
	if f.Disclosure == "code" || f.Disclosure == "none" {
		return modeSealed
	}
	return 0o644
}
