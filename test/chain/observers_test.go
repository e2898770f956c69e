package chain

import (
	"bytes"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	tap "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/proto"
)

func logged(t *testing.T) *program.Buffer {
	b := &program.Buffer{}
	stdlog.SetOutput(b)
	t.Cleanup(func() { stdlog.SetOutput(io.Discard) })
	return b
}

func TestLogAndErrors(t *testing.T) {
	out := logged(t)
	s := start(t, "", "127.0.0.1", []string{`
errors
log . "query {name} {rcode} {>rflags}"` + plain}, nil)
	var want []string
	for _, q := range []string{"www.blocked.example A", "refused.example A", "page.example AAAA", "a.sealed.example A", "ok.example A"} {
		r := unpack(t, overUDP(s, q))
		want = append(want, fmt.Sprintf("query %s %s qr,rd,ra", r.Question[0].Name, dns.RcodeToString[r.Rcode]))
	}
	var got []string
	eventually(t, func() bool {
		got = regexp.MustCompile(`query .*`).FindAllString(out.String(), -1)
		return len(got) >= len(want)
	})
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the log has\n%q\nwant\n%q", got, want)
	}
	logged := strings.ReplaceAll(out.String(), "bind 127.0.0.1", "bind")
	for _, line := range strings.Split(logged, "\n") {
		if strings.Contains(line, "[ERROR]") {
			t.Errorf("the errors plugin logged an answer that is no error: %s", line)
		}
		if strings.Contains(line, "plugin/"+name) && (strings.Contains(line, "127.0.0.1") || strings.Contains(line, "blocked.example")) {
			t.Errorf("blocklist logged a client or a name: %s", line)
		}
	}
}

func TestDnstap(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	frames := make(chan []byte, 16)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return // the test has failed and has closed the listener
		}
		defer c.Close()
		if in, err := tap.NewFrameStreamInput(c, true); err == nil {
			in.ReadInto(frames)
		}
	}()
	s := start(t, "", "127.0.0.1", []string{`
metadata
dnstap tcp://` + l.Addr().String() + ` full {
    extra "{/blocklist/verdict}"
}` + plain}, nil)
	want := map[string]string{} // the extra field for each reply
	for q, extra := range map[string]string{"www.blocked.example A": "blocked", "refused.example A": "blocked", "page.example AAAA": "blocked", "to-page.example A": "blocked", "ok.example A": "-"} {
		want[string(overUDP(s, q))] = extra
	}
	deadline := time.After(patience)
	for len(want) > 0 {
		select {
		case f := <-frames:
			m := new(tap.Dnstap)
			if err := proto.Unmarshal(f, m); err != nil {
				t.Fatal(err)
			}
			if m.Message.GetType() != tap.Message_CLIENT_RESPONSE {
				continue
			}
			got := m.Message.ResponseMessage
			extra, ok := want[string(got)]
			if !ok || extra != string(m.Extra) {
				t.Errorf("extra %q, want %q, a client got this response: %v\n%s", m.Extra, extra, ok, unpack(t, got))
			}
			delete(want, string(got))
		case <-deadline:
			t.Fatalf("%d responses were not tapped", len(want))
		}
	}
}

func TestPrometheusAndReady(t *testing.T) {
	metrics, readiness := port.Address(t), port.Address(t)
	s := start(t, "", "127.0.0.1", []string{`
prometheus ` + metrics + `
ready ` + readiness + `
view inside {
    expr incidr(client_ip(), '127.0.0.2/32')
}` + plain, `
prometheus ` + metrics + `
ready ` + readiness + plain}, nil)
	line := func(metric string, labels ...string) int {
		for _, l := range strings.Split(get(t, "http://"+metrics+"/metrics"), "\n") {
			if rest, ok := strings.CutPrefix(l, metric+"{"); ok {
				all := true
				for _, want := range labels {
					all = all && strings.Contains(rest, want)
				}
				if all {
					var n int
					fmt.Sscan(rest[strings.LastIndexByte(rest, ' ')+1:], &n)
					return n
				}
			}
		}
		return 0
	}
	const blockedTotal = "coredns_blocklist_blocked_requests_total"
	outside := []string{`response="nxdomain"`, `server="dns://127.0.0.1:0"`, `view=""`, `zone="."`}
	inside := []string{`response="nxdomain"`, `server="dns://127.0.0.1:0"`, `view="inside"`, `zone="."`}
	own := []string{`rcode="NXDOMAIN"`, `server="dns://127.0.0.1:0"`, `view=""`}
	before := []int{line(blockedTotal, outside...), line(blockedTotal, inside...), line("coredns_dns_responses_total", own...)}
	overUDP(s, "www.blocked.example A")
	overUDP(s, "www.blocked.example A")
	overUDP(s, "www.blocked.example A +from=127.0.0.2")
	overUDP(s, "ok.example A")
	want := []int{before[0] + 2, before[1] + 1, before[2] + 2}
	eventually(t, func() bool { return line("coredns_dns_responses_total", own...) == want[2] })
	if got := []int{line(blockedTotal, outside...), line(blockedTotal, inside...)}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("outside and inside the view %d were counted, want %d", got, want[:2])
	}
	if got := get(t, "http://"+readiness+"/ready"); got != "OK" {
		t.Errorf("ready says %q", got)
	}
}

func TestRestartUnderQueries(t *testing.T) {
	s := &server{t: t, dir: t.TempDir()}
	s.write("orders.yaml", orders)
	// A reload would change port 0 to another port.
	addr := port.Address(t)
	input := func(directive string) caddy.Input {
		in := s.input("127.0.0.1", []string{directive + plain}).(caddy.CaddyfileInput)
		in.Contents = bytes.Replace(in.Contents, []byte(".:0 "), []byte(".:"+addr[strings.LastIndexByte(addr, ':')+1:]+" "), 1)
		return in
	}
	inst, err := caddy.Start(input(""))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var answered [2]atomic.Int64
	for i, network := range []string{"udp", "tcp"} {
		wg.Go(func() {
			// A restart may lose a query or its connection.
			client := &dns.Client{Net: network, Timeout: 200 * time.Millisecond}
			q := parseQuery(t, "www.blocked.example A")
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, _, err := client.Exchange(q.Copy(), addr)
				if err != nil || !r.Response {
					continue
				}
				answered[i].Add(1)
				if got := brief(r); got != blocked.want {
					t.Errorf("over %s\n got %s\nwant %s", network, got, blocked.want)
					return
				}
			}
		})
	}
	for i := range 4 {
		udp, tcp := answered[0].Load(), answered[1].Load()
		eventually(t, func() bool { return answered[0].Load() > udp+10 && answered[1].Load() > tcp+10 })
		directive := ""
		if i == 2 {
			directive = "no_such_plugin" // this Corefile is wrong, so the old configuration must stay
		}
		next, err := inst.Restart(input(directive))
		if (err != nil) != (directive != "") {
			t.Error(err)
		}
		if err == nil {
			inst = next
		}
	}
	close(stop)
	wg.Wait()
	for _, err := range inst.ShutdownCallbacks() {
		t.Error(err)
	}
	if err := inst.Stop(); err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// eventually waits for a condition that becomes true soon.
func eventually(t *testing.T, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !what(); {
		if time.Now().After(deadline) {
			t.Error("it did not happen")
			return
		}
		time.Sleep(time.Millisecond)
	}
}
