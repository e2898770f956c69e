package journal

import (
	"fmt"
	"path/filepath"
)

// Read calls a function for each record in order, until the function returns false. The line has no
// line end, and is valid only during the call. Read checks no hashes (see Verify).
//
// A bad line is an error. The last line may be unfinished, because the server may write the journal
// at the same time.
func Read(dir string, f func(r Record, line []byte) bool) error {
	all, err := segments(dir)
	if err != nil {
		return err
	}
	for i, s := range all {
		var bad error
		more, no := true, 0
		_, err := readLines(filepath.Join(dir, filepath.FromSlash(s.name)), func(l line) bool {
			no++
			if !l.whole && i == len(all)-1 {
				return false
			}
			r, err := ParseRecord(l.text)
			if err != nil {
				bad = fmt.Errorf("%s:%d: no record of a journal: %w", s.name, no, err)
				return false
			}
			more = f(r, l.text)
			return more
		})
		if err != nil || bad != nil || !more {
			if err == nil {
				err = bad
			}
			return err
		}
	}
	return nil
}
