package store

import (
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// maxPanic bounds the octets of a panic that an error repeats.
const maxPanic = 200

// catchPanic calls fn, and returns a panic of fn as an error that begins with what. A bug
// that one file sets off must not end the server, and again at each restart. The stack of
// each different panic goes to the log once.
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

// snapshot is what a Store had loaded before a batch.
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

// restore takes back a batch whose set could not be built. The versions that came with
// the batch are refused for that error, until their files change; which of them set off
// the panic is not known.
func (s *Store) restore(before snapshot, err error) {
	s.setError = err
	refused := map[string]*file{}
	for path, f := range s.files {
		if old, ok := before.files[path]; f.waiting != nil || !ok || f.digest != old.digest {
			refused[path] = f
		}
	}
	for path := range maps.Keys(before.files) {
		if s.files[path] == nil {
			old := before.files[path]
			old.unseen = true // the source may have forgotten the file
			s.files[path] = &old
		}
	}
	for path, f := range s.files {
		own := f.refused
		switch {
		case f.waiting != nil:
			own = f.waiting.r.Digest
		case refused[path] != nil:
			own = f.ownDigest
		}
		old, ok := before.files[path]
		if !ok {
			old = file{version: s.formerVersion(path), gone: f.gone, pattern: f.pattern, err: f.err, refused: f.refused}
		}
		f.version, f.waiting = old.version, nil
		if refused[path] != nil && !f.pattern {
			s.fail(path, f, own, fmt.Errorf("%s: is refused, since the order set could not be built: %w", path, err))
		}
	}
	s.rules = before.rules
	s.activated, s.unreadable, s.sorted = nil, nil, false
	s.sortPaths()
	if len(refused) == 0 {
		s.log.Errorf("%v; the order set from before stays in force", err)
	}
}
