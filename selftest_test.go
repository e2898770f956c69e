package blocklist

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "unsafe" // for go:linkname

	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/rewrite"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// quickTests makes the self-tests of a test fast.
func quickTests(t *testing.T) {
	pause, again, patience := askPause, askAgain, askPatience
	askPause, askAgain, askPatience = 0, time.Millisecond, 500*time.Millisecond
	t.Cleanup(func() { askPause, askAgain, askPatience = pause, again, patience })
}

// writeOrders replaces the order file a.yaml.
func (s *server) writeOrders(orders ...string) {
	s.t.Helper()
	text := "version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n- " + strings.Join(orders, "\n- ") + "\n"
	tmp := filepath.Join(s.dir, ".tmp")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Second)
	if err := os.Chtimes(tmp, old, old); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(s.dir, "a.yaml")); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) selfTests(n int) (out []string) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		found := 0
		out = nil
		_ = journal.Read(filepath.Join(s.dir, "journal"), func(r journal.Record, _ []byte) bool {
			switch {
			case r.Event != journal.SelfTest:
			case r.Order == "":
				found++
				text := fmt.Sprintf("%d of %d:", found, r.Count)
				for _, k := range slices.Sorted(maps.Keys(r.Targets)) {
					text += fmt.Sprintf(" %s %d", k, r.Targets[k])
				}
				out = append(out, strings.TrimSpace(text+" "+r.Why))
			default:
				server, _, _ := strings.Cut(r.Server, ":")
				out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s: %s %s %s %s %v %s", r.Order, r.Target, server, r.Name, r.Type, r.Rcode, r.EDE, r.Why)))
			}
			return true
		})
		if found >= n {
			return out
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d self-tests: %q", found, out)
		}
	}
}

func TestSelfTest(t *testing.T) {
	quickTests(t)
	log := coredns.CaptureLog(t)
	before := sumOf(t, "coredns_blocklist_blocked_requests_total")
	s := startServer(t, ".:0 {\n bind 127.0.0.1\n blocklist $DIR/a.yaml {\n poll 1s\n journal $DIR/journal node1\n }\n whoami\n}")
	s.selfTests(1)
	s.writeOrders("{id: plain, targets: [one.example, '*.two.example']}", "{id: page, response: {redirect: [192.0.2.1]}, targets: [three.example]}",
		"{id: secret, disclosure: none, targets: [four.example]}", "{id: scoped, scope: {clients: [192.0.2.0/24]}, targets: [five.example]}",
		"{id: later, from: 2099-01-01, targets: [six.example]}", "{id: net, targets: [{address: 198.51.100.1}]}", "{id: shadow, status: shadow, targets: [seven.example]}",
		"{id: stopped, targets: [eight.example]}", "{id: lift, action: lift, lifts: [stopped], issued: 2026-01-01}",
		"{id: held, targets: [co.uk]}")
	defer func() {
		if t.Failed() {
			t.Log(log.Take())
		}
	}()
	got := s.selfTests(2)[2:] // without the first test
	slices.Sort(got)
	want := []string{
		"2 of 7: not_tested 1 right 4",
		"page three.example: 127.0.0.1 three.example A NOERROR [4]",
		"plain *.two.example: 127.0.0.1 blocklist--any.two.example A NXDOMAIN [16]",
		"plain one.example: 127.0.0.1 one.example A NXDOMAIN [16]",
		"scoped five.example: 127.0.0.1 five.example A  [] not tested: the order is not for the address of this server",
		"secret four.example: 127.0.0.1 four.example A NXDOMAIN []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := journal.Read(filepath.Join(s.dir, "journal"), func(r journal.Record, _ []byte) bool {
		if r.Event == journal.FirstAnswer {
			t.Errorf("%s: a query of the self-test is the first answer", r.Order)
		}
		return true
	}); err != nil {
		t.Error(err)
	}
	if got := sumOf(t, "coredns_blocklist_blocked_requests_total"); got != before {
		t.Errorf("%v queries of the self-test are counted", got-before)
	}
	if got := selfTestCounts(); !maps.Equal(got, map[string]int{testRight: 4, testWrong: 0, testNotTested: 1}) {
		t.Errorf("counts %v", got)
	}
	if _, err := dns.Exchange(new(dns.Msg).SetQuestion("one.example.", dns.TypeA), s.inst.Servers()[0].LocalAddr().String()); err != nil {
		t.Fatal(err)
	}
	s.awaitRecord(func(r journal.Record) bool { return r.Event == journal.FirstAnswer && r.Order == "plain" })
}

