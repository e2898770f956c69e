package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// interval is the time between two questions.
const interval = time.Millisecond

// until asks for a name each interval, open loop, makes the change a little
// later, and returns the time from the moment that change returned to the first
// answer that says NXDOMAIN.
func until(ctx context.Context, addr, name string, change func() (time.Time, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := net.Dial("udp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	query, err := new(dns.Msg).SetQuestion(dns.Fqdn(strings.ToLower(name)), dns.TypeA).Pack()
	if err != nil {
		return 0, err
	}
	answered := make(chan time.Time, 1)
	go receive(c, answered)
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for id := uint16(0); ctx.Err() == nil; id++ {
			binary.BigEndian.PutUint16(query, id)
			c.Write(query) // refused while the server is not there yet
			<-tick.C
		}
	}()
	begin, err := change()
	if err != nil {
		return 0, err
	}
	select {
	case at := <-answered:
		if at.Before(begin) {
			return 0, fmt.Errorf("%s was blocked before the change", name)
		}
		return at.Sub(begin), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s is not blocked after %s: %w", name, patience, ctx.Err())
	}
}

// receive reads answers until one is NXDOMAIN or the connection is closed. What
// is no answer, such as the port's being closed, is passed over.
func receive(c net.Conn, answered chan<- time.Time) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if n >= 12 && int(buf[3]&0xf) == dns.RcodeNameError {
			answered <- time.Now()
			return
		}
		if ne, ok := err.(net.Error); err != nil && (!ok || strings.Contains(ne.Error(), net.ErrClosed.Error())) {
			return
		}
	}
}
