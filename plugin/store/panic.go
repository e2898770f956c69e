package store

import (
	"fmt"
	"runtime/debug"

	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// maxPanic is the largest number of bytes of a panic's text in an error.
const maxPanic = 200

// catchPanic calls fn. If fn panics, catchPanic returns the panic as an error that begins with
// what. Without catchPanic, a file that triggers a bug would end the server, also after each
// restart. The log gets the stack of each different panic once.
func (s *Store) catchPanic(what string, fn func()) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		text := fmt.Sprint(v)
		err = fmt.Errorf("%s: panic: %.*s", what, maxPanic, text)
		if _, known := s.panics.LoadOrStore(text, true); !known {
			s.log.stack(debug.Stack())
		}
	}()
	fn()
	return nil
}

// A snapshot is the state of a Store before a batch.
type snapshot struct {
	files map[string]file
	rules ruleset.Options
}

func (s *Store) takeSnapshot() snapshot {
	m := snapshot{make(map[string]file, len(s.files)), s.rules}
	for path, f := range s.files {
		m.files[path] = *f
	}
	return m
}

// restore undoes a batch whose set could not be built, because of err. It refuses all versions
// of the batch until their files change, because it cannot know which of the versions caused
// the panic.
func (s *Store) restore(before snapshot, err error) {
	s.setError = err
	refused := map[string]*file{}
	for path, f := range s.files {
		if old, ok := before.files[path]; f.waiting != nil || !ok || f.digest != old.digest {
			refused[path] = f
		}
	}
	for path, old := range before.files {
		if s.files[path] == nil {
			old.unseen = true // the batch may have made the source forget the file
			s.files[path] = &old
		}
	}
	for path, f := range s.files {
		digest := f.refused
		switch {
		case f.waiting != nil:
			digest = f.waiting.r.Digest
		case refused[path] != nil:
			digest = f.ownDigest
		}
		old, ok := before.files[path]
		if !ok {
			old = file{version: s.formerVersion(path), gone: f.gone, pattern: f.pattern, err: f.err, refused: f.refused}
		}
		f.version, f.waiting = old.version, nil
		if refused[path] != nil && !f.pattern {
			s.fail(path, f, digest, fmt.Errorf("%s: is refused, because the order set could not be built: %w", path, err))
		}
	}
	s.rules = before.rules
	s.activated, s.unreadable, s.sorted = nil, nil, false
	s.sortPaths()
	if len(refused) == 0 {
		s.log.Errorf("%v; the old order set stays in force", err)
	}
}
