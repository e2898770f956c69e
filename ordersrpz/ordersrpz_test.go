package ordersrpz

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/tsig"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/dns-orders/blocklist/test/clock"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	coredns.AddDirective("orders_rpz", "dynupdate") // directly below transfer
	os.Exit(m.Run())
}

const origin = "rpz-it.example."

// A server is CoreDNS with a zone.
type server struct {
	*testing.T
	dir, addr, head, properties string
	inst                        *caddy.Instance
}

// The time limit for each step is long, because the machine may be busy.
const patience = time.Minute

func newServer(t *testing.T, head, properties string, targets ...string) *server {
	t.Helper()
	s := &server{T: t, dir: t.TempDir(), addr: port.Address(t), head: head, properties: properties}
	s.orders(targets...)
	return s
}

// corefile returns the Corefile of the server.
func (s *server) corefile() string {
	_, p, _ := strings.Cut(s.addr, ":")
	return fmt.Sprintf("rpz-it.example:%s {\n\tbind 127.0.0.1\n\troot %s\n%s\n\torders_rpz orders.yaml {\n%s\n}\n}\n", p, s.dir, s.head, s.properties)
}

func (s *server) start() *server {
	s.Helper()
	inst, err := caddy.Start(coredns.Input(s.corefile()))
	if err != nil {
		s.Fatal(err)
	}
	coredns.AwaitServing(s, inst)
	s.inst = inst
	s.Cleanup(s.stop)
	return s
}

func (s *server) stop() {
	if s.inst != nil {
		coredns.Stop(s.T, s.inst)
		s.inst = nil
	}
}

func (s *server) orders(targets ...string) {
	s.Helper()
	s.file(fmt.Sprintf("version: 1\norders:\n- {id: a, authority: {name: A}, scope: {countries: [IT]}, targets: [%s]}\n", strings.Join(targets, ", ")))
}

func (s *server) file(text string) {
	s.Helper()
	path := filepath.Join(s.dir, "orders.yaml")
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	// The server waits before it loads a file with a new modification time.
	if err := os.Chtimes(path+".new", time.Time{}, time.Now().Add(-time.Minute)); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.Fatal(err)
	}
}

func (s *server) transfer(serial uint32) ([]dns.RR, error) {
	m := new(dns.Msg).SetAxfr(origin)
	if serial != 0 {
		m.SetIxfr(origin, serial, ".", ".")
	}
	tr := &dns.Transfer{DialTimeout: patience, ReadTimeout: patience}
	ch, err := tr.In(m, s.addr)
	if err != nil {
		return nil, err
	}
	var list []dns.RR
	for e := range ch {
		if e.Error != nil {
			err = e.Error
		}
		list = append(list, e.RR...)
	}
	return list, err
}

func (s *server) serial() uint32 {
	s.Helper()
	r := s.ask(origin, dns.TypeSOA)
	if r.Rcode != dns.RcodeSuccess {
		return 0
	}
	if !r.Authoritative || len(r.Answer) != 1 {
		s.Fatalf("SOA: %v", r)
	}
	return r.Answer[0].(*dns.SOA).Serial
}

func (s *server) ask(name string, qtype uint16) *dns.Msg {
	s.Helper()
	c := dns.Client{Timeout: patience}
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, qtype), s.addr)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

func (s *server) await(old uint32) uint32 {
	s.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if n := s.serial(); n != 0 && n != old {
			if old != 0 && n < old {
				s.Fatalf("the serial went down from %d to %d", old, n)
			}
			return n
		}
	}
	s.Fatalf("the serial stays %d", old)
	return 0
}

func owners(list []dns.RR) string {
	set := map[string]bool{}
	for _, rr := range list {
		if n := strings.TrimSuffix(rr.Header().Name, "."+origin); n != rr.Header().Name && !strings.HasPrefix(n, "*.") {
			set[n] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), " ")
}

const toLoopback = "\ttransfer {\n\t\tto 127.0.0.1\n\t}"

