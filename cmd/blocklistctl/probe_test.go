package main

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/miekg/dns"
)

// For blocked names, the server answers NXDOMAIN with extended error 16.
func startResolver(t *testing.T, blocked ...string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.SetEdns0(1232, false)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(203, 0, 113, 1)}}
		for _, b := range blocked {
			if dns.IsSubDomain(b, r.Question[0].Name) {
				m.Rcode, m.Answer = dns.RcodeNameError, nil
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 16}}
			}
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().String()
}

const probeOrders = `version: 1
defaults: {authority: {name: A, country: IT}, scope: global}
orders:
- {id: court/1, targets: [a.example, b.example, {address: 192.0.2.1}]}
- {id: hidden/1, disclosure: none, targets: [hidden.example]}
- {id: french, scope: {countries: [FR]}, targets: [french.example]}
`

func TestProbe(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("orders.yaml", []byte(probeOrders), 0o600)
	bad, good := startResolver(t, "a.example."), startResolver(t, "a.example.", "b.example.", "hidden.example.")
	const notes = "note: not asked: 1 name of sealed orders (--sealed asks about them, and shows them to the server)\n"
	const dependent = "note: not asked: 1 name whose block depends on the client (state --country and --client)\n"
	const address = "note: not asked, because a probe asks only about names: 1 target in force by address or URL\n"
	const settings = "note: without --corefile, the settings of the server are unknown, for example response and protect\n"
	const passes = ": NOERROR with A 203.0.113.1, and the order calls for NXDOMAIN\n"
	const wrong = "WRONG: b.example A (target of order court/1, target b.example)" + passes +
		"WRONG: blocklist--any.b.example A (below target of order court/1, target b.example)" + passes
	runCases(t, []commandCase{
		{"probe " + good + " orders.yaml --rate 10000", exitOK, notes + dependent + address + settings + good + ", for a client of unknown country: 4 right, 0 wrong, 0 unclear, 0 without an answer, 0 not asked\n"},
		{"probe " + bad + " orders.yaml --rate 10000 --country IT", exitProblems, notes + address + settings + wrong + bad + ", for a client in IT: 3 right, 2 wrong, 0 unclear, 0 without an answer, 0 not asked\n"},
		{"probe @" + good + " orders.yaml --rate 10000 --country FR --expect blocked --sealed", exitProblems, address +
			"WRONG: french.example A (target of order french, target french.example): the name is not blocked: NOERROR with A 203.0.113.1\n" +
			"WRONG: blocklist--any.french.example A (below target of order french, target french.example): the name is not blocked: NOERROR with A 203.0.113.1\n" +
			good + ", for a client in FR: 6 right, 2 wrong, 0 unclear, 0 without an answer, 0 not asked\n"},
		{"probe " + good + " orders.yaml --limit 3", exitMisuse, "! blocklistctl: the orders have 4 questions, more than --limit 3: use --sample N, or a larger --limit\n"},
		{"probe ftp://x orders.yaml", exitMisuse, "! blocklistctl: the server must be like 192.0.2.53, [2001:db8::53]:5353, dns.example.net, tls://HOST or https://HOST/dns-query, got \"ftp://x\"\n"},
		{"probe x orders.yaml --rate 0", exitMisuse, "! blocklistctl: --rate must be from 1 to 10000, got 0\n"},
		{"probe x orders.yaml --type AXFR", exitMisuse, "! blocklistctl: --type must be a query type such as A or HTTPS, got \"AXFR\"\n"},
		{"probe x orders.yaml --ecs", exitMisuse, "! blocklistctl: --ecs needs --client IP\n"},
		{"probe x orders.yaml --journal j", exitMisuse, "! blocklistctl: --journal and --name must be used together\n"},
		{"probe x", exitMisuse, "! blocklistctl: no ORDERS: give order files, or --corefile FILE, or set $BLOCKLIST_COREFILE\n"},
	})
}

// TestProbeCorefile runs probe with the settings of a Corefile.
func TestProbeCorefile(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("orders.yaml", []byte(probeOrders), 0o600)
	os.WriteFile("Corefile", []byte("example {\n blocklist orders.yaml {\n  response refused\n  home FR\n }\n}\nb.example {\n whoami\n}\n"), 0o600)
	server := startResolver(t, "a.example.", "b.example.")
	code, out, _ := ctl("probe", server, "--corefile", "Corefile", "--rate", "10000")
	for _, want := range []string{
		"note: not asked: 1 name that the server block does not decide about\n",
		"WRONG: a.example A (target of order court/1, target a.example): NXDOMAIN, and the order calls for REFUSED\n",
		"WRONG: french.example A (target of order french, target french.example): NOERROR with A 203.0.113.1, and the order calls for REFUSED\n",
		", for a client in FR: 0 right, 4 wrong, ",
	} {
		if code != exitProblems || !strings.Contains(out, want) {
			t.Errorf("exit %d\n%s\nno %q", code, out, want)
		}
	}
	os.WriteFile("Corefile", []byte(". {\n blocklist orders.yaml {\n  shadow\n }\n}\n"), 0o600)
	if code, _, errs := ctl("probe", server, "--corefile", "Corefile"); code != exitProblems || !strings.Contains(errs, "is in shadow, so it blocks no name") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// TestProbeECS checks the client subnet in the queries.
func TestProbeECS(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("orders.yaml", []byte("version: 1\norders: [{id: a, authority: {name: A}, scope: {clients: [192.0.2.0/24]}, targets: [a.example]}]\n"), 0o600)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	subnets := make(chan string, 10)
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		subnets <- r.IsEdns0().Option[0].String()
		w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeRefused))
	})}
	go s.ActivateAndServe()
	defer s.Shutdown()
	code, out, _ := ctl("probe", conn.LocalAddr().String(), "orders.yaml", "--client", "192.0.2.7", "--ecs", "--rate", "1000", "--expect", "blocked")
	if got := <-subnets; code != exitOK || got != "192.0.2.7/32/0" || !strings.Contains(out, "UNCLEAR: a.example A (target of order a, target a.example): the server refused all questions") {
		t.Errorf("exit %d, %s\n%s", code, got, out)
	}
}

