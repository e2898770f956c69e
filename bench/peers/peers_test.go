package main

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/miekg/dns"
)

var (
	full = &samples{
		base: [works][]float64{{10, 20, 5}, {10, 10, 10}, {4, 4, 4}}, list: [works][]float64{{11, 20, 20}, {15, 10, 11}, {8, 2, 4}},
		start: []float64{30, 10, 20}, effect: []float64{1500}, p99: []float64{4.25}, bytes: []float64{24.4}, peak: []float64{1.234}, lost: []float64{0, 2, 0},
		wrong: []float64{7, 0, 0}, late: []float64{3, 1}, latest: []float64{4, 6, 5}, buffer: []float64{4096},
	}
	part = &samples{base: full.base, list: full.base, start: []float64{9.96}}
)

func TestRow(t *testing.T) {
	r := newRow(&peer{name: "S", what: "w"}, "1.2", full)
	want := row{Server: "S", What: "w", Version: "1.2", BaseCPU: 10, PassingCPU: 20, FiveCPU: 11, BlockedCPU: 4,
		// Each value is a median of ratios, not a ratio of medians.
		PassingRatio: 1.1, FiveRatio: 1.1, BlockedRatio: 1,
		Bytes: 24.4, Peak: 1.234, Effect: 1500, P99: 4.25, Lost: 2, Wrong: 7, Start: 20, Late: 2, LateMax: 6, Buffer: 4096}
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	if bare := newRow(&peer{}, "", part); bare.PassingRatio != 1 || bare.Start != 9.96 || !math.IsNaN(float64(bare.Bytes)) || !math.IsNaN(float64(bare.Lost)) {
		t.Errorf("without a list: %+v", bare)
	}
}

func TestReport(t *testing.T) {
	rep := &report{Commit: "abc", Machine: "m", Date: time.Unix(0, 0).UTC(), Names: 1000, Rows: []row{
		newRow(&peer{name: "Bare", what: "none"}, "", part), newRow(&peer{name: "S", what: "w"}, "1.2", full)}}
	table := rep.table()
	for _, want := range []string{
		"\n| Bare (none) | 1.00 | 1.00 | 1.00 | 10.0, 10.0, 4.0 | - | - | - | - | - | - | 10.0 ms |\n",
		"\n| S 1.2 (w) | 1.10 | 1.10 | 1.00 | 10.0, 20.0, 4.0 | 24 | 1.23x | 1.5 s | 4.2 ms | 2 | 7 | 20 ms |\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no line%sin\n%s", want, table)
		}
	}
	readme, file := filepath.Join(t.TempDir(), "README.md"), filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(readme, []byte("<!-- peers -->\n<!-- /peers -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rep.write(readme, file); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(readme); !strings.Contains(string(got), table) {
		t.Errorf("README is\n%s", got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Names int
		Rows  []map[string]any
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if bare, s := read.Rows[0], read.Rows[1]; read.Names != 1000 || bare["lost"] != nil || s["lost"] != 2.0 || s["reload_p99_ms"] != 4.25 || s["server"] != "S" {
		t.Errorf("read back: %v", read)
	}
}

func TestWork(t *testing.T) {
	list := corpus.New(2000)
	for _, exact := range []bool{false, true} {
		all := work(list, 1000, exact)
		seen := map[string]bool{}
		for sort, want := range map[int]int{passing: 0, five: 50, blocked: 1000} {
			hits, below := 0, 0
			for _, q := range all[sort] {
				name := strings.TrimSuffix(q.name, ".")
				if seen[name] {
					t.Errorf("%s is asked twice: a cache may answer", name)
				}
				seen[name] = true
				if q.blocked != list.Covers(name) {
					t.Errorf("%s: said to be blocked: %t", name, q.blocked)
				}
				if q.blocked {
					hits++
					if _, up, _ := strings.Cut(name, "."); list.Covers(up) {
						below++
					}
				}
			}
			if len(all[sort]) != 1000 || hits != want || exact && below > 0 || !exact && below*2 != hits {
				t.Errorf("exact %t, sort %d: %d of %d blocked, %d below a name; want %d, half of them", exact, sort, hits, len(all[sort]), below, want)
			}
		}
	}
}

func TestShape(t *testing.T) {
	msg := func(rcode int, ns ...dns.RR) *dns.Msg {
		m := new(dns.Msg)
		m.Rcode, m.Ns = rcode, ns
		return m
	}
	pass := shapeOf(msg(dns.RcodeNameError))
	for _, tc := range []struct {
		m    *dns.Msg
		want bool
	}{
		{msg(dns.RcodeNameError), false}, {msg(dns.RcodeNameError, &dns.SOA{}), true},
		{msg(dns.RcodeServerFailure), false}, {msg(dns.RcodeRefused), false}, {msg(dns.RcodeSuccess), false},
		{&dns.Msg{Answer: []dns.RR{&dns.A{}}}, true},
	} {
		if got := pass.blocked(tc.m); got != tc.want {
			t.Errorf("%v\nis blocked: %t", tc.m, got)
		}
	}
}

func TestTable(t *testing.T) {
	for _, p := range peers {
		for _, list := range []bool{false, true} {
			s := &site{dir: t.TempDir(), addr: "127.0.0.1:1", port: "1", control: "2", coredns: "coredns", peer: p}
			argv, err := p.configure(s, list)
			if err != nil || len(argv) < 2 {
				t.Fatalf("%s: %q, %v", p.name, argv, err)
			}
			if _, own := p.needs[argv[0]]; !own && argv[0] != "coredns" {
				t.Errorf("%s: no package for %s", p.name, argv[0])
			}
			if p.list == nil {
				continue
			}
			var config strings.Builder
			for _, file := range []string{"Corefile", "unbound.conf", "named.conf", "list.lua", "kresd.conf", "dnsdist.conf"} {
				text, _ := os.ReadFile(s.path(file)) // each server has one or two of these files
				config.Write(text)
			}
			named := strings.Contains(config.String(), s.file()) || strings.Contains(config.String(), "hosts list") || strings.Contains(config.String(), "orders.yaml")
			if named != list {
				t.Errorf("%s: with a list: %t, its configuration is\n%s", p.name, list, &config)
			}
			if err := s.stage([]string{"bad.example"}, 1); err != nil {
				t.Fatal(err)
			}
			if err := s.swap(); err != nil {
				t.Fatal(err)
			}
			if text, _ := os.ReadFile(s.file()); !strings.Contains(string(text), "bad.example") {
				t.Errorf("%s: the list is %q", p.name, text)
			}
		}
	}
}

// A server ignores a zone with an old serial number.
func TestSerial(t *testing.T) {
	first := func(version int) string {
		var b strings.Builder
		w := bufio.NewWriter(&b)
		rpz(w, nil, version)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if first(0) == first(1) {
		t.Error("two versions have one serial number")
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := missing(peers)
	if err == nil || !strings.Contains(err.Error(), "Debian's package bind9-utils") || !strings.Contains(err.Error(), "-servers") {
		t.Errorf("got %v", err)
	}
	if _, err := choose("CoreDNS"); err == nil {
		t.Error("a server that is not there is chosen")
	}
	if got, err := choose("BIND RPZ, Unbound RPZ"); err != nil || len(got) != 2 || got[0].name != "BIND RPZ" {
		t.Errorf("got %v, %v", got, err)
	}
}
