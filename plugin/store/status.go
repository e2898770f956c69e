package store

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// A Status is the state of a Store, for metrics and readiness.
type Status struct {
	// Digest identifies the set of orders in force. Servers with equal digests and program versions
	// enforce equal orders.
	Digest string
	// Since is the time at which this process put the set into force.
	Since time.Time
	// LastSuccess is the time of the last load in which LastOK was true.
	LastSuccess time.Time
	// LastLoad is the time of the last load. LastOK reports whether the newest version of
	// each file is in force.
	LastLoad time.Time
	LastOK   bool
	Duration time.Duration // the duration of the last load
	// LastLook is the time of the last scan of the files.
	LastLook time.Time
	// UselessLifts is the number of active lifts that end no order.
	UselessLifts int
	// Ready reports whether a good version of each configured file is in force.
	Ready bool
	Files []FileStatus
	set   *ruleset.Set
}

// Set returns the set of the Status, or nil before the first load.
func (st *Status) Set() *ruleset.Set { return st.set }

// A FileStatus is the state of one order file or one configured path.
type FileStatus struct {
	Path     string
	Failures int   // failed loads of the file since the start
	Err      error // why the newest version of the file is not in force, or nil
	// Expires is the time at which the version in force expires, or order.NoTime.
	Expires order.Time
	// Timezone is the time zone of the version in force, as written in the file.
	Timezone string
	// Signed is the time of the newest good signature of the version in force, or zero.
	Signed time.Time
	// Digest is the digest of the version in force and its side lists, or empty.
	Digest string
	// Serial is the serial of the version in force, or -1.
	Serial int64
	Kind   FileKind
	part   *ruleset.Part
}

// A FileKind is the kind of a configured path.
type FileKind string

// The kinds of paths.
const (
	OrderFile   FileKind = "orders"
	ProtectList FileKind = "protect"
	Pattern     FileKind = "pattern" // a directory or glob
)

// Count returns the numbers of orders and targets of the version in force. Count is slow for large
// files.
func (f FileStatus) Count() (orders, targets int) {
	if f.part == nil {
		return 0, 0
	}
	return f.part.Orders(), f.part.Targets()
}

// Problem returns the reason why the newest version of a file is not in force. The text may have
// several lines. It never names a sealed (secret) order. Without a problem, it is "".
func (s *Store) Problem(f FileStatus) string {
	if f.Err == nil {
		return ""
	}
	return s.publicText(f.Path, f.Err)
}

// Stale reports whether the version in force has expired. The orders of a stale file stay in force.
func (f FileStatus) Stale(now order.Time) bool {
	return f.Expires != order.NoTime && f.Expires <= now
}

// Status returns the state of the Store. The caller must not change the result.
func (s *Store) Status() Status {
	st := *s.status.Load()
	st.LastLook = s.src.LastLook()
	return st
}

// Ready reports whether each configured file has a good version in force. An expired version does
// not count.
func (s *Store) Ready() bool {
	st, now := s.status.Load(), seconds(s.clock.Now())
	for _, f := range st.Files {
		if f.Stale(now) {
			return false
		}
	}
	return st.Ready
}

func (s *Store) summarize(begin time.Time) {
	st := *s.status.Load()
	st.Ready, st.LastOK, st.Files = true, s.setError == nil, make([]FileStatus, 0, len(s.paths))
	for _, path := range s.paths {
		f := s.files[path]
		st.LastOK = st.LastOK && f.err == nil
		st.Ready = st.Ready && (f.part != nil || f.list != nil || f.unseen || f.pattern && (f.err == nil || s.anyInForce(path)))
		st.Files = append(st.Files, FileStatus{path, f.failures, f.err, f.expires, f.zone, f.signed, f.digest, f.ownSerial(), s.kindOf(path, f), f.part})
	}
	st.LastLoad = s.clock.Now()
	st.Duration = st.LastLoad.Sub(begin)
	if st.LastOK {
		st.LastSuccess = st.LastLoad
	}
	s.status.Store(&st)
}

// kindOf returns the kind of a path.
func (s *Store) kindOf(path string, f *file) FileKind {
	switch {
	case s.isProtectList[path]:
		return ProtectList
	case f.pattern:
		return Pattern
	}
	return OrderFile
}

func (s *Store) anyInForce(pattern string) bool {
	for path, f := range s.files {
		if f.part != nil && source.Names(pattern, path) {
			return true
		}
	}
	return false
}