func TestProbeSilent(t *testing.T) {
	t.Chdir(t.TempDir())
	text := strings.Replace(probeOrders, "b.example,", "b.example, c.example, d.example, e.example, f.example,", 1)
	os.WriteFile("orders.yaml", []byte(text), 0o600)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	code, out, errs := ctl("probe", conn.LocalAddr().String(), "orders.yaml", "--rate", "10000", "--timeout", "20ms")
	if code != exitProblems || !strings.Contains(errs, "the server did not answer 10 questions in a row; the probe was stopped") || !strings.Contains(out, "NO ANSWER: a.example A (target of order court/1, target a.example): no answer in time\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestProbeJournal(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("orders.yaml", []byte(probeOrders), 0o600)
	server := startResolver(t, "a.example.")
	probe := func(more ...string) (int, string) {
		code, out, errs := ctl(append([]string{"probe", server, "orders.yaml", "--country", "IT", "--rate", "10000"}, more...)...)
		return code, out + errs
	}
	for range 2 {
		if code, out := probe("--journal", "j", "--name", "dns.example.net/probe/1"); code != exitProblems || !strings.Contains(out, "3 right, 2 wrong") {
			t.Fatalf("exit %d\n%s", code, out)
		}
	}
	var lines []string
	err := journal.Read("j", func(r journal.Record, _ []byte) bool {
		if r.Event == journal.Probe {
			if r.Server != server || !r.Time.Equal(clock()) {
				t.Errorf("record %+v", r)
			}
			lines = append(lines, strings.Join([]string{r.Order, r.Target, r.Name, r.Type, r.Rcode, r.Why}, "|"))
		}
		return true
	})
	if err != nil || len(lines) != 10 || lines[0] != "court/1|a.example|a.example|A|NXDOMAIN|" || lines[2] != "court/1|b.example|b.example|A|NOERROR|NOERROR with A 203.0.113.1, and the order calls for NXDOMAIN" {
		t.Errorf("%v\n%s", err, strings.Join(lines, "\n"))
	}
	code, out, _ := ctl("history", "court/1", "--journal", "j")
	if want := "order court/1 on dns.example.net/probe/1\n  was asked about from outside\n    2026-05-01 12:00:00  probe        target a.example, " + server + " answered a.example A with NXDOMAIN, as expected\n"; code != exitOK || !strings.HasPrefix(out, want) {
		t.Errorf("exit %d\n%s\nwant\n%s", code, out, want)
	}
	if code, out, _ := ctl("evidence", "verify", "j"); code != exitOK || !strings.Contains(out, "2 good checkpoints") && !strings.Contains(out, "3 good checkpoints") {
		t.Errorf("exit %d\n%s", code, out)
	}

	makeJournal(t, "server")
	os.Mkdir("full", 0o755)
	os.WriteFile("full/file", nil, 0o600)
	j := journal.Open("locked", journal.Options{Origin: "n", Program: evidence.ProbeProgram})
	if !j.Flush(time.Minute) {
		t.Fatal("the journal does not open")
	}
	defer j.Close(time.Minute)
	for _, tc := range []struct {
		dir, name string
		code      int
		want      string
	}{
		{"j", "other", exitMisuse, "--name: the journal in j has the name dns.example.net/probe/1, got \"other\""},
		{"j", "a b", exitMisuse, "--name: the name of a journal is a URL without scheme"},
		{"server", "dns.example.net/journal/node1", exitProblems, "server: is the journal of a server; a probe needs a journal of its own: choose another directory"},
		{"full", "n", exitProblems, "full: is neither empty nor a journal"},
		{"locked", "n", exitProblems, "a probe needs a journal of its own: choose another directory, or wait for the other probe"},
		{"no/dir", "n", exitProblems, "the journal cannot be written: mkdir no/dir: no such file or directory"},
	} {
		before, _ := os.ReadFile(tc.dir + "/records/000000000000.jsonl")
		code, out := probe("--journal", tc.dir, "--name", tc.name)
		if code != tc.code || !strings.Contains(out, tc.want) || strings.Contains(out, "right") {
			t.Errorf("%s: exit %d\n%s", tc.dir, code, out)
		}
		if after, _ := os.ReadFile(tc.dir + "/records/000000000000.jsonl"); string(after) != string(before) {
			t.Errorf("%s: the journal has changed", tc.dir)
		}
	}
}
