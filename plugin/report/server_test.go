package report

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/store"
)

// noLog is a store.Log that drops all lines.
type noLog struct{}

func (noLog) Infof(string, ...any)    {}
func (noLog) Warningf(string, ...any) {}
func (noLog) Errorf(string, ...any)   {}

func TestServer(t *testing.T) {
	dir := t.TempDir()
	path, jdir := filepath.Join(dir, "orders.yaml"), filepath.Join(dir, "journal")
	begin := time.Now()
	write := func(ids ...string) {
		text := "version: 1\ndefaults: {authority: {name: A, country: IT, kind: court}, category: gambling, scope: global}\norders:\n"
		for _, id := range ids {
			served := begin.Add(-24 * time.Hour)
			if id == "new" {
				served = time.Now()
			}
			text += fmt.Sprintf("- {id: %s, served: %q, targets: [%s.example]}\n", id, served.UTC().Format(time.RFC3339), id)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(event journal.Event, id string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			found := false
			_ = journal.Read(jdir, func(r journal.Record, _ []byte) bool {
				found = found || r.Event == event && r.Order == id
				return true
			})
			if found {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("no record %s of %s", event, id)
			}
		}
	}
	write("old", "gone")
	s, err := store.Open(store.Options{Patterns: []string{path}, Poll: 20 * time.Millisecond, MaxShrink: 100, Journal: jdir, Origin: "node1"}, noLog{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wait(journal.InForce, "gone")
	write("old", "gone", "new")
	wait(journal.InForce, "new")
	write("old", "new")
	wait(journal.Removed, "gone")
	s.Close()
	nodes, err := Open(jdir, nil)
	if err != nil || len(nodes[0].Faults) > 0 {
		t.Fatal(nodes, err)
	}
	d, err := Load(nil, nodes)
	if err != nil {
		t.Fatal(err)
	}
	r := Collect(d, Options{From: begin.Add(-48 * time.Hour), To: begin.Add(48 * time.Hour), Now: time.Now().Add(time.Second), Disclosure: func(string) order.Disclosure { return order.Full }})
	got := map[string]string{}
	for x := range r.Orders() {
		got[x.Order] = fmt.Sprintf("%d/%d %s at latest %v, measured %v, targets %d", x.InForce, x.Known, x.State, x.AtLatest, x.Hours != nil && *x.Hours < 1, x.Targets)
	}
	for id, want := range map[string]string{
		"old":  "1/1 stopped at latest true, measured false, targets 1",
		"gone": "1/1 removed at latest true, measured false, targets 1",
		"new":  "1/1 stopped at latest false, measured true, targets 1",
	} {
		if got[id] != want {
			t.Errorf("%s: %s, want %s", id, got[id], want)
		}
	}
}
