package store

import (
	"fmt"
	"runtime/debug"

	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

const maxPanic = 200

// A bad file must not stop the server.
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

// Refuse all new versions of the batch, because each of them may be the cause of the panic.
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
			old.unseen = true // the batch may have told the source to forget the file
			s.files[path] = &old
		}
	}
	for path, f := range s.files {
		digest := f.refused
		switch {
		case f.waiting != nil:
			digest = f.waiting.r.Digest
		case refused[path] != nil:
			digest = source.Digest(f.stored.Order)
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
