package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/bench/rig"
)

type lab struct {
	dir, coredns, upstream string
	names                  []string
	said                   *lines
	changed                int // the number of changes of the small order file until now
}

// A primary is CoreDNS with orders_rpz.
type primary struct {
	*rig.Server
	addr, debug string
	zones       []string
}

func (l *lab) startPrimary(ctx context.Context, n int, secondary string) (*primary, error) {
	addr, port, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	p := &primary{addr: addr, zones: zonesOf(n)}
	if p.debug, _, err = rig.FreePort(); err != nil {
		return nil, err
	}
	if err := l.write(); err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp(l.dir, "state")
	if err != nil {
		return nil, err
	}
	corefile := filepath.Join(l.dir, "Corefile")
	text := fmt.Sprintf("rpz.example:%s {\n bind 127.0.0.1\n pprof %s\n transfer {\n to %s\n }\n orders_rpz %s/orders/*.jsonl {\n parts %d\n state %s\n }\n}\n", port, p.debug, secondary, l.dir, n, state)
	if err := os.WriteFile(corefile, []byte(text), 0o600); err != nil {
		return nil, err
	}
	out, err := l.said.pipe("coredns")
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if p.Server, err = rig.Start(ctx, out, nil, l.coredns, "-conf", corefile); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		last, _ := soa(addr, p.zones[len(p.zones)-1])
		if last != 0 {
			return p, nil
		}
		if time.Now().After(deadline) {
			p.End()
			return nil, errors.New("the primary has no zone after a minute")
		}
	}
}

func zonesOf(n int) (out []string) {
	if n == 1 {
		return []string{"rpz.example."}
	}
	for i := range n {
		out = append(out, fmt.Sprintf("%d-of-%d.rpz.example.", i+1, n))
	}
	return out
}

func (l *lab) write() error {
	orders := filepath.Join(l.dir, "orders")
	if err := os.MkdirAll(orders, 0o700); err != nil {
		return err
	}
	list := strings.Join(l.names, "\n") + "\n"
	head := "{\"version\":1,\"count\":1,\"defaults\":{\"authority\":{\"name\":\"A\"},\"scope\":\"global\"}}\n"
	if err := errors.Join(os.WriteFile(filepath.Join(orders, "names.txt"), []byte(list), 0o600),
		os.WriteFile(filepath.Join(orders, "list.jsonl"), []byte(head+`{"id":"list","targets_from":{"file":"names.txt"}}`+"\n"), 0o600)); err != nil {
		return err
	}
	return errors.Join(l.change(), rig.Age(orders))
}

func (l *lab) change() error {
	l.changed++
	path := filepath.Join(l.dir, "orders", "small.jsonl")
	text := fmt.Sprintf("{\"version\":1,\"count\":1,\"shrink_ok\":1,\"defaults\":{\"authority\":{\"name\":\"A\"},\"scope\":\"global\"}}\n{\"id\":\"small\",\"targets\":[%q]}\n", l.name(0))
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// The place of a name in the zone affects the time of BIND, so the names have different top-level
// domains.
var tops = []string{"com", "example", "net", "ru", "xyz"}

func (l *lab) name(more int) string {
	n := l.changed + more
	return fmt.Sprintf("now%d.%s", n, tops[n%len(tops)])
}

// soa returns the serial of a zone, or 0.
func soa(addr, zone string) (uint32, error) {
	c := dns.Client{Timeout: time.Second}
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), addr)
	if err != nil || len(r.Answer) == 0 {
		return 0, err
	}
	s, ok := r.Answer[0].(*dns.SOA)
	if !ok {
		return 0, nil
	}
	return s.Serial, nil
}

func serveUpstream(ctx context.Context) (string, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.RecursionAvailable = true
		if q := r.Question[0]; q.Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 600}, A: net.IPv4(203, 0, 113, 1)}}
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	context.AfterFunc(ctx, func() { s.Shutdown() })
	return c.LocalAddr().String(), nil
}

type lines struct {
	verbose bool
	mu      sync.Mutex
	list    []line
}

type line struct {
	at   time.Time
	text string
}

func (l *lines) pipe(server string) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		defer r.Close()
		for s := bufio.NewScanner(r); s.Scan(); {
			x := line{time.Now(), s.Text()}
			l.mu.Lock()
			l.list = append(l.list, x)
			l.mu.Unlock()
			if l.verbose {
				fmt.Fprintf(os.Stderr, "%s %s: %s\n", x.at.Format("15:04:05.000"), server, x.text)
			}
		}
	}()
	return w, nil
}

func (l *lines) last(begin time.Time, text string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0 && l.list[i].at.After(begin); i-- {
		if strings.Contains(l.list[i].text, text) {
			return l.list[i].at.Sub(begin)
		}
	}
	return 0
}

func (l *lines) await(ctx context.Context, begin time.Time, text string) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		if l.last(begin, text) > 0 {
			return nil
		}
	}
	return errors.Join(ctx.Err(), fmt.Errorf("no server logs %q", text))
}