func TestTransfer(t *testing.T) {
	s := newServer(t, toLoopback, "countries IT", "a.example").start()
	one := s.await(0)
	list, err := s.transfer(0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rr := range list {
		got = append(got, strings.ReplaceAll(rr.String(), fmt.Sprint(one), "N"))
	}
	soa := "rpz-it.example.	30	IN	SOA	localhost. hostmaster.localhost. N 60 30 2592000 30"
	want := []string{soa, "rpz-it.example.	30	IN	NS	localhost.", "a.example.rpz-it.example.	30	IN	CNAME	.", "*.a.example.rpz-it.example.	30	IN	CNAME	.", soa}
	if !slices.Equal(got, want) {
		t.Errorf("AXFR:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	s.orders("a.example", "b.example", "c.example")
	two := s.await(one)
	s.orders("a.example", "c.example")
	three := s.await(two)

	// Each difference begins with the SOA of the old version. The added records follow the SOA of
	// the new version (RFC 1995, section 4).
	type part struct {
		serial uint32
		names  string
	}
	ixfr := func(from uint32) (out []part) {
		t.Helper()
		list, err := s.transfer(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, rr := range list {
			if soa, ok := rr.(*dns.SOA); ok {
				out = append(out, part{soa.Serial, ""})
				continue
			}
			if n := owners([]dns.RR{rr}); n != "" {
				out[len(out)-1].names = strings.TrimSpace(out[len(out)-1].names + " " + n)
			}
		}
		return out
	}
	for from, want := range map[uint32][]part{
		three:     {{three, ""}},
		three + 5: {{three, ""}},
		two:       {{three, ""}, {two, "b.example"}, {three, ""}, {three, ""}},
		one - 5:   {{three, "a.example c.example"}, {three, ""}},
	} {
		if got := ixfr(from); !slices.Equal(got, want) {
			t.Errorf("IXFR from %d: %v, want %v", from, got, want)
		}
	}
	if got := ixfr(one); !slices.Equal(got, []part{{three, "a.example c.example"}, {three, ""}}) {
		t.Errorf("a difference as long as the zone: %v", got)
	}
}

func TestQueries(t *testing.T) {
	s := newServer(t, toLoopback, "countries IT", "a.example").start()
	s.await(0)
	if r := s.ask("RPZ-it.example.", dns.TypeNS); r.Rcode != dns.RcodeSuccess || !r.Authoritative || len(r.Answer) != 1 || r.Answer[0].Header().Rrtype != dns.TypeNS {
		t.Errorf("NS: %v", r)
	}
	for name, qtype := range map[string]uint16{"a.example." + origin: dns.TypeCNAME, "b.example." + origin: dns.TypeA, "c.example." + origin: dns.TypeNS, origin: dns.TypeANY, "*.a.example." + origin: dns.TypeCNAME} {
		if r := s.ask(name, qtype); r.Rcode != dns.RcodeRefused || len(r.Answer)+len(r.Ns) > 0 {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestStrangers(t *testing.T) {
	const key = "\ttsig {\n\t\tsecret isp-a.example. c2VjcmV0\n\t\t%s\n\t}\n\ttransfer {\n\t\tto *\n\t}"
	for head, starts := range map[string]bool{
		"\ttransfer {\n\t\tto *\n\t}":           false,
		"\ttransfer {\n\t\tto 192.0.2.1 *\n\t}": false,
		"\ttransfer {\n\t\tto 192.0.2.1\n\t}":   true,
		fmt.Sprintf(key, "require AXFR IXFR"):   true,
		fmt.Sprintf(key, "require AXFR"):        false,
		fmt.Sprintf(key, ""):                    false,
		"\tacl {\n\t\tallow net 127.0.0.0/8\n\t\tblock\n\t}\n\ttransfer {\n\t\tto *\n\t}": true,
		"": true,
	} {
		s := newServer(t, head, "countries IT", "a.example")
		inst, err := caddy.Start(coredns.Input(s.corefile()))
		if err == nil {
			coredns.AwaitServing(t, inst)
			s.inst = inst
			s.await(0)
			if list, err := s.transfer(0); (err == nil) != strings.Contains(head, "127.0.0.0/8") {
				t.Errorf("%s: a client got %v, %v", head, list, err)
			}
			s.stop()
		}
		if (err == nil) != starts || err != nil && !strings.Contains(err.Error(), "every address can transfer the zone") {
			t.Errorf("%s: %v, want a start: %v", head, err, starts)
		}
	}
}

// TestContents checks which orders are in the zone.
func TestContents(t *testing.T) {
	const file = `version: 1
orders:
- {id: it, authority: {name: A}, scope: {countries: [IT]}, targets: [it.example]}
- {id: ch, authority: {name: A}, scope: {countries: [CH]}, targets: [ch.example]}
- {id: all, authority: {name: A}, scope: global, targets: [all.example]}
- {id: nets, authority: {name: A}, scope: {clients: [192.0.2.0/24]}, targets: [nets.example]}
- {id: sealed, authority: {name: A}, scope: global, disclosure: none, targets: [sealed.example]}
- {id: shadow, authority: {name: A}, scope: global, status: shadow, targets: [shadow.example]}
- {id: held, authority: {name: A}, scope: global, targets: [com]}
- {id: refused, authority: {name: A}, scope: global, response: refused, ttl: 5m, targets: [refused.example]}
- {id: nobody, authority: {name: A}, scope: global, exempt: [0.0.0.0/0, "::/0"], targets: [nobody.example]}
`
	for properties, want := range map[string]string{
		"":                      "all.example refused.example",
		"countries IT":          "all.example it.example refused.example",
		"countries IT CH":       "all.example ch.example it.example refused.example",
		"sealed":                "all.example refused.example sealed.example",
		"refused nxdomain":      "all.example refused.example",
		"ttl 10s\ncountries CH": "all.example ch.example refused.example",
	} {
		s := newServer(t, toLoopback, properties, "a.example")
		s.file(file)
		s.start()
		s.await(0)
		list, err := s.transfer(0)
		if err != nil || owners(list) != want {
			t.Errorf("%q: %v, %q, want %q", properties, err, owners(list), want)
		}
		for _, rr := range list {
			c, ok := rr.(*dns.CNAME)
			if !ok || !strings.HasSuffix(c.Hdr.Name, "refused.example."+origin) {
				continue
			}
			if want := map[bool]string{true: ".", false: "*."}[properties == "refused nxdomain"]; c.Target != want || c.Hdr.Ttl != 300 {
				t.Errorf("%q: %v", properties, rr)
			}
		}
		s.stop()
	}
}

func openStore(t *testing.T, ticks store.Clock, orders string) *store.Store {
	t.Helper()
	path, old := filepath.Join(t.TempDir(), "orders.yaml"), ticks.Now().Add(-time.Hour)
	if err := os.WriteFile(path, []byte("version: 1\norders:\n"+orders), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	d := directive.Config{}
	d.Defaults()
	d.Store.Patterns = []string{path}
	st, err := store.Open(d.Store, log, ticks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func TestStartsAndEnds(t *testing.T) {
	begin := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(n int) string { return begin.Add(time.Duration(n) * time.Second).Format(time.RFC3339) }
	orders := fmt.Sprintf("- {id: a, authority: {name: A}, scope: global, targets: [a.example]}\n- {id: b, authority: {name: A}, scope: global, from: %q, until: %q, targets: [b.example]}\n", at(10), at(20))
	ticks := clock.NewSilent(begin)
	z := newZone(config{origin: "clock.example.", refused: order.NODATA, parts: 1}, openStore(t, ticks, orders), ticks)
	defer z.forget()
	z.served[0].counter = &counter{stored: true} // so that no version waits for its serial
	m := newMaker(z)
	unix := uint32(begin.Unix())
	for _, step := range []struct {
		at      int
		records int
		serial  uint32 // after begin
		until   order.Time
	}{
		{0, 2, 0, order.Time(unix + 10)}, {9, 2, 0, order.Time(unix + 10)}, {10, 4, 10, order.Time(unix + 20)}, {15, 4, 10, order.Time(unix + 20)},
		{20, 2, 20, ruleset.Forever}, {30, 2, 20, ruleset.Forever}, {12, 4, 21, order.Time(unix + 20)}, // the clock was set back
	} {
		ticks.Set(begin.Add(time.Duration(step.at) * time.Second))
		m.look()
		v := z.version.Load()
		if got := v.parts[0].serial; v.zone.Records() != step.records || got != unix+step.serial || m.tree.Until != step.until {
			t.Errorf("at %d: %d records, serial %d, until %v; want %+v", step.at, v.zone.Records(), got-unix, m.tree.Until, step)
		}
	}
}

// TestHistory checks that the history forgets the oldest differences.
func TestHistory(t *testing.T) {
	var table rpz.Table
	h := history{serial: 1}
	for i := range 5 {
		var d rpz.Difference
		a := table.Answer(order.NODATA, nil, 0)
		for range 300 {
			d.Added = append(d.Added, rpz.Entry{Own: a})
		}
		h = h.next(0, d, uint32(i+2))
	}
	if len(h.steps) != 3 || h.records() != 900 || h.serial != 6 {
		t.Errorf("%d steps with %d records up to serial %d", len(h.steps), h.records(), h.serial)
	}
	for serial, want := range map[uint32]int{2: 0, 3: 3, 5: 1, 6: 0} {
		if steps, ok := h.since(serial); len(steps) != want || ok != (want > 0) {
			t.Errorf("since %d: %d steps, want %d", serial, len(steps), want)
		}
	}
}

func TestReload(t *testing.T) {
	count := func() int {
		zones.Lock()
		defer zones.Unlock()
		return len(zones.all)
	}
	before := count()
	s := newServer(t, toLoopback, "countries IT", "a.example", "x.example", "y.example").start()
	one := s.await(0)
	s.orders("a.example", "x.example", "b.example")
	two := s.await(one)
	inst, err := s.inst.Restart(coredns.Input(s.corefile()))
	if err != nil {
		t.Fatal(err)
	}
	s.inst = inst
	if got := s.serial(); got != two {
		t.Errorf("serial %d after a reload, want %d", got, two)
	}
	// A Corefile with an error changes nothing.
	if _, err := s.inst.Restart(coredns.Input(strings.Replace(s.corefile(), "127.0.0.1\n\t}", "*\n\t}", 1))); err == nil {
		t.Fatal("the Corefile started")
	}
	s.orders("a.example", "x.example", "c.example")
	three := s.await(two)
	list, err := s.transfer(two)
	if err != nil || owners(list) != "b.example c.example" || len(list) != 8 {
		t.Errorf("IXFR from %d to %d: %v, %v", two, three, err, list)
	}
	// Other settings make another zone, whose serial is higher.
	s.properties = "countries IT\nttl 20s"
	if s.inst, err = s.inst.Restart(coredns.Input(s.corefile())); err != nil {
		t.Fatal(err)
	}
	for s.serial() == 0 {
		time.Sleep(time.Millisecond)
	}
	if got := s.serial(); !later(got, three) {
		t.Errorf("serial %d after a reload with other settings, was %d", got, three)
	}
	if n := count() - before; n != 1 {
		t.Errorf("%d zones, want 1", n)
	}
}

func TestFirstReloadFails(t *testing.T) {
	running := func() int {
		zones.Lock()
		defer zones.Unlock()
		return len(zones.all) + len(store.All())
	}
	before := running()
	s := newServer(t, toLoopback, "countries IT", "a.example")
	_, p, _ := strings.Cut(s.addr, ":")
	inst, err := caddy.Start(coredns.Input(fmt.Sprintf("other.example:%s {\n\tbind 127.0.0.1\n\tacl {\n\t\tblock\n\t}\n}\n", p)))
	if err != nil {
		t.Fatal(err)
	}
	defer coredns.Stop(t, inst)
	if _, err := inst.Restart(coredns.Input(strings.Replace(s.corefile(), "127.0.0.1\n\t}", "*\n\t}", 1))); err == nil {
		t.Fatal("the Corefile started")
	}
	if n := running() - before; n != 0 {
		t.Errorf("%d zones and Stores still run", n)
	}
}
