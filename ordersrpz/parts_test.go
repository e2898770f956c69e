package ordersrpz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/miekg/dns"
)

// partOrigin returns the name of a part, from 1.
func partOrigin(i, parts int) string { return fmt.Sprintf("%d-of-%d.%s", i, parts, origin) }

func (s *server) partSerials(parts int) (out []uint32) {
	s.Helper()
	for i := 1; i <= parts; i++ {
		for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
			if r := s.ask(partOrigin(i, parts), dns.TypeSOA); len(r.Answer) == 1 {
				out = append(out, r.Answer[0].(*dns.SOA).Serial)
				break
			}
			if time.Now().After(deadline) {
				s.Fatalf("part %d has no serial", i)
			}
		}
	}
	return out
}

func (s *server) partNames(zone string, serial uint32) string {
	s.Helper()
	m := new(dns.Msg).SetAxfr(zone)
	if serial != 0 {
		m.SetIxfr(zone, serial, ".", ".")
	}
	ch, err := (&dns.Transfer{ReadTimeout: patience}).In(m, s.addr)
	if err != nil {
		s.Fatal(err)
	}
	var names []string
	for e := range ch {
		if e.Error != nil {
			s.Fatalf("%s: %v", zone, e.Error)
		}
		for _, rr := range e.RR {
			n := strings.TrimSuffix(rr.Header().Name, "."+zone)
			if rr.Header().Rrtype == dns.TypeSOA || rr.Header().Rrtype == dns.TypeNS {
				if rr.Header().Name != zone {
					s.Errorf("%s: %v", zone, rr)
				}
			} else if !strings.HasPrefix(n, "*.") {
				names = append(names, n)
			}
		}
	}
	return strings.Join(names, " ")
}

func TestParts(t *testing.T) {
	const parts = 3
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("n%d.example", i), fmt.Sprintf("www.m%d.example", i))
	}
	s := newServer(t, toLoopback, "countries IT\nparts 3")
	long := strings.Repeat(strings.Repeat("x", 60)+".", 3) + strings.Repeat("y", 43) + ".example"
	orders := func(names ...string) {
		names = append(slices.Clone(names), long)
		s.file("version: 1\norders:\n- {id: top, authority: {name: A}, scope: global, force: {invalid: test}, targets: [invalid]}\n" +
			"- {id: names, authority: {name: A}, scope: global, targets: [" + strings.Join(names, ", ") + "]}\n")
	}
	orders(names...)
	s.start()
	serials := s.partSerials(parts)
	var got []string
	for i := 1; i <= parts; i++ {
		list := strings.Fields(s.partNames(partOrigin(i, parts), 0))
		if len(list) < 5 {
			t.Errorf("part %d has only %q", i, list)
		}
		if slices.Contains(list, "invalid") != (i == parts) {
			t.Errorf("part %d: the top-level name is in the part: %v", i, i != parts)
		}
		got = append(got, list...)
	}
	if want := slices.Sorted(slices.Values(append(names, "invalid"))); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("the parts have %q, want %q", got, want)
	}
	for name, qtype := range map[string]uint16{origin: dns.TypeSOA, partOrigin(0, 3): dns.TypeSOA, partOrigin(4, 3): dns.TypeSOA, partOrigin(1, 2): dns.TypeNS, "a." + partOrigin(1, 3): dns.TypeSOA} {
		if r := s.ask(name, qtype); r.Rcode != dns.RcodeRefused {
			t.Errorf("%s: %v", name, r)
		}
	}
	if list, err := s.transfer(0); err == nil {
		t.Errorf("the server transfers the zone without its parts: %v", list)
	}

	orders(append(names, "new.example")...)
	changed := -1
	for deadline := time.Now().Add(patience); changed < 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no part has changed")
		}
		for i, serial := range s.partSerials(parts) {
			if serial != serials[i] {
				changed = i
			}
		}
	}
	after := s.partSerials(parts)
	for i := range after {
		zone := partOrigin(i+1, parts)
		want := map[bool]string{true: "new.example"}[i == changed]
		if got := s.partNames(zone, serials[i]); (after[i] != serials[i]) != (i == changed) || got != want {
			t.Errorf("%s: serial %d after %d; the difference has %q, want %q", zone, after[i], serials[i], got, want)
		}
	}
}

func TestPartsAndKeys(t *testing.T) {
	const key = "\ttsig {\n\t\tsecret isp-a.example. c2VjcmV0\n\t\trequire AXFR IXFR\n\t}\n\ttransfer {\n\t\tto *\n\t}"
	s := newServer(t, key, "countries IT\nparts 2", "a.example").start()
	s.partSerials(2)
	for i := 1; i <= 2; i++ {
		zone := partOrigin(i, 2)
		ch, err := (&dns.Transfer{ReadTimeout: patience}).In(new(dns.Msg).SetAxfr(zone), s.addr)
		if err == nil {
			if e := <-ch; e.Error == nil {
				t.Errorf("%s: a client without a key got %v", zone, e.RR)
			}
		}
		m := new(dns.Msg).SetAxfr(zone)
		m.SetTsig("isp-a.example.", dns.HmacSHA256, 300, time.Now().Unix())
		tr := &dns.Transfer{ReadTimeout: patience, TsigSecret: map[string]string{"isp-a.example.": "c2VjcmV0"}}
		if ch, err = tr.In(m, s.addr); err != nil {
			t.Fatal(err)
		}
		for e := range ch {
			if e.Error != nil {
				t.Errorf("%s: a client with a key: %v", zone, e.Error)
			}
		}
	}
	s.stop()
	s.head = strings.Replace(toLoopback, "transfer {", "transfer 2-of-2.rpz-it.example {\n\t\tto *\n\t}\n\ttransfer {", 1)
	inst, err := caddy.Start(coredns.Input(s.corefile()))
	if err == nil {
		coredns.Stop(t, inst)
	}
	if err == nil || !strings.Contains(err.Error(), "every address can transfer the zone") {
		t.Errorf("everybody can transfer a part: %v", err)
	}
}
