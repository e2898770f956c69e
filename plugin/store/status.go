package store

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

// A Status is the state of a Store, for metrics and readiness.
type Status struct {
	// Digest identifies the set in force. It depends on the contents of the files and on the
	// options, but not on the paths. Servers of one version with equal digests have equal sets.
	Digest string
	// LastSuccess is the time of the last load after which the newest versions of all files
	// were in force.
	LastSuccess time.Time
	// LastLoad is the time of the last load, and LastOK reports whether that load was a
	// success.
	LastLoad time.Time
	LastOK   bool
	Duration time.Duration // of the last load
	// LastLook is the time at which the source last looked at all files.
	LastLook time.Time
	// UselessLifts is the number of active lifts that reach no order of the set.
	UselessLifts int
	// Ready reports whether a good version of each configured file is in force.
	Ready bool
	Files []FileStatus
}

// A FileStatus is the state of one path of the configuration, or of one file that was found in
// a directory or by a glob.
type FileStatus struct {
	Path     string
	Failures int   // the number of failed loads since the start
	Err      error // the reason why the newest version of the file is not in force, or nil
	// Expires is the time at which the version in force expires, or order.NoTime.
	Expires order.Time
	// Timezone is the time zone of the version in force, as written in the file.
	Timezone string
	// Signed is the newest time of signing of the version in force by the clocks of its
	// signers, or zero if signatures are not checked or have no time.
	Signed time.Time
}

// Stale reports whether the version in force has expired at now. Its orders stay in force.
func (f FileStatus) Stale(now order.Time) bool {
	return f.Expires != order.NoTime && f.Expires <= now
}

// Status returns the state of the Store. The caller must not change it.
func (s *Store) Status() Status {
	st := *s.status.Load()
	st.LastLook = s.src.LastLook()
	return st
}

// Ready reports whether a good version of each configured file is in force, and none of these
// versions has expired.
func (s *Store) Ready() bool {
	st, now := s.status.Load(), seconds(s.clock.Now())
	for _, f := range st.Files {
		if f.Stale(now) {
			return false
		}
	}
	return st.Ready
}

// summarize updates the status after a load that began at begin.
func (s *Store) summarize(begin time.Time) {
	st := *s.status.Load()
	st.Ready, st.LastOK, st.Files = true, s.setError == nil, make([]FileStatus, 0, len(s.paths))
	for _, path := range s.paths {
		f := s.files[path]
		st.LastOK = st.LastOK && f.err == nil
		st.Ready = st.Ready && (f.part != nil || f.list != nil || f.unseen || f.pattern && (f.err == nil || s.anyInForce(path)))
		st.Files = append(st.Files, FileStatus{path, f.failures, f.err, f.expires, f.zone, f.signed})
	}
	st.LastLoad = s.clock.Now()
	st.Duration = st.LastLoad.Sub(begin)
	if st.LastOK {
		st.LastSuccess = st.LastLoad
	}
	s.status.Store(&st)
}

// anyInForce reports whether a file of a directory or glob is in force. The file may be gone.
func (s *Store) anyInForce(pattern string) bool {
	for path, f := range s.files {
		if f.part != nil && source.Names(pattern, path) {
			return true
		}
	}
	return false
}
