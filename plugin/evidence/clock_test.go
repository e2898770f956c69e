package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/journals"
)

func TestClocks(t *testing.T) {
	base := t.TempDir()
	const text = "version: 1\norders: [{id: court/1, authority: {name: A}, scope: global, targets: [a.example]}]\n"
	inventory := "nodes:\n"
	for i, at := range []string{"2026-05-01T09:00:00Z", "2026-05-01T09:05:00Z"} {
		dir := filepath.Join(base, fmt.Sprint("n", i))
		j := journals.New(t, dir, fmt.Sprint("node", i), at)
		j.Load("/etc/orders.yaml", text)
		j.Receive("court/1", false, journal.InForce)
		if i == 1 {
			j.At("2026-05-01T09:01:00Z")
		}
		j.Add(journal.Record{Event: journal.Lifted, Order: "court/1", By: "court/2"})
		if i == 1 {
			j.At("2026-05-01T09:06:00Z")
		}
		j.Beat()
		j.Close()
		key, err := os.ReadFile(filepath.Join(dir, "journal.vkey"))
		if err != nil {
			t.Fatal(err)
		}
		inventory += fmt.Sprintf("- {name: %s, key: %q, dir: n%d}\n", fmt.Sprint("node", i), strings.TrimSpace(string(key)), i)
	}
	nodes, err := ParseInventory(filepath.Join(base, "inventory.yaml"), []byte(inventory))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 5, 1, 9, 1, 0, 0, time.UTC)
	c, err := Collect(nodes, filepath.Join(base, "out"), now, durable.FS{}, func(int, *Node) {})
	if err != nil || c.Failed() {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Nodes[0].Ahead != "" || c.Nodes[1].Ahead != "5m0s" {
		t.Errorf("ahead by %q and %q", c.Nodes[0].Ahead, c.Nodes[1].Ahead)
	}
	bounds := Outsiders{Stamps: []Stamp{{Size: 5, Time: now, File: "checkpoints/5.tsr"}}, Cosigned: []Cosignature{{Size: 5, Time: now.Add(time.Hour), Witness: "w"}}}
	for i, want := range []string{"", "the clock of the server was set once, by -4m0s (record 6): the sequence of the records is certain, but times before and after a step cannot be compared|" +
		"record 0 is of 2026-05-01T09:05:00.000000000Z by the clock of the server, but the time stamp checkpoints/5.tsr of a later checkpoint is of 2026-05-01T09:01:00Z: the clock was ahead by 4m0s or more"} {
		notes, err := ClockNotes(nodes[i].Dir, bounds)
		if got := strings.Join(notes, "|"); err != nil || got != want {
			t.Errorf("node%d: %v\ngot  %s\nwant %s", i, err, got, want)
		}
		h, err := Open(nodes[i].Dir)
		if err != nil {
			t.Fatal(err)
		}
		for at, unknown := range map[string]string{
			"2026-05-01T09:03:00Z": []string{"", "the clock of the server was set back, so this time came twice"}[i],
			"2026-05-01T09:05:30Z": "",
		} {
			when, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			if m := h.At(when); m.Unknown != unknown {
				t.Errorf("node%d at %s: %q", i, at, m.Unknown)
			}
		}
		x := h.Order("court/1").Intervals[0]
		if back := x.Until.Before(x.From); back != (i == 1) || strings.Join(x.ClockSet, " ") != []string{"", "-4m0s"}[i] {
			t.Errorf("node%d: %+v", i, x)
		}
	}
}
