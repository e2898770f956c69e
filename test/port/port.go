// Package port finds free ports for the servers of tests and benchmarks.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// On Linux, client sockets use ports from 32768. The ports here must be lower.
const (
	lowest  = 10000
	highest = 32000
)

var given sync.Map

// Free returns a free port for a test. See Find.
func Free(t testing.TB) string {
	t.Helper()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Address returns a loopback address with a free port for a test.
func Address(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + Free(t)
}

// Find returns a port that is free on all addresses. The port is free for UDP and TCP. A process
// gets no port twice.
func Find() (string, error) {
	for range 1000 {
		p := strconv.Itoa(lowest + rand.IntN(highest-lowest))
		if _, twice := given.LoadOrStore(p, true); twice {
			continue
		}
		l, err := net.Listen("tcp", ":"+p)
		if err != nil {
			continue
		}
		c, err := net.ListenPacket("udp", ":"+p)
		l.Close()
		if err == nil {
			c.Close()
			return p, nil
		}
	}
	return "", errors.New("no port is free for both UDP and TCP")
}
