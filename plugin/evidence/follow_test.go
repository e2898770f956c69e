package evidence

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

func TestFollow(t *testing.T) {
	files := []string{"a.yaml", "b.yaml"}
	sum := func(n int) string { return fmt.Sprintf("%x", sha256.Sum256([]byte{byte(n)})) }
	events := []journal.Event{journal.Start, journal.Stop, journal.Heartbeat, journal.Outcome, journal.Outcome, journal.Received, journal.Corrected, journal.InForce, journal.InForce,
		journal.Lifted, journal.Pending, journal.Removed, journal.Hits}
	intervals := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := &History{node: "node", dir: t.TempDir()}
		for i := range 60 {
			x := journal.Record{Index: int64(i), Time: journal.Time{Time: time.Unix(int64(i), 0).UTC()}, Event: events[r.IntN(len(events))]}
			switch x.Event {
			case journal.Start, journal.Stop, journal.Heartbeat:
			case journal.Outcome:
				x.Files = []journal.Version{{File: files[r.IntN(2)], SHA256: sum(r.IntN(3))}}
				if r.IntN(5) == 0 {
					x.Files[0].Problem = "bad"
				}
			default:
				x.Order = fmt.Sprint("order/", r.IntN(3))
				x.File, x.SHA256 = files[r.IntN(2)], sum(r.IntN(3))
			}
			h.records = append(h.records, x)
		}
		x := newFollower(h.dir)
		for i := range h.records {
			x.record(&h.records[i])
		}
		for id, got := range x.intervals() {
			if want := h.Order(id).Intervals; !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: %s: %+v, want %+v", seed, id, got, want)
			}
			intervals += len(got)
		}
	}
	if intervals < 1000 {
		t.Errorf("only %d intervals", intervals)
	}
}