func sumOf(t *testing.T, metric string) (sum float64) {
	t.Helper()
	all, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for _, m := range f.Metric {
			if f.GetName() == metric {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// awaitRecord waits until the journal has a record.
func (s *server) awaitRecord(is func(journal.Record) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		found := false
		_ = journal.Read(filepath.Join(s.dir, "journal"), func(r journal.Record, _ []byte) bool { found = found || is(r); return !found })
		if found {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("the journal does not have the record")
		}
	}
}

func TestSelfTestAlarm(t *testing.T) {
	quickTests(t)
	const block = "bind 127.0.0.1\n blocklist $DIR/a.yaml {\n journal $DIR/journal node1\n "
	for _, tc := range []struct {
		name, corefile string
		want           []string
		log            string
	}{
		{"another plugin changes the name", ".:0 {\n rewrite name exact one.example other.example\n " + block + "}\n whoami\n}",
			[]string{"a.yaml one.example: 127.0.0.1 one.example A NOERROR [] the response code is NOERROR, and not NXDOMAIN; the extended error codes are [], and not [16]", "1 of 1: wrong 1"},
			"self-test: the server does not answer as ordered for one.example of order a.yaml: the response code is NOERROR, and not NXDOMAIN"},
		{"another plugin drops the query", ".:0 {\n acl {\n drop net 127.0.0.1/32\n }\n " + block + "}\n whoami\n}",
			[]string{"a.yaml one.example: 127.0.0.1 one.example A  [] not tested: the server at ADDR does not answer its own query: i/o timeout", "1 of 1: not_tested 1 not tested further: the server at ADDR does not answer its own query: i/o timeout"},
			"self-test: the server at ADDR does not answer its own query: i/o timeout; the other changed targets were not tested"},
		{"no listener without TLS", "tls://.:0 {\n " + block + "}\n whoami\n}",
			[]string{"a.yaml one.example:  one.example A  [] not tested: the server has no listener for plain DNS without PROXY protocol on a known port", "1 of 1: not_tested 1"}, ""},
		{"a server block without the directive has the name", "example:0 {\n bind 127.0.0.1\n whoami\n}\n.:0 {\n " + block + "}\n whoami\n}",
			[]string{"a.yaml one.example:  one.example A  [] not tested: no server block of these orders receives the queries for the name", "1 of 1: not_tested 1"}, ""},
		{"orders in shadow", ".:0 {\n " + block + "shadow\n }\n whoami\n}",
			[]string{"1 of 1: not tested: the orders are in shadow and change no answer"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := coredns.CaptureLog(t)
			s := startServer(t, tc.corefile)
			addr := ""
			if a, ok := s.inst.Servers()[0].LocalAddr().(*net.UDPAddr); ok {
				addr = a.String()
			}
			var got []string
			for _, line := range s.selfTests(1) {
				if addr != "" {
					line = strings.ReplaceAll(line, addr, "ADDR")
				}
				if i := strings.Index(line, "query: read udp"); i > 0 {
					line = line[:i] + "query: " + line[strings.LastIndex(line, "i/o"):]
				}
				got = append(got, line)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			text := strings.ReplaceAll(log.Take(), addr, "ADDR")
			for _, line := range strings.Split(tc.log, ": i/o") {
				if addr != "" && !strings.Contains(text, line) {
					t.Errorf("the log lacks %q:\n%s", line, text)
				}
			}
		})
	}
}

func TestSampler(t *testing.T) {
	o := &ruleset.Order{ID: "x"}
	names := make([]dname.Name, 5000)
	for i := range names {
		n, err := dname.Parse(fmt.Sprintf("n%d.example", i))
		if err != nil {
			t.Fatal(err)
		}
		names[i] = n
	}
	sample := func(seed string, names []dname.Name) map[dname.Name]bool {
		s := sampler{seed: seed, most: 100}
		for _, n := range names {
			var w dname.Wire
			w.SetName(n)
			s.add(o, &w, order.Subtree)
		}
		out := map[dname.Name]bool{}
		for _, x := range s.targets() {
			out[x.Name] = true
		}
		if s.total != len(names) || len(out) != min(100, len(names)) {
			t.Errorf("%d of %d targets", len(out), s.total)
		}
		return out
	}
	a := sample("seed", names)
	slices.Reverse(names)
	if !maps.Equal(a, sample("seed", names)) {
		t.Error("the sample depends on the sequence")
	}
	if maps.Equal(a, sample("other", names)) {
		t.Error("the sample does not depend on the seed")
	}
	sample("seed", names[:10])
}

func TestIsSelfTest(t *testing.T) {
	a := netip.MustParseAddrPort("127.0.0.1:5353")
	from := func(s string) bool {
		return isSelfTest(remote{net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s))})
	}
	if from("127.0.0.1:5353") {
		t.Error("there is no socket")
	}
	ownSocket(a, true)
	if !from("127.0.0.1:5353") || !from("[::ffff:127.0.0.1]:5353") || from("127.0.0.1:5354") || from("127.0.0.2:5353") {
		t.Error("the wrong addresses are recognized")
	}
	if isSelfTest(remote{net.TCPAddrFromAddrPort(a)}) {
		t.Error("a TCP client is recognized")
	}
	ownSocket(a, false)
	if from("127.0.0.1:5353") {
		t.Error("the socket is closed")
	}
}

type remote struct{ addr net.Addr }

func (r remote) RemoteAddr() net.Addr { return r.addr }

func TestSelfTestSealed(t *testing.T) {
	quickTests(t)
	log := coredns.CaptureLog(t)
	s := startServer(t, ".:0 {\n log\n bind 127.0.0.1\n blocklist $DIR/a.yaml {\n poll 1s\n journal $DIR/journal node1\n }\n whoami\n}")
	s.selfTests(1)
	s.writeOrders("{id: one, targets: [one.example]}", "{id: secret, disclosure: none, targets: [sealed.example]}")
	got := s.selfTests(2)[2:]
	slices.Sort(got)
	want := []string{
		"2 of 2: not_tested 1 right 1",
		"one one.example: 127.0.0.1 one.example A NXDOMAIN [16]",
		"secret sealed.example:  sealed.example A  [] not tested: the order is sealed, and the plugin log or dnstap would show the name",
	}
	if !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if text := log.Take(); strings.Contains(text, "sealed.example") || !strings.Contains(text, "IN one.example. udp") {
		t.Errorf("log:\n%s", text)
	}
}

//go:linkname eventHooks github.com/coredns/caddy.eventHooks
var eventHooks *sync.Map

func TestOwnSockets(t *testing.T) {
	quickTests(t)
	askPatience = time.Hour
	x := newAsker(nil, 0)
	c, err := x.connect("127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	own := func() bool { return isSelfTest(remote{c.LocalAddr()}) }
	a := localAddr(c)
	x.close()
	if !own() {
		t.Error("the last query of a self-test is counted")
	}
	ownSocket(a, true)
	ownSocket(a, false)
	if !own() {
		t.Error("the end of a socket removes another socket with the address")
	}
	if ownSocket(a, false); own() {
		t.Error("the address is still that of a self-test")
	}
}

// At SIGUSR1, caddy removes all event hooks.
func TestSelfTestSignal(t *testing.T) {
	quickTests(t)
	const corefile = ".:0 {\n bind 127.0.0.1\n blocklist $DIR/a.yaml {\n journal $DIR/journal node1\n }\n whoami\n}"
	s := startServer(t, corefile)
	s.selfTests(1)
	for n := range 2 {
		eventHooks.Clear()
		inst, err := s.inst.Restart(s.input(corefile))
		if err != nil {
			t.Fatal(err)
		}
		s.inst = inst
		s.selfTests(n + 2)
	}
}

func TestSelfTestReload(t *testing.T) {
	quickTests(t)
	const corefile = ".:0 {\n bind 127.0.0.1\n blocklist $DIR/a.yaml {\n ttl TTL\n journal $DIR/journal node1\n }\n whoami\n}"
	s := startServer(t, strings.Replace(corefile, "TTL", "10s", 1))
	s.selfTests(1)
	inst, err := s.inst.Restart(s.input(strings.Replace(corefile, "TTL", "20s", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s.inst = inst
	s.selfTests(2)
	if _, err := s.inst.Restart(s.input("nothing {\n bad\n}")); err == nil {
		t.Fatal("a bad Corefile is accepted")
	}
	askPause = time.Hour // the next self-tests never end
	if inst, err = s.inst.Restart(s.input(strings.Replace(corefile, "TTL", "30s", 1))); err != nil {
		t.Fatal(err)
	}
	s.inst = inst
	begin := time.Now()
	if inst, err = s.inst.Restart(s.input(strings.Replace(corefile, "TTL", "40s", 1))); err != nil {
		t.Fatal(err)
	}
	s.inst = inst
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("a reload waits %v for a self-test", took)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if own := ownSockets.Load(); own == nil || len(*own) <= 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sockets of self-tests", len(*ownSockets.Load()))
		}
	}
}
