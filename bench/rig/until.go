package rig

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Question is asked again and again until the answer is the one that is meant.
type Question struct {
	Addr string
	// Name is the i-th name asked for: always the same, or a new one below it where
	// a cache would answer for the server's list.
	Name  func(i int) string
	Every time.Duration
	Done  func(*dns.Msg) bool
}

// Same is a Question's Name that is always the same.
func Same(name string) func(int) string { return func(int) string { return name } }

// Until asks open loop, whether or not the question before was answered, so that a
// server that stops answering cannot hide it. It makes the change meanwhile, and
// returns the time from the moment that the change says to the first answer that is
// meant.
func (q Question) Until(ctx context.Context, patience time.Duration, change func() (time.Time, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := net.Dial("udp", q.Addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	answered := make(chan time.Time, 1)
	go q.receive(c, answered)
	go q.ask(ctx, c)
	begin, err := change()
	if err != nil {
		return 0, err
	}
	select {
	case at := <-answered:
		if at.Before(begin) {
			return 0, fmt.Errorf("%s was answered as meant before the change", q.Name(0))
		}
		return at.Sub(begin), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s is not answered as meant after %s: %w", q.Name(0), patience, ctx.Err())
	}
}

func (q Question) ask(ctx context.Context, c net.Conn) {
	tick := time.NewTicker(q.Every)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		query, err := new(dns.Msg).SetQuestion(dns.Fqdn(strings.ToLower(q.Name(i))), dns.TypeA).Pack()
		if err != nil {
			return // patience tells
		}
		binary.BigEndian.PutUint16(query, uint16(i))
		c.Write(query) // refused while the server is not there yet
		<-tick.C
	}
}

// receive reads answers until one is meant or the connection is closed. What is no
// answer, such as the port's being closed, is passed over.
func (q Question) receive(c net.Conn, answered chan<- time.Time) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		at := time.Now()
		m := new(dns.Msg)
		if err == nil && m.Unpack(buf[:n]) == nil && m.Response && q.Done(m) {
			answered <- at
			return
		}
		if ne, ok := err.(net.Error); err != nil && (!ok || strings.Contains(ne.Error(), net.ErrClosed.Error())) {
			return
		}
	}
}
