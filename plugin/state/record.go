package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// changesName is the name of the file with the changes that a person has asked for. Each
// line is a JSON object.
const changesName = "changes.jsonl"

// maxChanges is the largest size in bytes of the file with the changes.
const maxChanges = 64 << 20

// Record adds a line to the file with the changes. When Record returns nil, the line survives
// a power failure. Call Record before the change.
func (s *State) Record(c Change) error {
	s.recording.Lock()
	defer s.recording.Unlock()
	path := filepath.Join(s.dir, changesName)
	line, err := json.Marshal(c.entry())
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return s.fs.WriteFile(path, append(line, '\n'), 0o600)
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxChanges {
		err = fmt.Errorf("%s: has more than %d bytes; move the file to an archive", s.path(changesName), maxChanges)
	}
	if err == nil {
		// The line break ends a line that a crash or a full disk has cut off.
		if !endsLine(path, info.Size()) {
			line = append([]byte("\n"), line...)
		}
		_, err = f.Write(append(line, '\n'))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// endsLine reports whether a file of the given size is empty or ends with a line break.
func endsLine(path string, size int64) bool {
	if size == 0 {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return err == nil && last[0] == '\n'
}

// strict parses one JSON value and refuses unknown fields and further values.
func strict(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has bytes after the value")
	}
	return nil
}
