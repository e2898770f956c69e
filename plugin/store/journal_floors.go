package store

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

func (s *Store) askFloors() {
	s.asked = s.asked || s.journal.Do(0, func(b *journal.Batch) {
		floors := b.Floors()
		maps.DeleteFunc(floors, func(path string, _ journal.Floor) bool { return !s.configures(path) })
		s.floors.Store(&floors)
		s.src.Wake()
	})
}

func (s *Store) takeFloors() {
	s.askFloors()
	floors := s.floors.Swap(nil)
	if floors == nil {
		return
	}
	begin, changed := s.clock.Now(), false
	for _, path := range slices.Sorted(maps.Keys(*floors)) {
		changed = s.raiseFloor(path, (*floors)[path]) || changed
	}
	if changed {
		s.summarize(begin)
		s.publish()
		s.persist()
		s.journalLoad(nil)
	}
}

func (s *Store) raiseFloor(path string, floor journal.Floor) bool {
	next := version{serial: floor.Serial, anyBytes: true, expires: order.NoTime}
	if b, err := hex.DecodeString(floor.SHA256); err == nil && len(b) == len(next.ownDigest) {
		next.ownDigest, next.anyBytes = source.Digest(b), false
	}
	if serial, ok := s.permitted[path]; ok && serial < next.serial {
		s.keepSetSerial(path, serial, next.serial)
		return false
	}
	f, v := s.files[path], s.formerVersion(path)
	if f != nil {
		v = f.version
	}
	switch {
	case f != nil && f.pattern || s.isProtectList[path]:
		return false
	case v.serial > next.serial, v.serial == next.serial && (v.anyBytes || next.anyBytes || v.ownDigest == next.ownDigest):
		return false
	case f == nil:
		s.former[path] = next
		return true
	}
	f.serial, f.anyBytes, f.ownDigest = next.serial, next.anyBytes, next.ownDigest
	if f.waiting != nil { // the waiting version was checked with the old floor
		f.waiting = nil
		s.src.Again(path)
	}
	switch err := s.rolledBack(path, &f.version); {
	case err == nil:
	case f.err != nil: // the alarm of the file stays
		s.log.Errorf("%v", err)
	default:
		s.fail(path, f, source.Digest(f.stored.Order), err)
	}
	return true
}

// The journal may lack a serial that a person has set, because blocklistctl also works without a
// server.
func (s *Store) keepSetSerial(path string, serial, accepted int64) {
	s.log.Warningf("%s: the server accepts the serial %d, because a person has set it in the state directory; the journal has a version with serial %d", path, serial, accepted)
	s.journal.Append(journal.Record{Event: journal.Request, File: path, Why: "the serial was set in the state directory", Files: []journal.Version{{File: path, Serial: &serial}}})
}

func (v *version) behind() bool {
	return v.part != nil && !v.anyBytes && (v.stored.Serial < v.serial || v.serial >= 0 && v.stored.Order != state.Digest(v.ownDigest))
}

func (v *version) ownSerial() int64 {
	if v.part == nil {
		return -1
	}
	return v.stored.Serial
}

func (s *Store) rolledBack(path string, v *version) error {
	if !v.behind() {
		return nil
	}
	why := fmt.Sprintf("is %s, but an earlier version in force had %d", serialText(v.stored.Serial), v.serial)
	if v.stored.Serial == v.serial {
		why = fmt.Sprintf("is %d, but an earlier version in force had this serial and other bytes", v.serial)
	}
	way := ""
	if s.opt.State != "" {
		way = fmt.Sprintf(", or run: blocklistctl state set-serial FILE %d --reason TEXT", max(0, v.stored.Serial))
	}
	return fmt.Errorf("%s: serial: %s; put the newest version back, or write a serial above %d%s", printable.Line(path), why, v.serial, way)
}
