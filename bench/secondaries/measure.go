package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/bench/rig"
)

const patience = 2 * time.Minute

func blocked(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError }

func passes(m *dns.Msg) bool { return m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0 }

func (l *lab) measure(ctx context.Context, server string, parts, changes int) error {
	addr, _, err := rig.FreePort()
	if err != nil {
		return err
	}
	p, err := l.startPrimary(ctx, parts, addr)
	if err != nil {
		return err
	}
	defer p.End()
	s, err := l.startSecondary(ctx, server, addr, p)
	if err != nil {
		return err
	}
	defer s.End()
	begin := time.Now()
	for _, name := range []string{l.names[0], l.names[len(l.names)/2], l.names[len(l.names)-1], l.name(0)} {
		if err := l.await(ctx, addr, name, blocked); err != nil {
			return fmt.Errorf("%s, %d parts: %w", server, parts, err)
		}
	}
	for _, z := range p.zones {
		if err := l.said.await(ctx, begin, fmt.Sprintf("of zone %q to", z)); err != nil {
			return fmt.Errorf("%s, %d parts: %w", server, parts, err)
		}
	}
	first := time.Since(begin)
	var serial, sent, block, lift []time.Duration
	for range changes {
		if err := idle(ctx, s, p.Server); err != nil {
			return err
		}
		begin, b, f, err := l.effect(ctx, addr)
		if err != nil {
			return fmt.Errorf("%s, %d parts: %w", server, parts, err)
		}
		block, lift = append(block, b), append(lift, f)
		serial, sent = append(serial, l.said.last(begin, ": serial ")), append(sent, l.said.last(begin, "Outgoing transfer"))
	}
	fmt.Printf("| %s | %d | %.1f | %s | %s | %s | %s | %s | %s |\n", server, parts, first.Seconds(), median(serial), median(sent), median(block), worst(block), median(lift), worst(lift))
	return nil
}

func (l *lab) effect(ctx context.Context, addr string) (begin time.Time, block, lift time.Duration, err error) {
	old, name := l.name(0), l.name(1)
	changed, ended := make(chan struct{}), make(chan error, 1)
	var changeErr error
	go func() {
		q := rig.Question{Addr: addr, Name: rig.Same(old), Every: 5 * time.Millisecond, Done: passes}
		d, err := q.Until(ctx, patience, func() (time.Time, error) { <-changed; return begin, changeErr })
		lift = d
		ended <- err
	}()
	q := rig.Question{Addr: addr, Name: rig.Same(name), Every: 5 * time.Millisecond, Done: blocked}
	block, err = q.Until(ctx, patience, func() (time.Time, error) {
		begin = time.Now()
		changeErr = l.change()
		close(changed)
		return begin, changeErr
	})
	return begin, block, lift, errors.Join(err, <-ended)
}

func (l *lab) await(ctx context.Context, addr, name string, done func(*dns.Msg) bool) error {
	q := rig.Question{Addr: addr, Name: rig.Same(name), Every: 10 * time.Millisecond, Done: done}
	_, err := q.Until(ctx, patience, func() (time.Time, error) { return time.Now().Add(-time.Millisecond), nil })
	return err
}

// idle waits until the servers use little CPU time.
func idle(ctx context.Context, servers ...*rig.Server) error {
	const span, little = 300 * time.Millisecond, 30 * time.Millisecond
	for quiet := 0; quiet < 2; {
		before, err := cpu(servers)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(span):
		}
		after, err := cpu(servers)
		if err != nil {
			return err
		}
		if quiet++; after-before > little {
			quiet = 0
		}
	}
	return nil
}

func cpu(servers []*rig.Server) (sum time.Duration, err error) {
	for _, s := range servers {
		d, e := s.CPU()
		sum, err = sum+d, errors.Join(err, e)
	}
	return sum, err
}

func (l *lab) history(ctx context.Context, parts, changes int) (string, error) {
	addr, _, err := rig.FreePort()
	if err != nil {
		return "", err
	}
	p, err := l.startPrimary(ctx, parts, addr) // no secondary is there
	if err != nil {
		return "", err
	}
	defer p.End()
	before, err := p.heap()
	if err != nil {
		return "", err
	}
	serials := map[string]uint32{}
	for i := range changes {
		if i == changes-1 {
			for _, z := range p.zones {
				if serials[z], err = soa(p.addr, z); err != nil {
					return "", err
				}
			}
		}
		begin := time.Now()
		if err := l.change(); err != nil {
			return "", err
		}
		if err := l.said.await(ctx, begin, ": serial "); err != nil {
			return "", err
		}
	}
	if err := idle(ctx, p.Server); err != nil {
		return "", err
	}
	zone := ""
	for z, before := range serials {
		now, err := soa(p.addr, z)
		if err != nil {
			return "", err
		}
		if now != before {
			zone = z
		}
	}
	if zone == "" {
		return "", errors.New("no zone has changed")
	}
	after, err := p.heap()
	if err != nil {
		return "", err
	}
	query, answer, err := p.octets(zone, serials[zone])
	if err != nil {
		return "", err
	}
	m := new(dns.Msg).SetNotify(zone)
	return fmt.Sprintf("| %d | %d | %d | %d | %d |", parts, query, answer, 2*m.Len(), (after-before)>>10), nil
}

func (p *primary) heap() (int, error) {
	text := []byte{}
	for range 2 { // the second collection frees what finalizers kept
		r, err := http.Get("http://" + p.debug + "/debug/pprof/heap?gc=1&debug=1")
		if err != nil {
			return 0, err
		}
		text, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return 0, err
		}
	}
	_, rest, _ := strings.Cut(string(text), "# HeapAlloc = ")
	number, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(number)
}

// The results are the sizes of an IXFR query and of its answer over TCP.
func (p *primary) octets(zone string, serial uint32) (query, answer int, err error) {
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, 0, err
	}
	text, err := new(dns.Msg).SetIxfr(zone, serial, "localhost.", "hostmaster.localhost.").Pack()
	if err != nil {
		return 0, 0, err
	}
	if _, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)); err != nil {
		return 0, 0, err
	}
	var head [2]byte
	if _, err = io.ReadFull(c, head[:]); err != nil {
		return 0, 0, err
	}
	text2 := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err = io.ReadFull(c, text2); err != nil {
		return 0, 0, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(text2); err != nil {
		return 0, 0, err
	}
	if n := len(m.Answer); n < 2 || m.Answer[0].Header().Rrtype != dns.TypeSOA || m.Answer[n-1].Header().Rrtype != dns.TypeSOA {
		return 0, 0, fmt.Errorf("the transfer of %s has %d records in its first message, and does not end there", zone, n)
	}
	return 2 + len(text), 2 + len(text2), nil
}
