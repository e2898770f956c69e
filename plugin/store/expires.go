package store

import "github.com/dns-orders/blocklist/plugin/order"

// Stale reports whether the version of the file that is in force has expired at
// now. Its orders stay in force.
func (f FileStatus) Stale(now order.Time) bool {
	return f.Expires != order.NoTime && f.Expires <= now
}

// stale reports whether the version in force of any file has expired.
func (s *Store) stale() bool {
	now := seconds(s.clock.Now())
	for _, f := range s.Status().Files {
		if f.Stale(now) {
			return true
		}
	}
	return false
}

// expiry logs files that expire, each version once.
type expiry map[string]order.Time // what was logged: path -> expires

func (e expiry) log(s *Store, now order.Time) {
	for _, f := range s.Status().Files {
		if f.Stale(now) && e[f.Path] != f.Expires {
			e[f.Path] = f.Expires
			s.log.Errorf("%s: is stale: its expires, %s, has passed; its orders stay in force", f.Path, f.Expires.EndText(s.zone(f.Path)))
		}
	}
}

// next returns the next time after now at which a file expires, order.NoTime for
// none.
func (e expiry) next(s *Store, now order.Time) order.Time {
	next := order.NoTime
	for _, f := range s.Status().Files {
		if f.Expires != order.NoTime && f.Expires > now && (next == order.NoTime || f.Expires < next) {
			next = f.Expires
		}
	}
	return next
}
