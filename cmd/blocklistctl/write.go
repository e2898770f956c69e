package main

import (
	"errors"
	"io/fs"
)

// modeSealed is the mode of a new file with a sealed order (a secret order), before the umask.
// Only the owner and the group may read the file. The server is in that group.
const modeSealed = 0o640

// writeFile replaces a file by rename, so that a server that watches the file never reads half
// of it. See stage for the owner, the mode and symbolic links.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	s, err := stage(path, mode)
	if err != nil {
		return err
	}
	defer s.discard()
	_, err = s.Write(data)
	if err = errors.Join(err, s.finish()); err != nil {
		return err
	}
	return s.install()
}

// mode returns the mode, before the umask, of the files that an import writes.
func (f *headFlags) mode() fs.FileMode {
	if f.Disclosure == "code" || f.Disclosure == "none" {
		return modeSealed
	}
	return 0o644
}
