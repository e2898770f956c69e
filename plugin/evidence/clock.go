package evidence

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

const tolerance = 10 * time.Second

// An outsider signed a checkpoint at this time. The records of the checkpoint cannot be newer.
type bound struct {
	size   int64
	time   time.Time
	source string
	at     int64     // the index of the record with the latest time
	latest time.Time // its time
}

// ClockNotes compares the server's clock with the time stamps and cosignatures of outsiders. The
// notes also report changes of the clock.
func ClockNotes(dir string, out Outsiders) (notes []string, err error) {
	var bounds []bound
	for _, s := range out.Stamps {
		bounds = append(bounds, bound{size: s.Size, time: s.Time, source: "the time stamp " + s.File})
	}
	for _, c := range out.Cosigned {
		bounds = append(bounds, bound{size: c.Size, time: c.Time, source: "the cosignature of " + c.Witness})
	}
	steps, most, where := 0, time.Duration(0), int64(0)
	err = journal.Read(dir, func(r journal.Record, _ []byte) bool {
		if r.Event == journal.ClockStep {
			steps++
			if d, err := time.ParseDuration(r.Step); err == nil && d.Abs() > most.Abs() {
				most, where = d, r.Index
			}
		}
		for i := range bounds {
			if b := &bounds[i]; r.Index < b.size && r.Time.After(b.latest) {
				b.at, b.latest = r.Index, r.Time.Time
			}
		}
		return true
	})
	if steps > 0 {
		often := fmt.Sprintf("once, by %v (record %d)", most, where)
		if steps > 1 {
			often = fmt.Sprintf("%d times, by %v at most (record %d)", steps, most, where)
		}
		notes = append(notes, fmt.Sprintf("the clock of the server was set %s: the sequence of the records is certain, but times before and after a step cannot be compared", often))
	}
	for _, b := range bounds {
		if ahead := b.latest.Sub(b.time); ahead > tolerance {
			notes = append(notes, fmt.Sprintf("record %d is of %s by the clock of the server, but %s of a later checkpoint is of %s: the clock was ahead by %v or more", b.at, journal.Time{Time: b.latest}, b.source, b.time.UTC().Format(time.RFC3339), ahead.Round(time.Second)))
		}
	}
	return notes, err
}
