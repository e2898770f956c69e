// Package journals makes journals for tests.
package journals

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/clock"
)

const patience = 30 * time.Second

// A Journal writes one journal.
type Journal struct {
	t         testing.TB
	clock     *clock.Clock
	journal   *journal.Journal
	file, sum string
}

// New begins or continues a journal in a directory. The last argument is the start time of its
// clock (RFC 3339).
func New(t testing.TB, dir, origin, at string) *Journal {
	t.Helper()
	now := parse(t, at)
	j := &Journal{t: t, clock: clock.New(now)}
	j.journal = journal.Open(dir, journal.Options{Origin: origin, Now: j.clock.Now})
	return j
}

func parse(t testing.TB, at string) time.Time {
	t.Helper()
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// At sets the clock for the records that follow.
func (j *Journal) At(at string) {
	j.t.Helper()
	if !j.journal.Flush(patience) {
		j.t.Fatal("the journal does not write")
	}
	j.clock.Set(parse(j.t, at))
}

// Load records a new version of a file. It also stores the text in the journal.
func (j *Journal) Load(file, text string) {
	sum := sha256.Sum256([]byte(text))
	j.file, j.sum = file, fmt.Sprintf("%x", sum)
	v := journal.Version{File: file, SHA256: j.sum}
	j.Add(journal.Record{Event: journal.Intent, Files: []journal.Version{v}}, journal.Record{Event: journal.Outcome, Set: "x", Files: []journal.Version{v}})
	j.journal.Keep(file, sum, len(text), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil })
}

// Add appends records.
func (j *Journal) Add(records ...journal.Record) {
	for _, r := range records {
		j.journal.Append(r)
	}
}

// Receive records an order of the last loaded file. It also records the state of the order.
func (j *Journal) Receive(id string, sealed bool, state journal.Event) {
	j.Add(journal.Record{Event: journal.Received, Order: id, Sealed: sealed, File: j.file, SHA256: j.sum},
		journal.Record{Event: state, Order: id, Sealed: sealed})
}

// Beat writes the hourly heartbeat and its checkpoint.
func (j *Journal) Beat() {
	j.journal.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
}

// Close ends the journal with a record "stop".
func (j *Journal) Close() {
	j.t.Helper()
	if !j.journal.Close(patience) {
		j.t.Fatal("the journal does not close")
	}
}
