package main

import (
	"errors"
	"io/fs"
)

// modeSealed is the mode, before the umask, of a file with a sealed (secret) order. The server
// is in the group of the file.
const modeSealed = 0o640

// writeFile replaces a file by rename, so that a server never reads half of it. See stage for
// the owner and the mode.
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
