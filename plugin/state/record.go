package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const changesName = "changes.jsonl"

const maxChanges = 64 << 20

// Record adds a line about a change to changes.jsonl. When Record returns nil, the line survives a
// power failure. Call Record before the change.
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
		// A crash or a full disk may have cut off the last line.
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

const maxRead = 1 << 20

// Changes returns the newest changes in changes.jsonl. The oldest change comes first. The field
// Refused has the reason for a refusal.
func (s *State) Changes() (out []Change, err error) {
	s.recording.Lock()
	defer s.recording.Unlock()
	f, size, err := openRegular(filepath.Join(s.dir, changesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	from := max(0, size-maxRead)
	b, err := io.ReadAll(io.NewSectionReader(f, from, size-from))
	if err != nil {
		return nil, err
	}
	if from > 0 { // the first line is not complete
		b = b[bytes.IndexByte(b, '\n')+1:]
	}
	last := map[[sha256.Size]byte]int{} // the positions of the changes in out
	for line := range bytes.Lines(b) {
		var e changeEntry
		if err := strict(line, &e); err != nil {
			continue // an unfinished line was never carried out
		}
		c, err := e.change()
		if err != nil {
			continue
		}
		asked := c
		asked.Refused = ""
		if i, ok := last[asked.Digest()]; ok && c.Refused != "" {
			out[i].Refused = c.Refused
			continue
		}
		last[asked.Digest()] = len(out)
		out = append(out, c)
	}
	return out, nil
}

// Digest returns the SHA-256 of the change. It does not cover the field Refused. Equal changes in
// the same second have equal digests.
func (c Change) Digest() [sha256.Size]byte {
	c.Refused = ""
	b, err := json.Marshal(c.entry())
	if err != nil {
		panic(err) // the entry has only texts and numbers
	}
	return sha256.Sum256(b)
}
