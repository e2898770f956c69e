package blocklist

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/dns-orders/blocklist/test/clock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var midnight = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func openStore(t *testing.T, clock store.Clock, files ...string) *store.Store {
	t.Helper()
	dir := t.TempDir()
	opt := store.Options{MaxShrink: 50, Poll: time.Second}
	for i, orders := range files {
		path := filepath.Join(dir, string(rune('a'+i))+".yaml")
		text := "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n" + orders
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(path, clock.Now().Add(-time.Hour), clock.Now().Add(-time.Hour))
		opt.Patterns = append(opt.Patterns, path)
	}
	s, err := store.Open(opt, log, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func scrape(t *testing.T, stores ...*store.Store) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(collector{func() []*store.Store { return stores }})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()[len("coredns_blocklist_"):]
			for _, l := range m.GetLabel() {
				if l.GetName() == "state" {
					key += " " + l.GetValue()
				}
			}
			if v := m.GetGauge().GetValue() + m.GetCounter().GetValue(); v != 0 {
				out[key] += v
			}
		}
	}
	return out
}

func TestCollector(t *testing.T) {
	clock := clock.NewSilent(midnight)
	s := openStore(t, clock, `
- {id: on, issued: 2026-04-01, review: "2026-05-01T18:00:00Z", targets: [a.example, b.example]}
- {id: brief, from: "2026-05-01T10:00:00Z", until: "2026-05-01T14:00:00Z", targets: [c.example]}
- {id: draft, status: draft, deadline: "2026-05-01T12:00:00Z", targets: [d.example, e.example, f.example]}
- {id: brake, status: suspended, targets: [g.example]}
- {id: trial, status: shadow, targets: [h.example]}
- {id: held, targets: [com], deadline: "2026-05-01T16:00:00Z"}
- {id: part, targets: [co.uk, i.example]}
- {id: gone, issued: 2026-04-01, targets: [j.example]}
- {id: lift, action: lift, issued: 2026-04-02, from: "2026-05-01T20:00:00Z", lifts: [gone]}
- {id: slip, action: lift, issued: 2026-04-02, authority: {name: Nobody}, targets: [a.example]}
- {id: routers, targets: [{address: 203.0.113.9}]}
`)
	const hour = 3600
	inf := math.Inf(1)
	want := map[string]float64{}
	for _, tc := range []struct {
		at   string
		want map[string]float64 // contains only the differences from the row before
	}{
		{"2026-05-01T00:00:00Z", map[string]float64{
			"orders in_force": 4, "orders pending": 1, "orders held": 1, "orders suspended": 1, "orders shadow": 1, "orders draft": 1,
			"targets in_force": 4, "targets pending": 1, "targets held": 2, "targets suspended": 1, "targets shadow": 1, "targets draft": 3,
			"lifts in_force": 1, "lifts pending": 1, "useless_lifts": 1,
			"next_deadline_seconds": 12 * hour, "next_change_seconds": 10 * hour, "order_set_info": 1, "last_load_ok": 1,
		}},
		{"2026-05-01T11:00:00Z", map[string]float64{
			"orders in_force": 5, "orders pending": 0, "targets in_force": 5, "targets pending": 0,
			"next_deadline_seconds": 1 * hour, "next_change_seconds": 3 * hour,
		}},
		{"2026-05-01T13:00:00Z", map[string]float64{"orders_past_deadline": 1, "next_deadline_seconds": 3 * hour, "next_change_seconds": 1 * hour}},
		{"2026-05-01T17:00:00Z", map[string]float64{
			"orders in_force": 4, "orders ended": 1, "targets in_force": 4, "targets ended": 1,
			"orders_past_deadline": 2, "next_deadline_seconds": inf, "next_change_seconds": 3 * hour,
		}},
		{"2026-05-01T18:00:00Z", map[string]float64{"orders_past_review": 1, "next_change_seconds": 2 * hour}},
		{"2026-05-01T20:00:00Z", map[string]float64{
			"orders in_force": 3, "orders lifted": 1, "targets in_force": 3, "targets lifted": 1,
			"lifts in_force": 2, "lifts pending": 0, "next_change_seconds": inf,
		}},
	} {
		at, err := time.Parse(time.RFC3339, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		clock.Set(at)
		got := scrape(t, s)
		for _, other := range []string{"index_bytes", "last_load_success_timestamp_seconds", "last_look_timestamp_seconds"} {
			if got[other] == 0 {
				t.Errorf("%s: no %s", tc.at, other)
			}
			delete(got, other)
		}
		for k, v := range tc.want {
			want[k] = v
			if v == 0 {
				delete(want, k)
			}
		}
		for k := range want {
			if got[k] != want[k] {
				t.Errorf("%s: %s is %v, want %v", tc.at, k, got[k], want[k])
			}
			delete(got, k)
		}
		if len(got) > 0 {
			t.Errorf("%s: unexpected samples %v", tc.at, got)
		}
	}
}

func TestCollectorOfStores(t *testing.T) {
	clock := clock.NewSilent(midnight)
	const draft = "- {id: ID, status: draft, review: 2026-01-01, deadline: DAY, targets: [a.example]}\n"
	orders := func(id, day string) string { return strings.NewReplacer("ID", id, "DAY", day).Replace(draft) }
	first := openStore(t, clock, orders("a", "2026-05-03")+orders("b", "2026-01-01"))
	success := scrape(t, first)["last_load_success_timestamp_seconds"]
	clock.Set(midnight.Add(time.Hour))
	second := openStore(t, clock, orders("a", "2026-05-02")+"- {id: on, until: 2026-05-04, targets: [b.example]}\n")
	if got := scrape(t, first, second); got["last_load_ok"] != 1 || got["last_load_success_timestamp_seconds"] != success || success != float64(clock.Now().Unix()-3600) {
		t.Errorf("all good: %v, the older success was %v", got, success)
	}
	third := openStore(t, clock, "- {id: c, targets: [c.example]}\n", "- {id: d, targets: [a..b]}\n")
	got := scrape(t, first, second, third)
	for k, want := range map[string]float64{
		"orders draft": 3, "orders in_force": 2, "targets in_force": 2, "orders_past_review": 3, "orders_past_deadline": 1,
		"next_deadline_seconds": 47 * 3600, "next_change_seconds": 95 * 3600,
		"order_set_info": 3, "load_failures_total": 1, "last_load_ok": 0,
		"last_load_success_timestamp_seconds": success,
		"index_bytes":                         float64(first.Set().Bytes() + second.Set().Bytes() + third.Set().Bytes()),
	} {
		if got[k] != want {
			t.Errorf("%s is %v, want %v", k, got[k], want)
		}
	}
	if got := scrape(t); len(got) != 0 {
		t.Errorf("without a store: %v", got)
	}
}

func TestCollectorOfShadow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	text := "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, deadline: 2026-01-01, targets: [a.example, com]}\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var stores []*store.Store
	for _, shadow := range []bool{false, true} {
		s, err := store.Open(store.Options{Patterns: []string{path}, MaxShrink: 50, Shadow: shadow}, log, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		stores = append(stores, s)
	}
	for name, list := range map[string][]*store.Store{"both": stores, "in shadow": stores[1:]} {
		got := scrape(t, list...)
		for _, metric := range []string{"orders in_force", "targets in_force", "targets held", "orders_past_deadline", "order_set_info"} {
			if got[metric] != 1 {
				t.Errorf("%s: %s is %v, want 1", name, metric, got[metric])
			}
		}
	}
}

func TestMetricsOfOddPaths(t *testing.T) {
	clock := clock.NewSilent(midnight)
	dir := t.TempDir()
	opt := store.Options{MaxShrink: 50, Poll: time.Second}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		opt.Patterns = append(opt.Patterns, path)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(path, clock.Now().Add(-time.Hour), clock.Now().Add(-time.Hour))
	}
	write("good.yaml", "version: 1\norders: []\n")
	odd := []string{"line\nbreak.yaml", "right\u202eleft.yaml", "plain.yaml"}
	if runtime.GOOS == "linux" { // other systems do not allow these file names
		odd = append(odd, "ordonnance n\xb0 12.yaml", "ordonnance n\xb1 12.yaml")
	}
	for _, name := range odd {
		write(name, "version: 2\n")
	}
	s, err := store.Open(opt, log, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if got := scrape(t, s); got["load_failures_total"] != float64(len(odd)) {
		t.Errorf("%v load failures, want %d", got["load_failures_total"], len(odd))
	}
}

func TestCounterOfOddLabels(t *testing.T) {
	l := labels{"dns://:53", ".", "caf\xe9", "nxdomain"}
	blockedRequests.with(l).Inc()
	if n := testutil.ToFloat64(blockedRequests.with(l)); n != 1 {
		t.Errorf("counted %v, want 1", n)
	}
}
