package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// This file carries out the requests that blocklistctl leaves in the state directory.

const (
	lookEvery    = 100 * time.Millisecond
	lookPatience = 100 * time.Millisecond
)

// Only the newest Store of the directory gets requests.
func (d *stateDir) take(s *Store) []state.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.users) == 0 || d.users[len(d.users)-1] != s {
		return nil
	}
	now := d.clock.Now()
	due := now.Sub(d.looked) >= lookEvery || now.Before(d.looked)
	if st := d.state; st != nil && !d.looking && !d.closed && due {
		d.looking, d.looked = true, now
		over := make(chan struct{})
		go func() {
			defer close(over)
			d.look(st)
		}()
		d.mu.Unlock()
		timer := time.NewTimer(lookPatience)
		select {
		case <-over:
		case <-timer.C:
		}
		timer.Stop()
		d.mu.Lock()
	}
	out := d.requests
	d.requests = nil
	return out
}

// If the directory was removed or replaced, abandon the open State.
func (d *stateDir) look(st *state.State) {
	requests, err := st.Take()
	replaced := errors.Is(err, durable.ErrReplaced)
	d.mu.Lock()
	d.looking = false
	d.requests = append(d.requests, requests...)
	if d.closed || d.state != st {
		d.mu.Unlock()
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	known := text == d.lookError
	d.lookError = text
	if replaced {
		d.state, d.err, d.since, d.tried = nil, err, d.clock.Now(), d.clock.Now()
		d.requests = nil
	}
	d.mu.Unlock()
	switch {
	case replaced:
		d.failed(err, fmt.Sprintf("; the server tries to open it again every %v", stateRetry))
		st.Abandon()
	case err != nil && !known:
		for line := range strings.Lines(text) {
			d.log.Warningf("state %s: %s", d.path, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "state: "))
		}
	}
}

type taken struct {
	state.Request
	state.Answer
}

// Answer a request only after the result is stored.
func (s *Store) requested() {
	if s.dir == nil || !s.recalled {
		return
	}
	st := s.dir.open(0)
	for _, r := range s.dir.take(s) {
		s.requests = append(s.requests, taken{Request: r})
	}
	if st == nil || len(s.requests) == 0 {
		return
	}
	s.load(nil)
	answers := s.requests
	s.requests = nil
	for i, r := range answers {
		if r.Refused == "" && s.setError != nil {
			answers[i].Answer = state.Answer{Refused: fmt.Sprintf("the order set could not be built: %v", s.setError)}
		}
		s.journalRequest(r.Change, answers[i].Answer)
		if text := answers[i].Refused; text != "" {
			s.log.Warningf("state %s: %s, reason %q: refused: %s", s.dir.path, r.Change, r.Reason, text)
		} else {
			s.log.Infof("state %s: %s, reason %q: done", s.dir.path, r.Change, r.Reason)
		}
	}
	s.done.Go(func() { // the disk may be slow
		err := st.Flush()
		for _, r := range answers {
			if r.Refused == "" && err != nil {
				r.NotStored = err.Error()
			}
			if err := st.Answer(r.Request, r.Answer); err != nil {
				s.log.Warningf("state %s: %s: the answer cannot be written: %v", s.dir.path, r.Change, err)
			}
		}
	})
}

func (s *Store) carryOut() (changed bool) {
	for i := range s.requests {
		r := &s.requests[i]
		var err error
		switch now := s.clock.Now(); {
		case now.After(r.Until):
			err = fmt.Errorf("the request came too late: it was valid until %s, and it is %s", r.Until.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		case r.Command == state.CommandForget:
			r.Done, err = s.forgetVersion(r.Path)
			changed = changed || err == nil
		case r.Command == state.CommandSetSerial:
			r.Done, err = s.setFloor(r.Path, *r.Serial)
		case r.Command == state.CommandAccept:
			s.dir.accept()
			r.Done = "the server has ended the alarm about the empty or damaged state directory"
		}
		if err != nil {
			r.Answer = state.Answer{Refused: err.Error()}
		}
	}
	return changed
}

func (s *Store) forgetVersion(path string) (done string, err error) {
	f := s.files[path]
	if f == nil || f.part == nil && f.list == nil {
		if _, ok := s.unread[path]; ok {
			delete(s.unread, path)
			return "the server has forgotten the stored version, which it could not put into force", nil
		}
		return "", errors.New("the server has no version of this file in force")
	}
	if f.err == nil {
		return "", errors.New("the file is there and its newest version is in force, so the server would load it again; remove the file first, or write a version with \"orders: []\"")
	}
	delete(s.unread, path)
	f.waiting = nil
	if f.list != nil {
		f.version = f.former()
		s.reguard()
		s.alarmAgain(path, f)
		return "the server has forgotten the protect list; its names and networks are not protected any more", nil
	}
	empty, _ := ruleset.NewBuilder(path, s.rules).Freeze() // no order can cause a warning
	s.activated = append(s.activated, activation{path: path, old: f.part, new: empty, forgotten: true})
	s.touched += f.part.Targets()
	f.version = f.former()
	if !f.gone || !s.forget(path, f) {
		s.alarmAgain(path, f)
	}
	return "the server has forgotten the file; its orders are not in force any more", nil
}

// The old text of the alarm names an old version, so log the alarm again.
func (s *Store) alarmAgain(path string, f *file) {
	err := f.err
	switch report := (source.File{Path: path, State: source.Missing}); {
	case f.gone && s.isProtectList[path]:
		err = listGone(report, f)
	case f.gone:
		err = s.gone(report, f)
	}
	f.err = nil
	s.fail(path, f, f.refused, err)
}

func (s *Store) setFloor(path string, serial int64) (done string, err error) {
	floor := version{serial: serial, anyBytes: true, expires: order.NoTime}
	_, known := s.former[path]
	switch f := s.files[path]; {
	case s.isProtectList[path]:
		return "", errors.New("is a protect list, which has no serial")
	case f != nil && f.pattern:
		return "", errors.New("is a directory or a glob, which has no serial")
	case f != nil && f.part != nil:
		f.serial, f.anyBytes, f.ownDigest = floor.serial, true, floor.ownDigest
	case f != nil:
		f.version = floor
	case known || s.configures(path):
		s.former[path] = floor
	default:
		return "", errors.New("the configuration of the server does not include this file")
	}
	s.permitted[path] = serial
	s.src.Again(path) // a version that was refused for its serial may now be good
	return fmt.Sprintf("the server accepts the serial %d or a higher serial in the next version", serial), nil
}

// If no signatures are required, an empty directory is no problem.
func (s *Store) unaccepted(st *state.State) time.Time {
	if !s.opt.Verify.Demanded() && !st.Damaged() {
		return time.Time{}
	}
	return st.Unaccepted()
}

func (s *Store) warnUnaccepted(st *state.State) {
	switch at := s.unaccepted(st); {
	case at.IsZero():
	case !s.opt.Verify.Demanded():
		s.log.Errorf("state %s: the list of versions was damaged or lost at %s: the orders of files that were missing or broken then may not be in force; restore the directory from a backup, or run: blocklistctl state accept --reason TEXT", s.dir.path, at.Format(time.RFC3339))
	default:
		s.log.Errorf("state %s: the directory was new, empty or damaged at %s: the server does not know the earlier serials, and an old version with good signatures may be in force; compare the serials with the signers, and run: blocklistctl state accept --reason TEXT", s.dir.path, at.Format(time.RFC3339))
	}
}

func (d *stateDir) accept() {
	d.mu.Lock()
	st := d.state
	d.mu.Unlock()
	if st != nil {
		st.Accept()
	}
}
