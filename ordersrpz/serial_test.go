package ordersrpz

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/dns-orders/blocklist/test/clock"
)

func TestCounter(t *testing.T) {
	dir := t.TempDir()
	for i, state := range []string{"", dir} {
		origin := fmt.Sprintf("counter%d.example.", i)
		c, err := counterOf(state, origin, 999)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			now  int64
			want uint32
		}{{1000, 1000}, {1000, 1001}, {50, 1002}, {2000, 2000}, {2000, 2001}} {
			if got, err := c.next(step.now); got != step.want || err != nil {
				t.Errorf("at %d: serial %d, %v, want %d", step.now, got, err, step.want)
			}
		}
		if again, _ := counterOf(state, origin, 999); again != c {
			t.Error("a second counter of one zone")
		}
	}
	if c, _ := counterOf(t.TempDir(), "counter0.example.", 999); c.last != 2001 {
		t.Errorf("last serial %d", c.last)
	}
}

func TestCounterMoves(t *testing.T) {
	const origin = "moves.example."
	one := t.TempDir()
	c, err := counterOf(one, origin, 999)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := c.next(1000); err != nil {
			t.Fatal(err)
		}
	}
	last := c.last
	for _, dir := range []string{"", t.TempDir(), one, ""} {
		c, err := counterOf(dir, origin, 1000)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.next(1001)
		if err != nil || got <= last {
			t.Errorf("state %q: serial %d after %d, %v", dir, got, last, err)
		}
		last = got
	}
}

func TestCounterFull(t *testing.T) {
	const origin = "full.example."
	dir, old := t.TempDir(), [32]byte{1}
	start := func(now int64) *counter {
		delete(counters.all, counterKey{dir, origin})
		c, err := counterOf(dir, origin, now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := start(999)
	one, _ := c.first(old, 1000)
	if err := c.describe(one, old); err != nil {
		t.Fatal(err)
	}
	if again, err := start(1500).first(old, 1501); again != one || err != nil {
		t.Fatalf("serial %d after a restart, %v, want %d", again, err, one)
	}
	defer func() { files.Hook = nil }()
	files.Hook = func(s durable.Step, run func() error) error {
		if s == durable.Write {
			return syscall.ENOSPC
		}
		return run()
	}
	two, err := start(1900).next(2000)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is full: %v", err)
	}
	if again, _ := start(3000).first(old, 3001); again <= two {
		t.Errorf("serial %d after a restart, want more than %d", again, two)
	}
}

func TestRestart(t *testing.T) {
	s := newServer(t, toLoopback, "countries IT\nstate serials", "a.example")
	dir := filepath.Join(s.dir, "serials")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	restart := func() uint32 {
		t.Helper()
		s.stop()
		// In another process, there are no counters.
		counters.Lock()
		clear(counters.all)
		counters.Unlock()
		s.start()
		return s.await(0)
	}
	begin := uint32(time.Now().Unix())
	s.start()
	one := s.await(0)
	s.orders("b.example")
	two := s.await(one)
	s.orders("a.example") // the old content again
	three := s.await(two)
	// Wait until the digest is stored.
	path := filepath.Join(dir, "rpz-it.example.serial")
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), fmt.Sprintf(`{"serial":%d,"digest":"`, three)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the state is %q, %v", text, err)
		}
	}
	if got := restart(); got != three {
		t.Errorf("after a restart with equal content: %d, want %d", got, three)
	}
	s.stop()
	s.orders("c.example")
	if got := restart(); !later(got, three) {
		t.Errorf("after a restart with other content: %d, was %d", got, three)
	}
	s.stop()
	if err := os.WriteFile(path, []byte(`{"serial":4000000000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := restart(); got != 4000000001 {
		t.Errorf("after the serial 4000000000: %d", got)
	}
	s.stop()
	if err := os.WriteFile(path, []byte(`{"ser`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := restart(); got < begin {
		t.Errorf("after a broken state: %d, before %d", got, begin)
	}
}

func TestSameSecond(t *testing.T) {
	begin := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ticks := clock.NewSilent(begin)
	load := func(names string) *store.Store {
		return openStore(t, ticks, "- {id: a, authority: {name: A}, scope: global, targets: ["+names+"]}\n")
	}
	lost := t.TempDir()
	for _, state := range []string{"", lost} {
		ticks.Set(begin)
		cfg := config{origin: "second.example.", refused: order.NODATA, state: state, parts: 2}
		start := func(names string) *maker {
			counters.Lock()
			clear(counters.all) // in another process, there are no counters
			counters.Unlock()
			for _, origin := range cfg.origins() {
				os.Remove(filepath.Join(state, strings.TrimSuffix(origin, ".")+".serial"))
			}
			z := newZone(cfg, load(names), ticks)
			t.Cleanup(z.forget)
			return newMaker(z)
		}
		serials := func(m *maker, at time.Duration) string {
			ticks.Set(begin.Add(at))
			m.look()
			v := m.version.Load()
			if v == nil {
				return "none"
			}
			return fmt.Sprint(int64(v.parts[0].serial)-begin.Unix(), int64(v.parts[1].serial)-begin.Unix())
		}
		m := start("a.example")
		for _, step := range []struct {
			at   time.Duration
			want string
		}{{0, "none"}, {900 * time.Millisecond, "none"}, {time.Second, "1 1"}, {1900 * time.Millisecond, "1 1"}} {
			if got := serials(m, step.at); got != step.want {
				t.Errorf("state %q, at %s: serials %s, want %s", state, step.at, got, step.want)
			}
		}
		m = start("b.example")
		if got := serials(m, 1900*time.Millisecond); got != "none" {
			t.Errorf("state %q: after a restart in the second of the last serials: %s", state, got)
		}
		if got := serials(m, 2*time.Second); got != "2 2" {
			t.Errorf("state %q: after a restart: serials %s", state, got)
		}
		m.store = load("c.example")
		want := map[string]string{"": "2 2", lost: "3 3"}[state]
		if got := serials(m, 2*time.Second); got != want {
			t.Errorf("state %q: after a change: serials %s, want %s", state, got, want)
		}
		if got := serials(m, 3*time.Second); got != "3 3" || m.next() != ruleset.Forever {
			t.Errorf("state %q: a second later: serials %s, want 3 3; next look at %v", state, got, m.next())
		}
		// A clock that was set back delays no order.
		m.store = load("a.example, b.example, c.example, d.example, e.example")
		if got := serials(m, -time.Hour); got != "4 4" {
			t.Errorf("state %q: after the clock was set back: serials %s", state, got)
		}
	}
}
