package journals

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

// Make makes a journal of about 300 records in a new directory. Some records are about the order
// court/1. Others are about a sealed order with the given id.
func Make(t testing.TB, sealed, target string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "journal")
	begin := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	var calls atomic.Int64
	j := journal.Open(dir, journal.Options{
		Origin: "dns.example.net/journal/node1", Now: func() time.Time { return begin.Add(time.Duration(calls.Add(1)) * time.Second) },
	})
	for i := range 300 {
		switch i {
		case 10:
			j.Append(journal.Record{Event: journal.Received, Order: "court/1", File: "/etc/a.yaml"})
			j.Append(journal.Record{Event: journal.InForce, Order: "court/1"})
		case 100:
			j.Append(journal.Record{Event: journal.FirstAnswer, Order: "court/1"})
		case 200:
			j.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
		case 250:
			j.Append(journal.Record{Event: journal.Lifted, Order: "court/1", By: "a sealed lift"})
		}
		r := journal.Record{Event: journal.InForce, Order: sealed, Target: target, Sealed: true}
		if i%2 == 0 {
			r = journal.Record{Event: journal.Hits, Order: fmt.Sprint("other/", i%5), Count: uint64(i)}
		}
		j.Append(r)
	}
	if !j.Close(patience) {
		t.Fatal("the journal does not close")
	}
	return dir
}
