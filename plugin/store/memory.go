package store

import "runtime/debug"

// bigLoad is the number of targets read from which what a load leaves behind, some
// 100 octets each, is given back to the system at once.
const bigLoad = 100_000

// giveBack hands the garbage of big loads, and the sets they replaced, back to the
// system. The collector alone would keep it for minutes, or for good: what it
// keeps is in proportion to what it last had to do. It is called when what was
// loaded is in force and told.
func (s *Store) giveBack() {
	if s.parsed >= bigLoad {
		debug.FreeOSMemory()
	}
	s.parsed = 0
}
