package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

func TestHistoryOverRestarts(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	seconds := 0
	j := journal.Open(dir, journal.Options{Origin: "node1", Now: func() time.Time { return begin.Add(time.Duration(seconds) * time.Second) }})
	version := func(ids ...string) journal.Version {
		text := "version: 1\norders:\n"
		for _, id := range ids {
			text += fmt.Sprintf("- {id: %s, authority: {name: A}, scope: global, targets: [%s.example]}\n", id, id)
		}
		sum := sha256.Sum256([]byte(text))
		j.Keep("a.yaml", sum, len(text), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(text))), nil })
		return journal.Version{File: "a.yaml", SHA256: fmt.Sprintf("%x", sum)}
	}
	at := func(second int, records ...journal.Record) {
		if !j.Flush(patience) {
			t.Fatal("the journal does not write")
		}
		seconds = second
		for _, r := range records {
			j.Append(r)
		}
	}
	outcome := func(files ...journal.Version) journal.Record {
		return journal.Record{Event: journal.Outcome, Set: "s", Files: files}
	}
	first, without, again := version("x", "y"), version("y"), version("x")
	other := journal.Version{File: "b.yaml", SHA256: "00"}
	start, stop := journal.Record{Event: journal.Start}, journal.Record{Event: journal.Stop}

	at(10, start, outcome(first, other), journal.Record{Event: journal.Received, Order: "x", File: "a.yaml", SHA256: first.SHA256},
		journal.Record{Event: journal.InForce, Order: "x"})
	at(20, stop)
	at(30, start, outcome(other), stop)           // the file is missing
	at(40, start, outcome(without, other), stop)  // the order was removed while the server was stopped
	at(50, start, outcome(other), outcome(again)) // another version with the order comes back
	at(60, start, outcome(journal.Version{File: "a.yaml", SHA256: again.SHA256, Problem: "bad"}), stop)
	at(70, start, outcome(again))
	at(80, journal.Record{Event: journal.Removed, Order: "x"}, outcome(without))
	if !j.Close(patience) {
		t.Fatal("the journal does not close")
	}
	h, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := Follow(dir, func(*journal.Record) {}); err != nil || !reflect.DeepEqual(all["x"], h.Order("x").Intervals) {
		t.Errorf("Follow returns %+v, %v", all["x"], err)
	}
	var got []string
	for _, x := range h.Order("x").Intervals {
		got = append(got, fmt.Sprintf("%d-%d %s %.4s", int(x.From.Sub(begin).Seconds()), int(x.Until.Sub(begin).Seconds()), x.Why, x.SHA256))
	}
	want := []string{"10-20 stop " + first.SHA256[:4], "50-50 unknown " + again.SHA256[:4], "70-80 removed " + again.SHA256[:4]}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
